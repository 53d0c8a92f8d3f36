"""The collection page: everything against everything as a matrix, a table and groups."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash import plots, plots_collection
from visil_dash.collection import group_order, groups
from visil_dash.collection_rows import GroupRow, PairRow, group_rows, pair_rows, strongest
from visil_dash.export import to_csv
from visil_dash.records import PairTable
from visil_dash.ui import backend, state
from visil_dash.ui.search_view import finished
from visil_dash.ui.text import md, plural, safe_name
from visil_dash.ui.widgets import (
    await_posters,
    empty_state,
    facts,
    name_line,
    thumbnail,
    verified_badge,
)

MATRIX, PAIRS, GROUPS = "Matrix", "Pairs", "Groups"
_CHART = {"displayModeBar": False, "scrollZoom": False}
_GROUPS_SHOWN = 30
_PICTURES_SHOWN = 6


def computed() -> PairTable | None:
    """The pairwise table once it is there; its progress, with a way to stop, until then."""
    task = backend.pairwise()
    if finished(task, title="Comparing all pairs", name=plural(len(backend.videos()), "video")):
        table: PairTable = task.result
        return table
    if task.ended and st.button("Go on", icon=":material/refresh:", type="primary"):
        backend.pairwise(again=True)
        st.rerun()
    return None


def controls(table: PairTable) -> tuple[str, float]:
    """What to show and from which score on; the numbers that follow from it, the download."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        view = st.segmented_control(
            "Show",
            [MATRIX, PAIRS, GROUPS],
            default=MATRIX,
            required=True,
            key=state.COLLECTION_VIEW,
            persist_state="session",
        )
        least = st.number_input(
            "Match score from",
            min_value=-1.0,
            max_value=1.0,
            value=round(backend.workbench().model.default_match_score, 3),
            step=0.01,
            format="%.3f",
            key=state.COLLECTION_LEAST,
            persist_state="session",
            width=160,
            help="Video-to-video similarity from which a pair counts as a match. It begins at the"
            " model's own value.",
        )
        st.space("stretch")
        st.download_button(
            "Download CSV",
            lambda: to_csv(pair_rows(table)),
            file_name="pairs.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            help="Every ordered pair with its score both ways, whatever the filter.",
        )
    return str(view), float(least)


def summary(table: PairTable, least: float) -> None:
    """How many videos, how many matches, how many groups."""
    found = list(groups(table.scores, least))
    with st.container(horizontal=True, vertical_alignment="center"):
        facts(
            {
                "Videos": f"{len(table.video_ids):,}",
                "Matching pairs": f"{len(pair_rows(table, least=least, once=True)):,}",
                "Groups": f"{len(found):,}",
                "Videos in a group": f"{sum(map(len, found)):,}",
            },
            big=True,
        )
        verified_badge(backend.workbench().model.verified)


# ---- the matrix ----


@st.fragment
def matrix(table: PairTable) -> None:
    """All scores; a click on a cell names its pair and leads to Compare."""
    videos = len(table.video_ids)
    table = strongest(table, plots.MOST_MARKERS)
    order = group_order(table.scores)
    pair = st.session_state.get(state.COLLECTION_PAIR)
    place = {table.video_ids[i]: at for at, i in enumerate(order)}
    chosen = None
    if pair and pair[0] in place and pair[1] in place:
        chosen = place[pair[0]], place[pair[1]]
    left, right = st.columns([2.6, 1], gap="medium")
    with left:
        st.plotly_chart(
            plots_collection.pair_matrix(table, order, chosen=chosen),
            key=state.COLLECTION_MATRIX,
            config=_CHART,
            on_select=lambda: _take_click(table, order),
            selection_mode="points",
        )
        st.caption(
            "Rows ask, columns answer, in the same order: how much of the row's video is found in"
            " the column's. Similar videos stand side by side. Click a cell."
            + (
                f" Shown are the {len(order)} of {videos:,} videos with the strongest links."
                if len(order) < videos
                else ""
            )
        )
    with right:
        if chosen is None or pair is None:
            empty_state("Choose a pair", "Click a cell of the matrix.")
        else:
            _pair_card(table, *pair)


