"""The matched segments of a pair as a table that plays them, and as files and commands."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.exports.segments import (
    Side,
    frame_rate,
    segments_csv,
    segments_edl,
    segments_ffmpeg,
)
from visil_dash.plots.timeline import span_text
from visil_dash.records import Comparison
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import plural
from visil_dash.ui.shell.widgets import download_button, empty_state

_FORMATS = {"CSV": "csv", "EDL": "edl", "ffmpeg": "sh"}
_DESCRIPTIONS = {
    "CSV": "Times in seconds, for spreadsheets.",
    "EDL": "CMX 3600: the query's timeline with the reference as source, timecodes at each file's"
    " own rate.",
    "ffmpeg": "Cuts each segment out of both files. Run it in the folder that contains them.",
}


def draw_segments(pair: Comparison, *, on_choose: Callable[[int], None]) -> None:
    """The table; `on_choose` is called with the number of a row that is clicked."""
    st.subheader("Matched segments", anchor=False)
    if not pair.segments:
        why = (
            "What looks similar moves otherwise, so it is no match."
            if pair.similar
            else "No sequence of frames matches in order."
        )
        empty_state(
            "No matched segments",
            f"{why} Drag a box on the map to play any two parts side by side.",
        )
    else:
        _draw_table(pair, on_choose)
    if pair.similar:
        with st.expander(
            f"Looks similar at {plural(len(pair.similar), 'place')} that the proof rules out",
            icon=":material/visibility_off:",
        ):
            st.markdown("  \n".join(span_text(segment) for segment in pair.similar))
    if pair.segments:
        _exports(pair)


def _draw_table(pair: Comparison, on_choose: Callable[[int], None]) -> None:
    rows = pd.DataFrame([asdict(segment) for segment in pair.segments])
    table = pd.DataFrame(
        {
            "Query": _spans(rows, "query"),
            "Reference": _spans(rows, "reference"),
            "Seconds": rows["query_end"] - rows["query_start"],
            "Similarity": rows["score"],
            "Speed": rows["speed"],
            "Backwards": rows["reversed"],
            "In step": rows["in_step"],
        }
    )
    key = f"compare_segment-{state.short(pair.query)}-{state.short(pair.reference)}"

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(pair.segments):
            on_choose(picked[0])

    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=choose,
        selection_mode="single-row",
        lazy=False,
        column_config={
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            "Similarity": st.column_config.NumberColumn(format="%.3f"),
            "Speed": st.column_config.NumberColumn(
                format="%.2f×", help="Seconds of the reference per second of the query"
            ),
            "In step": st.column_config.NumberColumn(
                format="%.2f",
                help="Share of the other frames to which a matched frame is less similar. Near 1,"
                " both videos move alike; near 0.5, any time offset matches as well (a still"
                " picture, or the same view at another time)",
            ),
        },
    )
    st.caption("Choose a row to play it in both videos.")


def _spans(rows: Any, side: str) -> list[str]:
    ends = zip(rows[f"{side}_start"], rows[f"{side}_end"], strict=True)
    return [f"{clock(a)} – {clock(b)}" for a, b in ends]


def _exports(pair: Comparison) -> None:
    with st.expander("Copy or download the segments", icon=":material/content_cut:"):
        kind = st.segmented_control(
            "Format",
            list(_FORMATS),
            default="CSV",
            required=True,
            key="compare_export",
            persist_state="session",
        )
        query, reference = (_side(video) for video in (pair.query, pair.reference))
        make = {"CSV": segments_csv, "EDL": segments_edl, "ffmpeg": segments_ffmpeg}[kind]
        text = make(pair.segments, query=query, reference=reference)
        st.caption(_DESCRIPTIONS[kind])
        st.code(text.replace("\r\n", "\n"), language=None, wrap_lines=True)
        download_button(
            f"Download {kind}",
            text,
            file_name=f"segments-{pair.query[:8]}-{pair.reference[:8]}.{_FORMATS[kind]}",
        )


def _side(video_id: str) -> Side:
    info = backend.info_of(video_id)
    return Side(backend.name_of(video_id), frame_rate(info), notice=info.reason if info else "")
