"""Which dialog is open, kept in the session.

A dialog that is drawn only by the click on its button is closed by the next run of the page, and
pages run again by themselves: when a picture, a playable copy or an added video is ready.
"""

import streamlit as st

from visil_dash.ui.shell import state

LIBRARY, SEARCH, COLLECTION = "library", "search", "collection"  # pages that have a dialog


def request(page: str, *what: str | float) -> None:
    """Opens the page's dialog with this content; a callback."""
    st.session_state[state.DIALOG] = page, what


def requested(page: str) -> tuple[str | float, ...] | None:
    """Content of the page's dialog, None when it is closed. Closes the dialog of another page."""
    asked: tuple[str, tuple[str | float, ...]] | None = st.session_state.get(state.DIALOG)
    if asked is None:
        return None
    if asked[0] != page:
        dismiss()
        return None
    return asked[1]


def dismiss() -> None:
    """Closes the dialog; a callback."""
    st.session_state.pop(state.DIALOG, None)
