"""Errors meant for the user, shown as one sentence; all others are left to raise."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from visil_dash.errors import Cancelled, StoreReadOnly, VisilDashError
from visil_dash.safekeeping.logs import log_error, start_log
from visil_dash.settings import get_settings
from visil_dash.ui.shell import state
from visil_dash.ui.shell.text import md


def show_error(error: BaseException) -> None:
    """Shows the error's message: cancelling is information, a locked library a warning. Any other
    carries the id of its line in the log."""
    if isinstance(error, Cancelled):
        st.info(md(str(error)), icon=":material/cancel:")
    elif isinstance(error, StoreReadOnly):
        st.warning(md(str(error)), icon=":material/lock:")
    else:
        st.error(md(str(error)), icon=":material/error:")
        st.caption(f"Error {log_error(error, where='page')} in the log")


@contextmanager
def logged(page: str) -> Iterator[None]:
    """Logs an error of a page that nobody expected, shows its id, and lets it pass.

    Streamlit's control flow is no Exception.
    """
    start_log(get_settings(), name="dashboard")
    try:
        yield
    except Exception as error:
        error_id = log_error(error, where=page)
        st.error(
            f"This part of the page failed: error {error_id} in the log. Reload the page; if it"
            " comes back, report it with its line of the log.",
            icon=":material/error:",
        )
        raise


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