def _take_click(table: PairTable, order: list[int]) -> None:
    points = st.session_state[state.COLLECTION_MATRIX]["selection"]["points"]
    cell = plots_collection.clicked_pair(points, len(order))
    if cell is not None:
        query, reference = (table.video_ids[order[at]] for at in cell)
        st.session_state[state.COLLECTION_PAIR] = (query, reference)


def _pair_card(table: PairTable, query: str, reference: str) -> None:
    at = {video: i for i, video in enumerate(table.video_ids)}
    i, j = at[query], at[reference]
    with st.container(border=True, key="pair"):
        for label, video in (("Query", query), ("Reference", reference)):
            thumbnail(video, key=label)
            name_line(safe_name(backend.name_of(video)), label)
        facts(
            {
                "Query → reference": f"{table.scores[i, j]:.3f}",
                "Reference → query": f"{table.scores[j, i]:.3f}",
            }
        )
        _compare_button(query, reference, key="compare_cell_pair")
    await_posters((query, reference))


def _compare_button(query: str, reference: str, *, key: str) -> None:
    if st.button("Compare", icon=":material/compare:", key=key, type="primary"):
        state.goto_compare(query, reference)


# ---- the table ----


@st.fragment
def pairs(table: PairTable, least: float) -> None:
    """Pairs that reach the score, sortable; a chosen row leads to Compare."""
    once = st.toggle(
        "Each pair once",
        value=True,
        key=state.COLLECTION_ONCE,
        persist_state="session",
        help="Only the direction that scores higher. Off: both ordered pairs, each with the score"
        " the other way.",
    )
    rows = pair_rows(table, least=least, once=once)
    if not rows:
        empty_state("No pair reaches this score", "Lower “Match score from”.")
        return
    event: Any = st.dataframe(
        _pair_frame(rows),
        hide_index=True,
        key=f"{state.COLLECTION_TABLE}-{once}-{least}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(560, 38 + 35 * len(rows)),
        column_config={
            "Score": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "Other way": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
        },
    )
    chosen = event["selection"]["rows"]
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen and chosen[0] < len(rows):
            row = rows[chosen[0]]
            _compare_button(row["query_id"], row["reference_id"], key="compare_row")
            st.caption(md(f"{row['query']} with {row['reference']}"), width="stretch")
        else:
            st.caption(f"{plural(len(rows), 'pair')}. Choose a row to compare its videos.")


def _pair_frame(rows: list[PairRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Query": [safe_name(row["query"]) for row in rows],
            "Reference": [safe_name(row["reference"]) for row in rows],
            "Score": [row["score"] for row in rows],
            "Other way": [row["reverse"] for row in rows],
        }
    )


# ---- the groups ----


def group_list(table: PairTable, least: float) -> None:
    """Videos connected by matches, with their pictures."""
    rows = group_rows(table, groups(table.scores, least))
    if not rows:
        empty_state("No group", "No two videos match at this score. Lower “Match score from”.")
        return
    for number, row in enumerate(rows[:_GROUPS_SHOWN], 1):
        _group(number, row)
    if len(rows) > _GROUPS_SHOWN:
        st.caption(f"{plural(len(rows) - _GROUPS_SHOWN, 'smaller group')} not shown.")
    await_posters(video for row in rows[:_GROUPS_SHOWN] for video in row["videos"])


def _group(number: int, row: GroupRow) -> None:
    with st.container(border=True, key=f"group-{number}"):
        name_line(
            f"Group {number} · {plural(len(row['videos']), 'video')}",
            f"strongest link {row['best']:.3f}"
            + (f" · weakest {row['weakest']:.3f}" if len(row["videos"]) > 2 else ""),
        )
        with st.container(horizontal=True, gap="small"):
            for video, name in list(zip(row["videos"], row["names"], strict=True))[
                :_PICTURES_SHOWN
            ]:
                with st.container(width=170):
                    thumbnail(video, key=f"group{number}")
                    name_line(safe_name(name), one_line=True)
        if len(row["videos"]) > _PICTURES_SHOWN:
            rest = ", ".join(safe_name(name) for name in row["names"][_PICTURES_SHOWN:])
            st.caption(md(f"and {rest}"))
        _compare_button(*row["link"], key=f"compare_group_{number}")
