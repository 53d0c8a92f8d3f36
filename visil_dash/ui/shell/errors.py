"""Errors meant for the user, shown as one sentence; everything else is left to raise."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from visil_dash.errors import Cancelled, StoreReadOnly, VisilDashError
from visil_dash.ui.shell import state
from visil_dash.ui.shell.text import md


def show_error(error: BaseException) -> None:
    """The error's sentence, in the tone that its kind asks for."""
    if isinstance(error, Cancelled):
        st.info(md(str(error)), icon=":material/cancel:")
    elif isinstance(error, StoreReadOnly):
        st.warning(md(str(error)), icon=":material/lock:")
    else:
        st.error(md(str(error)), icon=":material/error:")


@contextmanager
def friendly() -> Iterator[None]:
    """Shows a VisilDashError in the place where it arose and goes on after the block.

    Streamlit's own control flow (rerun, stop, page switch) and unknown exceptions pass.
    """
    try:
        yield
    except VisilDashError as error:
        show_error(error)


def told_errors() -> None:
    """Errors of callbacks, shown once."""
    for error in st.session_state.pop(state.ERRORS, []):
        show_error(error)
