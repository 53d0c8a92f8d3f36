"""Which dialog stands open, kept in the session.

A dialog that only the click on its button draws is closed by the next run of the page, and pages
run again by themselves: when a picture, a copy that browsers play or an added video is ready.
"""

import streamlit as st

from visil_dash.ui.shell import state

LIBRARY, SEARCH = "library", "search"  # pages that have one


def show(page: str, *what: str | float) -> None:
    """Opens the page's dialog with this in it: a callback."""
    st.session_state[state.DIALOG] = page, what


def shown(page: str) -> tuple[str | float, ...] | None:
    """What the page's dialog shows, None when it is closed; one left open elsewhere is closed."""
    asked: tuple[str, tuple[str | float, ...]] | None = st.session_state.get(state.DIALOG)
    if asked is None:
        return None
    if asked[0] != page:
        close()
        return None
    return asked[1]


def close() -> None:
    """Closes it: a callback."""
    st.session_state.pop(state.DIALOG, None)
