"""The compare page: which pair, the verdict, the two maps, the frames of a cell, the segments."""

from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from visil_dash import plots
from visil_dash.explain import (
    Direction,
    Explanation,
    RegionMatches,
    clock,
    explain,
    first_look,
    maps,
    region_matches,
)
from visil_dash.plots_regions import draw_regions, match_labels
from visil_dash.records import Array, Comparison, Segment
from visil_dash.ui import backend, state
from visil_dash.ui.search_view import read_clip
from visil_dash.ui.text import md, percent, plural, safe_name
from visil_dash.ui.widgets import (
    ASSETS,
    empty_state,
    facts,
    name_line,
    pick_video,
    play,
    verified_badge,
)

_MAP_HEIGHT = 380
_CHART = {"displayModeBar": False, "scrollZoom": False}
_DIRECTION_HELP = (
    "Similarity is not symmetric: each region of one frame looks for its best partner in the"
    " other. Query → reference asks how much of the query is found in the reference."
)


# ---- which pair ----


def choose_pair() -> tuple[str, str] | None:
    """The two videos, once both are chosen and can be compared."""
    with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch"):
            query = pick_video("Query", key=state.COMPARE_QUERY, param=state.PARAM_QUERY)
        st.button(
            "Swap",
            icon=":material/swap_horiz:",
            on_click=_swap,
            disabled=query is None and st.session_state.get(state.COMPARE_REFERENCE) is None,
            help="Ask the other way round",
        )
        with st.container(width="stretch"):
            reference = pick_video(
                "Reference", key=state.COMPARE_REFERENCE, param=state.PARAM_REFERENCE
            )
    if query is None or reference is None:
        return None
    clips = [clip for v in (query, reference) if (clip := backend.session_clip(v)) is not None]
    return (query, reference) if all(read_clip(clip) for clip in clips) else None


def _swap() -> None:
    keys = state.COMPARE_QUERY, state.COMPARE_REFERENCE
    query, reference = (st.session_state.get(key) for key in keys)
    st.session_state[state.COMPARE_QUERY] = reference
    st.session_state[state.COMPARE_REFERENCE] = query


# ---- the verdict ----


