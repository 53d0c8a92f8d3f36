"""Errors meant for the user, shown as one sentence; all others are left to raise."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from visil_dash.errors import Cancelled, StoreReadOnly, VisilDashError
from visil_dash.ui.shell import state
from visil_dash.ui.shell.text import md


def show_error(error: BaseException) -> None:
    """Shows the error's message: cancelling is information, a locked library a warning."""
    if isinstance(error, Cancelled):
        st.info(md(str(error)), icon=":material/cancel:")
    elif isinstance(error, StoreReadOnly):
        st.warning(md(str(error)), icon=":material/lock:")
    else:
        st.error(md(str(error)), icon=":material/error:")


@contextmanager
def friendly() -> Iterator[None]:
    """Shows a VisilDashError in place of the rest of the block.

    Streamlit's own control flow (rerun, stop, page switch) and unknown exceptions pass.
    """
    try:
        yield
    except VisilDashError as error:
        show_error(error)


@contextmanager
def keep_errors() -> Iterator[None]:
    """For callbacks: keeps a VisilDashError until the page runs `show_kept_errors`."""
    try:
        yield
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)


def show_kept_errors() -> None:
    for error in st.session_state.pop(state.ERRORS, []):
        show_error(error)
