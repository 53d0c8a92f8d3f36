"""Two videos in step: the component that plays the aligned range of a pair."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from visil_dash.clock import clock
from visil_dash.records import Array
from visil_dash.ui.compare.loops import LoopRange
from visil_dash.ui.shell.playing import Playable, media_address
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import UI_ASSETS

_FOLDER = UI_ASSETS / "player"


@dataclass(frozen=True)
class PlayerSide:
    """One side: its name and the file that plays."""

    name: str
    file: Playable


@cache
def _component() -> Any:
    html, css, js = ((_FOLDER / f"player.{kind}").read_text() for kind in ("html", "css", "js"))
    return st.components.v2.component("visil_dash.player", html=html, css=css, js=js)


def paired_player(
    query: PlayerSide,
    reference: PlayerSide,
    span: LoopRange,
    *,
    times: Array,
    key: str,
    range_id: str,
    start: bool,
    on_inspect: Callable[[float, float], None],
) -> None:
    """Both files over `span`, in step.

    `times`: the query's sampled frames, seconds, for steps. Another `range_id` seeks both to the
    start of `span`, and plays if `start`. `on_inspect` is called with the times of both sides
    whose frames the user wants to see.
    """

    def inspect() -> None:
        asked = st.session_state[key].get("frames")
        if asked:
            on_inspect(float(asked["query"]), float(asked["reference"]))

    notes = [*dict.fromkeys(side.file.note for side in (query, reference) if side.file.note)]
    if span.reversed:
        notes.append(
            "The reference runs backwards here. Browsers cannot play that, so it is shown in steps."
        )
    _component()(
        key=key,
        data={
            "query": _side(query, place=f"{key}-query"),
            "reference": _side(reference, place=f"{key}-reference"),
            "range": {
                "id": range_id,
                "play": start,
                "query_start": span.query_start,
                "query_end": span.query_end,
                "reference_start": span.reference_start,
                "reference_end": span.reference_end,
                "speed": span.speed,
                "reversed": span.reversed,
                "aligned": span.aligned,
            },
            "times": [round(float(t), 4) for t in times],
            "caption": range_text(span),
            "note": " ".join(notes),
        },
        on_frames_change=inspect,
    )


def _side(side: PlayerSide, *, place: str) -> dict[str, str]:
    file = side.file
    url = media_address(str(file.path), file.media_type, place=place)
    return {"name": safe_name(side.name), "url": url}


def range_text(span: LoopRange) -> str:
    text = (
        f"Loop: query {clock(span.query_start, digits=1)}–{clock(span.query_end, digits=1)},"
        f" reference {clock(span.reference_start, digits=1)}–{clock(span.reference_end, digits=1)}"
    )
    if not span.aligned:
        return f"{text}. Nothing is aligned here, so both play from their start at normal speed."
    if span.reversed:
        text += ", backwards"
    if span.speed != 1:
        text += f", {span.speed:.2f} s of the reference per second of the query"
    return text + "."
