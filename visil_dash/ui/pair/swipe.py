"""Two pictures of one size, one over the other, with a divider that is dragged or moved by keys."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from visil_dash.ui.shell.playing import media_address
from visil_dash.ui.shell.widgets import UI_ASSETS


@dataclass(frozen=True)
class SwipeSide:
    """One side: a JPEG, the word in its corner, and what it shows for those who cannot see it."""

    jpeg: bytes
    label: str
    alt: str


@cache
def _component() -> Any:
    html, css, js = ((UI_ASSETS / "swipe" / f"swipe.{kind}").read_text() for kind in _KINDS)
    return st.components.v2.component("visil_dash.swipe", html=html, css=css, js=js)


_KINDS = ("html", "css", "js")


def draw_swipe(left: SwipeSide, right: SwipeSide, *, key: str) -> None:
    sides = {
        name: {
            "url": media_address(side.jpeg, "image/jpeg", place=f"{key}-{name}"),
            "label": side.label,
            "alt": side.alt,
        }
        for name, side in (("left", left), ("right", right))
    }
    _component()(key=key, data=sides)
