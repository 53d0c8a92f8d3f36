"""The compare page's evidence: both maps, then what was chosen on them, played or as frames."""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from visil_dash.matching.maps import Direction, Maps, first_look, maps
from visil_dash.matching.verdict import best_segment
from visil_dash.plots import maps as plots
from visil_dash.plots.box import add_range, allow_box, box_seconds
from visil_dash.records import Array, Comparison
from visil_dash.ui.compare.frames import frames
from visil_dash.ui.compare.link import PARAMS, View, is_own, linked_view, note_written, view_params
from visil_dash.ui.compare.loops import LoopRange, box_range, segment_range, whole_range
from visil_dash.ui.compare.map_events import clickable_chart
from visil_dash.ui.compare.player import Shown, paired_player
from visil_dash.ui.compare.segments import segments
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.playing import await_playable, playable
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import empty_state, name_line

_MAP_HEIGHT = 380
_CHART = {"displayModeBar": False, "scrollZoom": False}
_PLAYERS, _FRAMES = "Players", "Frames"
_DIRECTION_HELP = (
    "Similarity is not symmetric: each region of one frame looks for its best partner in the"
    " other. Query → reference asks how much of the query is found in the reference."
)


@st.fragment
def evidence(pair: Comparison) -> None:
    """Maps, players, frames and segments; what is chosen in one place shows in the others."""
    # Set here and not as defaults: links and choices on the maps set them too.
    st.session_state.setdefault(state.COMPARE_DIRECTION, Direction.FORWARD)
    st.session_state.setdefault(state.COMPARE_LENS, _PLAYERS if pair.segments else _FRAMES)
    _follow_link(pair)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Where they agree", anchor=False, width="stretch")
        chosen_direction = st.segmented_control(
            "Direction",
            list(Direction),
            format_func=lambda d: d.value.capitalize(),
            required=True,
            key=state.COMPARE_DIRECTION,
            persist_state="session",
            label_visibility="collapsed",
            help=_DIRECTION_HELP,
            wrap=True,
        )
    direction = Direction(chosen_direction or Direction.FORWARD)
    shown = maps(pair, direction)
    chosen, span = _chosen_cell(pair), _chosen_range(pair)
    cell = chosen or first_look(pair, shown.frame)
    playing = span or _first_range(pair)
    _maps(pair, shown, cell, playing)
    lens = st.segmented_control(
        "What to see",
        [_PLAYERS, _FRAMES],
        required=True,
        key=state.COMPARE_LENS,
        label_visibility="collapsed",
        help="Drag a box on the first map to play its range; click a cell to see its two frames.",
    )
    if lens == _FRAMES:
        frames(pair, cell)
    else:
        _players(pair, playing)
    segments(pair, on_choose=lambda row: _choose_range(pair, segment_range(pair.segments[row])))
    _write_link(View(direction, chosen, span), pair)


# ---- the maps ----


def _maps(pair: Comparison, shown: Maps, cell: tuple[int, int], playing: LoopRange) -> None:
    query = plots.frame_axis(pair.query_times)
    reference = plots.frame_axis(pair.reference_times)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Frame to frame**")
        figure = plots.pair_similarity_map(
            shown.frame,
            query,
            reference,
            segments=pair.segments,
            chosen=cell,
            height=_MAP_HEIGHT,
        )
        allow_box(figure)
        add_range(
            figure,
            query_span=(playing.query_start, playing.query_end),
            reference_span=(playing.reference_start, playing.reference_end),
            query=query,
            reference=reference,
        )
        clickable_chart(
            figure,
            key=f"{_map_key(state.COMPARE_FRAME_MAP, pair)}-{_times_chosen()}",
            on_point=lambda trace, point: _take_click(
                pair, [{"curve_number": trace, "point_index": point}], shown.frame, shown.frame
            ),
            on_box=lambda selection: _take_box(pair, selection),
        )
        st.caption(_frame_caption(shown.frame))
    with right:
        st.markdown("**ViSiL output**")
        if shown.output is None:
            empty_state(
                "This model has no comparator",
                "Its video-to-video similarity is the Chamfer similarity of the map beside, so"
                " there is no second map to show.",
            )
        else:
            figure = plots.pair_similarity_map(
                shown.output,
                plots.output_axis(pair.query_times, shown.output.shape[0]),
                plots.output_axis(pair.reference_times, shown.output.shape[1]),
                segments=pair.segments,
                height=_MAP_HEIGHT,
                within=(query, reference),
            )
            key = _map_key(state.COMPARE_OUTPUT_MAP, pair)
            output = shown.output
            st.plotly_chart(
                figure,
                key=key,
                config=_CHART,
                on_select=lambda: _take_click(
                    pair, st.session_state[key]["selection"]["points"], output, shown.frame
                ),
                selection_mode="points",
            )
            st.caption(
                "What the comparator makes of it: one cell for 4 × 4 frames, between −1 and 1."
                " A click opens the best pair of frames inside."
                + (_pooled_caption() if plots.is_pooled(shown.output) else "")
            )


