"""Errors meant for the user, shown as one sentence; all others are left to raise."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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


@dataclass
class _Kept:
    errors: list[VisilDashError] = field(default_factory=list)
    place: str = ""
    shown: bool = False


@contextmanager
def keep_errors(*, place: str = "") -> Iterator[None]:
    """For actions, in a callback or below a button: keeps a VisilDashError for
    `show_kept_errors`, at this place only if one is given. Forgets those that were shown."""
    kept: _Kept | None = st.session_state.get(state.ERRORS)
    if kept is not None and kept.shown:
        _forget_errors()
    try:
        yield
    except VisilDashError as error:
        kept = st.session_state.setdefault(state.ERRORS, _Kept())
        kept.errors.append(error)
        kept.place = place


def show_kept_errors(place: str) -> None:
    """Shows the errors of the last action until the next action, the next page or Dismiss.

    A page may run again at any moment, so what is shown in one run only would not be seen.
    `place`: the page, and behind a slash the part of it. The first place that is drawn after
    the action shows them.
    """
    kept: _Kept | None = st.session_state.get(state.ERRORS)
    if kept is None:
        return
    kept.place = kept.place or place
    if kept.place == place:
        kept.shown = True
        show_errors(kept.errors, key=f"kept-{place}", dismiss=_forget_errors)
    elif kept.place.partition("/")[0] != place.partition("/")[0]:
        _forget_errors()


def show_errors(errors: Iterable[BaseException], *, key: str, dismiss: Callable[[], None]) -> None:
    """The errors with a button below them that calls `dismiss`."""
    with st.container(gap="small", key=key.replace("/", "-")):
        for error in errors:
            show_error(error)
        st.button(
            "Dismiss",
            key=f"dismiss-{key}",
            type="tertiary",
            icon=":material/close:",
            on_click=dismiss,
        )


def _forget_errors() -> None:
    st.session_state.pop(state.ERRORS, None)
