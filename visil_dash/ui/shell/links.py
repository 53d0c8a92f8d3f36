"""Widget values in the page's address, so that a link reopens the same view."""

from collections.abc import Callable
from typing import Any

import streamlit as st


def from_link(key: str, param: str, read: Callable[[str], Any], *, default: Any) -> None:
    """Gives the widget `key` its first value: the link's, else `default`.

    Call it before the widget is drawn, and give the widget no default. `read` returns None for
    text that is not valid.
    """
    if key in st.session_state:
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
