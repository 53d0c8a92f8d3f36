"""Widget values in the page's address, so that a link reopens the same view.

The address wins when it was opened: at the start of a session, and when the browser goes Back or
Forward. Otherwise the session wins, and the address follows it.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from visil_dash.ui.shell import state


def _went_back_or_forward() -> bool:
    """Whether this run was caused by the browser's Back or Forward."""
    context = get_script_run_ctx()
    return context is not None and bool(context.is_history_navigation)


def follow_history(page: str) -> None:
    """Call it before the page is drawn.

    After Back or Forward `address_counts` is true once for each parameter, however many runs it
    takes until its widget is drawn. Another `page` ends that.
    """
    if _went_back_or_forward():
        st.session_state[state.HISTORY_TAKEN] = page, set()
    elif st.session_state.get(state.HISTORY_TAKEN, (page,))[0] != page:
        del st.session_state[state.HISTORY_TAKEN]


def address_counts(param: str) -> bool:
    """Whether the address's `param` counts now, present or not, and not what the session holds."""
    if state.HISTORY_TAKEN not in st.session_state:
        return False
    _, taken = st.session_state[state.HISTORY_TAKEN]
    if param in taken:
        return False
    taken.add(param)
    return True


def from_link(key: str, param: str, read: Callable[[str], Any], *, default: Any) -> None:
    """Gives the widget `key` its value: the link's when it was opened, else its own or `default`.

    Call it before the widget is drawn, and give the widget no default. `read` returns None for
    text that is not valid.
    """
    if not address_counts(param) and key in st.session_state:
        return
    value = read(st.query_params[param]) if param in st.query_params else None
    st.session_state[key] = default if value is None else value


def to_link(param: str, value: str, *, default: str = "") -> None:
    """Writes the value into the address; the default is left out."""
    if value == default:
        st.query_params.pop(param, None)
    elif st.query_params.get(param) != value:
        st.query_params[param] = value


def number(text: str, *, low: float, high: float) -> float | None:
    """The number in a link; None where it is not a number or out of range."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None
