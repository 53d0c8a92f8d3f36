"""Widget values in the page's address, so that a link reopens the same view.

The address wins when it was opened: at the start of a session, and when the browser goes Back or
Forward. Otherwise the session wins, and the address follows it.
"""

from collections.abc import Callable, Iterable, Mapping
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


def in_address(
    key: str,
    param: str,
    *,
    read: Callable[[str], Any],
    write: Callable[[Any], str] = str,
    default: Any,
) -> None:
    """Keeps the widget `key` and the address's `param` alike: `from_link`, then `to_link`.

    Call it before the widget is drawn, and give the widget no default.
    """
    from_link(key, param, read, default=default)
    to_link(param, write(st.session_state[key]), default=write(default))


def choice_in_address(key: str, param: str, names: Mapping[str, Any], *, default: Any) -> None:
    """`in_address` for one of several values, each with its name in the address."""
    words = {value: name for name, value in names.items()}
    if st.session_state.get(key, default) not in words:
        del st.session_state[key]  # what was chosen is no longer offered
    in_address(key, param, read=names.get, write=words.__getitem__, default=default)


def choices_in_address(key: str, param: str, offered: Iterable[str], *, default: list[str]) -> None:
    """`in_address` for any number of values."""
    known = set(offered)
    in_address(
        key,
        param,
        read=lambda text: [word for word in text.split("~") if word in known],
        write="~".join,
        default=default,
    )


def number_in_address(
    key: str, param: str, *, low: float, high: float, default: float | None, whole: bool = False
) -> None:
    """`in_address` for a number; `whole`: an int. None is an empty field."""

    def read(text: str) -> float | None:
        value = number(text, low=low, high=high)
        return int(value) if whole and value is not None else value

    def write(value: float | None) -> str:
        return "" if value is None else str(value) if whole else f"{value:.10g}"

    in_address(key, param, read=read, write=write, default=default)


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
