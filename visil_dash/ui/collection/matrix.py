"""The collection as a matrix of scores."""

import streamlit as st

from visil_dash.collection.rows import strongest
from visil_dash.collection.table import group_order
from visil_dash.plots import collection, maps
from visil_dash.records import PairTable
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import (
    await_posters,
    compare_button,
    draw_chart,
    empty_state,
    facts,
    name_line,
    thumbnail,
)


@st.fragment
def draw_matrix(table: PairTable) -> None:
    videos = len(table.video_ids)
    table = strongest(table, maps.MOST_MARKERS)
    order = group_order(table.scores)
    pair = st.session_state.get(state.COLLECTION_PAIR)
    place = {table.video_ids[i]: at for at, i in enumerate(order)}
    chosen = None
    if pair and pair[0] in place and pair[1] in place:
        chosen = place[pair[0]], place[pair[1]]
    left, right = st.columns([2.6, 1], gap="medium")
    with left:
        draw_chart(
            collection.pair_matrix(table, order, chosen=chosen),
            key=state.COLLECTION_MATRIX,
            on_select=lambda: _take_click(table, order),
            selection_mode="points",
        )
        st.caption(
            "Rows are queries, columns are references, in the same order. A cell shows how much of"
            " the row's video is in the column's video; grey cells have no score. Similar videos"
            " are next to each other. Click a cell to see its pair."
            + (
                f" Shown are the {len(order)} of {videos:,} videos with the highest scores."
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
    cell = collection.clicked_pair(points, len(order))
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
                "Query → reference": _score_text(table.scores[i, j]),
                "Reference → query": _score_text(table.scores[j, i]),
            }
        )
        compare_button(query, reference, key="compare_cell_pair")
    await_posters((query, reference))


def _score_text(score: float) -> str:
    """The score; "none" where the pair was not compared or is hidden."""
    return "none" if score != score else f"{score:.3f}"
