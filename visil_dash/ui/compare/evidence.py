"""The Compare page's evidence: both videos in step, the proof, the maps, frames and segments."""

import streamlit as st

from visil_dash.matching.maps import Direction, first_look, maps
from visil_dash.matching.verdict import best_segment, verdict_of
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.records import Comparison, Segment
from visil_dash.ui.compare.choices import (
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
from visil_dash.ui.compare.proof import draw_proof
from visil_dash.ui.compare.segments import draw_segments
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly
from visil_dash.ui.shell.playing import await_playable, playable
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import draw_chart, name_line

_TIMELINE_HEIGHT = 92


@fragment
def draw_evidence(pair: Comparison) -> None:
    """Timeline, players, proof, maps, frames and segments; a choice in one shows in the others."""
    # Set here and not as defaults: links and choices on the maps set them too.
    st.session_state.setdefault(state.COMPARE_DIRECTION, Direction.FORWARD)
    st.session_state.setdefault(state.COMPARE_FRAMES, not pair.segments)
    follow_link(pair)
    chosen, span = chosen_cell(pair), chosen_range(pair)
    playing = span or _first_range(pair)
    _timeline(pair)
    with friendly():  # the file of one may be gone: all else is known without it
        _players(pair, playing)
    draw_proof(pair)
    direction = _draw_direction()
    cell = chosen or first_look(pair, maps(pair, direction).frame)
    draw_maps(pair, direction, cell, playing)
    with st.expander(
        "Two frames, region by region",
        key=state.COMPARE_FRAMES,
        on_change="rerun",
        icon=":material/grid_on:",
    ) as frames:
        if frames.open:
            draw_frames(pair, cell)
    draw_segments(
        pair, on_choose=lambda row: choose_range(pair, _range_of(pair, pair.segments[row]))
    )
    write_link(PairView(direction, chosen, span), pair)


def _timeline(pair: Comparison) -> None:
    infos = backend.info_of(pair.query), backend.info_of(pair.reference)
    query, reference = (info.duration if info else 0.0 for info in infos)
    if not pair.segments:
        return
    spans = within(pair.segments, query_seconds=query, reference_seconds=reference)
    best = best_segment(spans)
    draw_chart(
        segment_timeline(
            spans, query_seconds=query, reference_seconds=reference, height=_TIMELINE_HEIGHT
        ),
        key="compare_timeline",
        alt="" if best is None else span_text(best),
    )


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
    best = verdict_of(pair).best
    return whole_range(pair) if best is None else _range_of(pair, best)


def _range_of(pair: Comparison, segment: Segment) -> LoopRange:
    return segment_range(segment, exact=pair.proof is not None and segment == pair.proof.span)


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
