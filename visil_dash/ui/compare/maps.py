"""The two similarity maps of a pair: clicks choose a cell, a dragged box chooses a range."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from visil_dash.matching.maps import Direction, maps
from visil_dash.matching.self_similarity import self_similarity
from visil_dash.plots import maps as plots
from visil_dash.plots.box import add_range, allow_box, box_seconds
from visil_dash.records import Array, Comparison
from visil_dash.ui.compare.choices import choose_cell, choose_range, times_chosen
from visil_dash.ui.compare.loops import LoopRange, box_range
from visil_dash.ui.compare.map_events import clickable_chart
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.widgets import draw_chart, empty_state

_MAP_HEIGHT = 380


def draw_maps(
    pair: Comparison, direction: Direction, cell: tuple[int, int], span: LoopRange
) -> None:
    """Frame-to-frame similarity with `cell` and `span` marked, beside the ViSiL output."""
    shown = maps(pair, direction)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Frame-to-frame similarity**")
        _frame_map(pair, shown.frame, cell, span, level=_level(pair, direction))
    with right:
        st.markdown("**ViSiL output**")
        if shown.output is None:
            empty_state(
                "This model has no comparator",
                "Its video-to-video similarity is the Chamfer similarity of the frame-to-frame"
                " map, so there is no second map.",
            )
        else:
            _output_map(pair, shown.output, shown.frame)


def _level(pair: Comparison, direction: Direction) -> float:
    """How similar the side that looks for its partners is to itself; both sides' mean for both."""
    query, reference = (
        self_similarity(backend.opened(video).features) for video in (pair.query, pair.reference)
    )
    return {
        Direction.FORWARD: query,
        Direction.REVERSE: reference,
        Direction.SYMMETRIC: (query + reference) / 2,
    }[direction]


def _frame_map(
    pair: Comparison,
    frame_map: Array,
    cell: tuple[int, int],
    span: LoopRange,
    *,
    level: float,
) -> None:
    query, reference = plots.frame_axis(pair.query_times), plots.frame_axis(pair.reference_times)
    figure = plots.pair_similarity_map(
        frame_map,
        query,
        reference,
        segments=pair.segments,
        chosen=cell,
        colours=(0.0, level),
        height=_MAP_HEIGHT,
    )
    allow_box(figure)
    add_range(
        figure,
        query_span=(span.query_start, span.query_end),
        reference_span=(span.reference_start, span.reference_end),
        query=query,
        reference=reference,
    )
    clickable_chart(
        figure,
        key=f"{_map_key('compare_frame_map', pair)}-{times_chosen()}",
        on_point=lambda trace, point: _take_click(
            pair, [{"curve_number": trace, "point_index": point}], frame_map, frame_map
        ),
        on_box=lambda selection: _take_box(pair, selection),
    )
    caption = (
        f"Brightest: {level:.2f}, as similar as a video is to itself; darkest: 0. Orange lines are"
        " matched segments, dotted where played backwards; the dashed box is what the players"
        " show. Click a cell to see its frames, or drag a box to play it."
    )
    if plots.is_pooled(frame_map):
        caption += _pooled_caption()
    if not plots.every_cell_clickable(frame_map):
        caption += " A click opens the best cell nearby."
    st.caption(caption)


def _output_map(pair: Comparison, output: Array, frame_map: Array) -> None:
    figure = plots.pair_similarity_map(
        output,
        plots.output_axis(pair.query_times, output.shape[0]),
        plots.output_axis(pair.reference_times, output.shape[1]),
        segments=pair.segments,
        height=_MAP_HEIGHT,
        within=(plots.frame_axis(pair.query_times), plots.frame_axis(pair.reference_times)),
        colours=(0.0, 1.0),
    )
    key = _map_key("compare_output_map", pair)
    draw_chart(
        figure,
        key=key,
        on_select=lambda: _take_click(
            pair, st.session_state[key]["selection"]["points"], output, frame_map
        ),
        selection_mode="points",
    )
    st.caption(
        "Output of the comparator, between −1 and 1: one cell for 4 × 4 frames. Brightest: 1;"
        " darkest: 0 and below. Click a cell to see its most similar pair of frames."
        + (_pooled_caption() if plots.is_pooled(output) else "")
    )


def _pooled_caption() -> str:
    return (
        " For long videos each point shows the best cell of a block, at most"
        f" {plots.MOST_CELLS:,} points."
    )


def _map_key(name: str, pair: Comparison) -> str:
    direction = Direction(st.session_state[state.COMPARE_DIRECTION]).name.lower()
    return f"{name}-{state.short(pair.query)}-{state.short(pair.reference)}-{direction}"


def _take_click(
    pair: Comparison, points: Sequence[dict[str, Any]], shown: Array, frame_map: Array
) -> None:
    cell = plots.clicked(points, shown)
    if cell is not None:
        choose_cell(pair, cell if shown is frame_map else plots.best_below(frame_map, cell))


def _take_box(pair: Comparison, selection: dict[str, Any]) -> None:
    box = box_seconds(selection)
    if box is not None:
        options = backend.workbench().options
        choose_range(pair, box_range(pair, query=box[0], reference=box[1], options=options))
