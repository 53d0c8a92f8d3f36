"""The pinned matches of a library, with their notes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.guard import person
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import (
    compare_button,
    minute_of,
    name_line,
    thumbnail,
)

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.cases.pins import Pin

_MOST_CHARACTERS = 2000


def pinned_matches() -> "tuple[Pin, ...]":
    from visil_dash.cases.pins import pins

    return pins(backend.workbench())


def draw_pinned(pinned: "Sequence[Pin]") -> None:
    for number, pin in enumerate(pinned, 1):
        with st.container(border=True, key=f"pin-{number}", gap="small"):
            _draw(number, pin)


def _draw(number: int, pin: "Pin") -> None:
    pictures, about = st.columns([2, 3], gap="medium")
    videos = backend.library_videos()
    whole = pin.query in videos and pin.reference in videos
    with pictures, st.container(horizontal=True, gap="small"):
        for side in (pin.query, pin.reference):
            with st.container(width="stretch", gap="xsmall"):
                if side in videos:
                    thumbnail(side, key=f"pin{number}")
                name_line(_name(side), "query" if side == pin.query else "reference", one_line=True)
    with about, st.container(gap="xsmall"):
        by = f"by {safe_name(pin.by)}, " if pin.by else ""
        st.caption(f"Pinned {by}{minute_of(pin.at)} UTC")
        key = f"pin_note_{pin.query[:16]}_{pin.reference[:16]}"
        st.session_state[key] = pin.note
        st.text_area(
            "Note",
            key=key,
            max_chars=_MOST_CHARACTERS,
            placeholder="What a reader of the case must know of this match",
            on_change=_write,
            args=(pin, key),
            disabled=backend.workbench().library.read_only or not whole,
        )
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if whole:
                compare_button(
                    pin.query, pin.reference, key=f"compare_pin_{number}", kind="tertiary"
                )
            st.button(
                "Take out",
                key=f"unpin_{number}",
                icon=":material/keep_off:",
                type="tertiary",
                on_click=_take_out,
                args=(pin,),
                disabled=backend.workbench().library.read_only,
            )


def _name(side: str) -> str:
    """A library video's name; of a clip that was pinned in a shell, its path."""
    video = backend.library_videos().get(side)
    return safe_name(side if video is None else video.name, longest=120)


def _write(pin: "Pin", key: str) -> None:
    from visil_dash.cases.pins import pin as put_pin

    note = st.session_state[key].strip()
    with keep_errors():
        put_pin(backend.workbench(), pin.query, pin.reference, note=note, by=person())
        st.toast("Note saved", icon=":material/edit_note:")


def _take_out(pin: "Pin") -> None:
    from visil_dash.cases.pins import drop_pin

    with keep_errors():
        drop_pin(backend.workbench(), pin)