def _frame_caption(matrix: Array) -> str:
    text = (
        "Bright: alike. Orange: matched segments, dotted where played backwards. Click a cell to"
        " see its frames; drag a box to play it. Dashed: what plays."
    )
    if plots.is_pooled(matrix):
        text += _pooled_caption()
    if not plots.every_cell_clickable(matrix):
        text += " A click opens the best cell nearby."
    return text


def _pooled_caption() -> str:
    return f" Long videos: each point shows the best of a block, at most {plots.MOST_CELLS:,}."


def _map_key(name: str, pair: Comparison) -> str:
    direction = Direction(st.session_state[state.COMPARE_DIRECTION]).name.lower()
    return f"{name}-{state.short(pair.query)}-{state.short(pair.reference)}-{direction}"


# ---- what was chosen ----


def _take_click(
    pair: Comparison, points: Sequence[dict[str, Any]], shown: Array, frame_map: Array
) -> None:
    cell = plots.clicked(points, shown)
    if cell is not None:
        _choose_cell(pair, cell if shown is frame_map else plots.best_below(frame_map, cell))


def _take_box(pair: Comparison, selection: dict[str, Any]) -> None:
    box = box_seconds(selection)
    if box is not None:
        options = backend.workbench().options
        _choose_range(pair, box_range(pair, query=box[0], reference=box[1], options=options))


def _choose_cell(pair: Comparison, cell: tuple[int, int]) -> None:
    st.session_state[state.COMPARE_CELL] = (pair.query, pair.reference, *cell)
    st.session_state[state.COMPARE_LENS] = _FRAMES


def _choose_range(pair: Comparison, span: LoopRange) -> None:
    # The count makes the same range, chosen again, a new choice: the players go to its start.
    chosen = pair.query, pair.reference, span, _times_chosen() + 1
    st.session_state[state.COMPARE_RANGE] = chosen
    st.session_state[state.COMPARE_LENS] = _PLAYERS


def _inspect(pair: Comparison, query_time: float, reference_time: float) -> None:
    _choose_cell(
        pair,
        (
            int(abs(pair.query_times - query_time).argmin()),
            int(abs(pair.reference_times - reference_time).argmin()),
        ),
    )


def _chosen_cell(pair: Comparison) -> tuple[int, int] | None:
    query, reference, row, column = st.session_state.get(state.COMPARE_CELL, ("", "", 0, 0))
    return (row, column) if (query, reference) == (pair.query, pair.reference) else None


def _chosen_range(pair: Comparison) -> LoopRange | None:
    query, reference, span, _ = st.session_state.get(state.COMPARE_RANGE, ("", "", None, 0))
    return span if (query, reference) == (pair.query, pair.reference) else None


def _times_chosen() -> int:
    """How often a range was chosen in this session."""
    count: int = st.session_state.get(state.COMPARE_RANGE, ("", "", None, 0))[3]
    return count


def _first_range(pair: Comparison) -> LoopRange:
    best = best_segment(pair.segments)
    return whole_range(pair) if best is None else segment_range(best)


# ---- links ----


def _follow_link(pair: Comparison) -> None:
    """Takes over the view of a link that was opened; what this page wrote itself is no news."""
    given = {name: st.query_params[name] for name in PARAMS if name in st.query_params}
    written = st.session_state.get(state.COMPARE_LINK, ())
    if not given or is_own(given, written, now=time.monotonic()):
        return
    view = linked_view(given, pair)
    st.session_state[state.COMPARE_DIRECTION] = view.direction
    if view.cell is not None:
        _choose_cell(pair, view.cell)
    if view.span is not None:
        _choose_range(pair, view.span)
        if view.cell is not None:
            st.session_state[state.COMPARE_LENS] = _FRAMES
    _note(given)


def _write_link(view: View, pair: Comparison) -> None:
    params = view_params(view, pair)
    for name in PARAMS:
        if name not in params:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != params[name]:
            st.query_params[name] = params[name]
    _note(params)


def _note(params: dict[str, str]) -> None:
    written = st.session_state.get(state.COMPARE_LINK, ())
    st.session_state[state.COMPARE_LINK] = note_written(written, params, now=time.monotonic())


# ---- the players ----


def _players(pair: Comparison, span: LoopRange) -> None:
    """Both videos in step; a film strip beside the name where one has no playable file yet."""
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
                        st.caption("Ready to play, once the other is.")
            return
        paired_player(
            Shown(sides[0][1], files[0]),
            Shown(sides[1][1], files[1]),
            span,
            times=pair.query_times,
            key=f"player-{state.short(pair.query)}-{state.short(pair.reference)}",
            range_id=f"{_times_chosen()}:{span.query_start}:{span.reference_start}",
            start=_chosen_range(pair) is not None,
            on_inspect=lambda query, reference: _inspect(pair, query, reference),
        )