def verdict(pair: Comparison) -> None:
    """Whether the two match, the scores both ways, and why."""
    model = backend.workbench().model
    st.html(ASSETS / "explore.css")
    found = explain(pair, match_score=model.default_match_score, frame_level=model.frame_level)
    with st.container(border=True, key="verdict"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(found.title, anchor=False, width="content")
            if found.is_match:
                st.badge("match", icon=":material/check:", color="green")
            else:
                st.badge("no match", color="gray")
            verified_badge(model.verified)
        facts(_scores(pair, found), big=True)
        st.markdown("\n".join(f"- {md(sentence)}" for sentence in found.sentences))


def _scores(pair: Comparison, found: Explanation) -> dict[str, str]:
    shown = {
        "Query → reference": f"{pair.score:.3f}",
        "Reference → query": f"{pair.reverse_score:.3f}",
    }
    if pair.visil_output is not None:
        shown |= {
            "Raw Chamfer →": f"{pair.chamfer:.3f}",
            "Raw Chamfer ←": f"{pair.chamfer_reverse:.3f}",
        }
    return shown | {
        "Query covered": percent(found.query_share),
        "Reference covered": percent(found.reference_share),
    }


# ---- the maps and the frames of a cell ----


@st.fragment
def heatmaps(pair: Comparison) -> None:
    """Both maps of the chosen direction; a click on a cell shows its two frames."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Where they agree", anchor=False, width="stretch")
        direction = st.segmented_control(
            "Direction",
            list(Direction),
            default=Direction.FORWARD,
            format_func=lambda d: d.value.capitalize(),
            required=True,
            key=state.COMPARE_DIRECTION,
            persist_state="session",
            label_visibility="collapsed",
            help=_DIRECTION_HELP,
            wrap=True,
        )
    shown = maps(pair, Direction(direction))
    cell = _chosen_cell(pair, shown.frame)
    query = plots.frame_axis(pair.query_times)
    reference = plots.frame_axis(pair.reference_times)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Frame to frame**")
        figure = plots.similarity_map(
            shown.frame,
            query,
            reference,
            segments=pair.segments,
            chosen=cell,
            height=_MAP_HEIGHT,
        )
        _chart(figure, state.COMPARE_FRAME_MAP, pair, shown.frame, shown.frame)
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
            figure = plots.similarity_map(
                shown.output,
                plots.output_axis(pair.query_times, shown.output.shape[0]),
                plots.output_axis(pair.reference_times, shown.output.shape[1]),
                segments=pair.segments,
                height=_MAP_HEIGHT,
                within=(query, reference),
            )
            _chart(figure, state.COMPARE_OUTPUT_MAP, pair, shown.output, shown.frame)
            st.caption(
                "What the comparator makes of it: one cell for 4 × 4 frames, between −1 and 1."
                " A click opens the best pair of frames inside."
            )
    _frames(pair, cell)


def _frame_caption(matrix: Array) -> str:
    text = "Bright: alike. Orange: matched segments, dotted where played backwards. Click a cell."
    if plots.is_pooled(matrix):
        text += f" Long videos: each point shows the best of a block, at most {plots.MOST_CELLS}."
    if not plots.every_cell_clickable(matrix):
        text += " A click opens the best cell nearby."
    return text


def _chart(figure: Any, name: str, pair: Comparison, shown: Array, frame_map: Array) -> None:
    direction = st.session_state[state.COMPARE_DIRECTION]
    key = f"{name}-{state.short(pair.query)}-{state.short(pair.reference)}-{direction}"
    st.plotly_chart(
        figure,
        key=key,
        config=_CHART,
        on_select=lambda: _take_click(key, pair, shown, frame_map),
        selection_mode="points",
    )


def _take_click(key: str, pair: Comparison, shown: Array, frame_map: Array) -> None:
    points = st.session_state[key]["selection"]["points"]
    cell = plots.clicked(points, shown)
    if cell is not None:
        row, column = cell if shown is frame_map else plots.best_below(frame_map, cell)
        st.session_state[state.COMPARE_CELL] = (pair.query, pair.reference, row, column)


def _chosen_cell(pair: Comparison, matrix: Array) -> tuple[int, int]:
    query, reference, row, column = st.session_state.get(state.COMPARE_CELL, ("", "", 0, 0))
    if (query, reference) == (pair.query, pair.reference):
        return row, column
    return first_look(pair, matrix)


def _frames(pair: Comparison, cell: tuple[int, int]) -> None:
    """The two frames of a cell at their true times, and which region answered which."""
    i, j = cell
    at_query, at_reference = float(pair.query_times[i]), float(pair.reference_times[j])
    with st.container(border=True, key="cell"):
        with st.container(horizontal=True, vertical_alignment="center"):
            facts(
                {
                    "Query at": clock(at_query, digits=2),
                    "Reference at": clock(at_reference, digits=2),
                    "Query → reference": f"{pair.frame_similarity[i, j]:.3f}",
                    "Reference → query": f"{pair.frame_similarity_reverse[j, i]:.3f}",
                }
            )
            st.space("stretch")
            grid = st.toggle(
                "Regions",
                value=True,
                key=state.COMPARE_REGIONS,
                persist_state="session",
                help="Each region of the query is numbered; in the reference its number stands in"
                " the region that answers it best, teal where that is the same place. Darker"
                " regions carry less attention.",
            )
        query, reference = backend.opened(pair.query), backend.opened(pair.reference)
        found = region_matches(query.features, reference.features, i, j)
        pictures = [
            backend.frames_at(pair.query, (at_query,))[0],
            backend.frames_at(pair.reference, (at_reference,))[0],
        ]
        if grid:
            weights = found.query_attention, found.reference_attention
            for side, labels in enumerate(match_labels(found.best)):
                pictures[side] = draw_regions(
                    pictures[side],
                    labels=labels,
                    attention=weights[side],
                    preprocess=backend.workbench().model.preprocess,
                )
        sides = (query.name, at_query), (reference.name, at_reference)
        for column, picture, (name, at) in zip(st.columns(2), pictures, sides, strict=True):
            with column:
                name_line(safe_name(name), f"at {clock(at, digits=2)}", one_line=True)
                st.image(picture, width="stretch", alt=f"{safe_name(name)} at {clock(at)}")
        with st.expander("Region by region"):
            _region_table(found)


def _region_table(found: RegionMatches) -> None:
    rows = {
        "Query region": range(1, len(found.best) + 1),
        "Best reference region": found.best + 1,
        "Similarity": found.best_similarity,
        "Its attention": found.query_attention,
        "Attention there": found.reference_attention[found.best],
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in list(rows)[2:]
        },
    )
    st.caption(
        "Regions are numbered row by row. Similarities are weighted by both attentions; their"
        " mean is the cell's value."
    )


# ---- the segments ----


@st.fragment
def segments(pair: Comparison) -> None:
    """The matched intervals as a table, and both videos at the chosen one."""
    st.subheader("Matched segments", anchor=False)
    if not pair.segments:
        empty_state(
            "No segment",
            "No stretch of frames matches in order. The players below start at the beginning.",
        )
        _players(pair, None)
        return
    chosen = pair.segments[_segment_table(pair)]
    _players(pair, chosen)


def _segment_table(pair: Comparison) -> int:
    rows = pd.DataFrame([asdict(segment) for segment in pair.segments])
    length = rows["query_end"] - rows["query_start"]
    table = pd.DataFrame(
        {
            "Query": [
                f"{clock(a)} – {clock(b)}"
                for a, b in zip(rows["query_start"], rows["query_end"], strict=True)
            ],
            "Reference": [
                f"{clock(a)} – {clock(b)}"
                for a, b in zip(rows["reference_start"], rows["reference_end"], strict=True)
            ],
            "Seconds": length,
            "Similarity": rows["score"],
            "Speed": rows["speed"],
            "Backwards": rows["reversed"],
        }
    )
    event: Any = st.dataframe(
        table,
        hide_index=True,
        key=f"{state.COMPARE_SEGMENT}-{state.short(pair.query)}-{state.short(pair.reference)}",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [int(length.argmax())]}},
        lazy=False,
        column_config={
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            "Similarity": st.column_config.NumberColumn(format="%.3f"),
            "Speed": st.column_config.NumberColumn(
                format="%.2f×", help="Seconds of reference in each second of query"
            ),
        },
    )
    picked = event["selection"]["rows"]
    return picked[0] if picked and picked[0] < len(table) else int(length.argmax())


def _players(pair: Comparison, segment: Segment | None) -> None:
    starts = (0.0, 0.0) if segment is None else (segment.query_start, segment.reference_start)
    ends = (None, None) if segment is None else (segment.query_end, segment.reference_end)
    with st.container(key="players"):
        columns = st.columns(2)
    for video, column, start, end in zip(
        (pair.query, pair.reference), columns, starts, ends, strict=True
    ):
        with column:
            span = "from the start" if end is None else f"{clock(start)} – {clock(end)}"
            name_line(safe_name(backend.name_of(video)), span, one_line=True)
            play(video, start=start, end=end)
    if segment is not None and len(pair.segments) > 1:
        st.caption(f"{plural(len(pair.segments), 'segment')}: choose a row to play another.")
