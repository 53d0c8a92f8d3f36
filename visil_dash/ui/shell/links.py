"""Widget values in the page's address, so that a link reopens exactly this view."""

from collections.abc import Callable
from typing import Any

import streamlit as st


def from_link(key: str, param: str, read: Callable[[str], Any], *, default: Any) -> None:
    """Gives the widget `key` its first value: the link's, else `default`.

    Call it before the widget is drawn, and give the widget no default of its own. `read` returns
    None for text that it does not understand.
    """
    if key in st.session_state:
        return
    value = read(st.query_params[param]) if param in st.query_params else None
    st.session_state[key] = default if value is None else value


def to_link(param: str, value: str, *, default: str = "") -> None:
    """Writes the value into the address; nothing for the default, which needs no link."""
    if value == default:
        st.query_params.pop(param, None)
    elif st.query_params.get(param) != value:
        st.query_params[param] = value


def number(text: str, *, low: float, high: float) -> float | None:
    """A number of a link, None where it is none or out of range."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None
