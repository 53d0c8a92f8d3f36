"""The Compare page's evidence: both maps, then what was chosen on them, played or as frames."""

import streamlit as st

from visil_dash.matching.maps import Direction, first_look, maps
from visil_dash.matching.verdict import best_segment
from visil_dash.records import Comparison
from visil_dash.ui.compare.choices import (
    FRAMES,
    PLAYERS,
    choose_cell,
    choose_range,
    chosen_cell,
    chosen_range,
    follow_link,
    times_chosen,
    write_link,
)
from visil_dash.ui.compare.frames import draw_frames
from visil_dash.ui.compare.link import PairView
from visil_dash.ui.compare.loops import LoopRange, segment_range, whole_range
from visil_dash.ui.compare.maps import draw_maps
from visil_dash.ui.compare.player import PlayerSide, paired_player
from visil_dash.ui.compare.segments import draw_segments
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.playing import await_playable, playable
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import name_line


@st.fragment
def draw_evidence(pair: Comparison) -> None:
    """Maps, players or frames, and segments; a choice in one of them shows in the others."""
    # Set here and not as defaults: links and choices on the maps set them too.
    st.session_state.setdefault(state.COMPARE_DIRECTION, Direction.FORWARD)
    st.session_state.setdefault(state.COMPARE_LENS, PLAYERS if pair.segments else FRAMES)
    follow_link(pair)
    direction = _draw_direction()
    shown = maps(pair, direction)
    chosen, span = chosen_cell(pair), chosen_range(pair)
    cell = chosen or first_look(pair, shown.frame)
    playing = span or _first_range(pair)
    draw_maps(pair, shown, cell, playing)
    lens = st.segmented_control(
        "Show",
        [PLAYERS, FRAMES],
        required=True,
        key=state.COMPARE_LENS,
        label_visibility="collapsed",
        help="Drag a box on the first map to play it; click a cell to see its two frames.",
    )
    if lens == FRAMES:
        draw_frames(pair, cell)
    else:
        _players(pair, playing)
    draw_segments(pair, on_choose=lambda row: choose_range(pair, segment_range(pair.segments[row])))
    write_link(PairView(direction, chosen, span), pair)


def _draw_direction() -> Direction:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Where they agree", anchor=False, width="stretch")
        chosen = st.segmented_control(
            "Direction",
            list(Direction),
            format_func=lambda d: d.value.capitalize(),
            required=True,
            key=state.COMPARE_DIRECTION,
            persist_state="session",
            label_visibility="collapsed",
            help="Similarity is not symmetric: each region of one frame is compared with its most"
            " similar region of the other. Query → reference shows how much of the query is in the"
            " reference.",
            wrap=True,
        )
    return Direction(chosen or Direction.FORWARD)


def _first_range(pair: Comparison) -> LoopRange:
    best = best_segment(pair.segments)
    return whole_range(pair) if best is None else segment_range(best)


def _players(pair: Comparison, span: LoopRange) -> None:
    """Both videos in step; a film strip where one has no playable file yet."""
    sides = [(video, backend.name_of(video)) for video in (pair.query, pair.reference)]
    files = [playable(video) for video, _ in sides]
    with st.container(border=True, key="players"):
        if files[0] is None or files[1] is None:
            for (video, name), file, column in zip(sides, files, st.columns(2), strict=True):
                with column:
                    name_line(safe_name(name), one_line=True)
                    if file is None:
                        await_playable(video)
                    else:
                        st.caption("Ready to play as soon as the other video is.")
            return
        paired_player(
            PlayerSide(sides[0][1], files[0]),
            PlayerSide(sides[1][1], files[1]),
            span,
            times=pair.query_times,
            key=f"player-{state.short(pair.query)}-{state.short(pair.reference)}",
            range_id=f"{times_chosen()}:{span.query_start}:{span.reference_start}",
            start=chosen_range(pair) is not None,
            on_inspect=lambda query, reference: _show_frames_at(pair, query, reference),
        )


def _show_frames_at(pair: Comparison, query_time: float, reference_time: float) -> None:
    choose_cell(
        pair,
        (
            int(abs(pair.query_times - query_time).argmin()),
            int(abs(pair.reference_times - reference_time).argmin()),
        ),
    )
