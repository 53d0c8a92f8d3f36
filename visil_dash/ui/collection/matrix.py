"""The collection as a matrix of scores; on a phone, as a list of its highest ones."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from visil_dash.collection.rows import matched_only, pair_rows, strongest
from visil_dash.collection.table import group_order
from visil_dash.plots import collection, maps
from visil_dash.records import PairTable
from visil_dash.ui.collection.pair_card import draw_pair_card
from visil_dash.ui.shell import state
from visil_dash.ui.shell.links import choice_in_address, in_address
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import compare_button, empty_state

_LISTED = 100
_ZOOM = {
    "displaylogo": False,
    "scrollZoom": False,
    "displayModeBar": True,
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d"]],
}


def draw_matrix(every: PairTable, match_score: float) -> None:
    videos = len(every.video_ids)
    table = every
    if videos > collection.FEW_VIDEOS:
        shown = {"matched": False, "all": True}
        choice_in_address(state.COLLECTION_ALL, "videos", shown, default=False)
        if not st.toggle(
            "Include videos without a match", key=state.COLLECTION_ALL, persist_state="session"
        ):
            table = matched_only(every, match_score)
    table = strongest(table, maps.MOST_MARKERS)
    with st.container(key="matrix-chart"):
        _matrix(table, videos)
    with st.container(key="matrix-list"):
        _list(table)


@fragment
def _matrix(table: PairTable, videos: int) -> None:
    in_address(
        state.COLLECTION_PAIR,
        "pair",
        read=lambda text: _pair_from_link(text, table.video_ids),
        write=lambda pair: "~".join(map(state.short, pair or ())),
        default=None,
    )
    order = group_order(table.scores)
    pair = st.session_state[state.COLLECTION_PAIR]
    place = {table.video_ids[i]: at for at, i in enumerate(order)}
    chosen = None
    if pair and pair[0] in place and pair[1] in place:
        chosen = place[pair[0]], place[pair[1]]
    large = len(order) > collection.FEW_VIDEOS
    left, right = st.columns([3.4 if large else 2.6, 1], gap="medium")
    with left:
        st.plotly_chart(
            collection.pair_matrix(table, order, chosen=chosen),
            key=state.COLLECTION_MATRIX,
            config=_ZOOM if large else {"displayModeBar": False, "scrollZoom": False},
            on_select=lambda: _take_click(table, order),
            selection_mode="points",
        )
        st.caption(_caption(len(order), videos, large=large))
    with right:
        if chosen is None or pair is None:
            empty_state("Choose a pair", "Click a cell of the matrix.")
        else:
            draw_pair_card(table, *pair, key="pair")


def _caption(shown: int, videos: int, *, large: bool) -> str:
    text = (
        "Rows are queries, columns are references, in the same order. A cell shows how much of"
        " the row's video is in the column's video; grey cells have no score. Similar videos"
        " are next to each other. Click a cell to see its pair."
    )
    if large:
        text += " Drag a box to enlarge it; a double click shows all again."
    if shown < videos:
        text += f" Shown are {shown} of {videos:,} videos, those with the highest scores."
    return text


def _pair_from_link(text: str, videos: Sequence[str]) -> tuple[str, str] | None:
    named = {state.short(video): video for video in videos}
    query, _, reference = text.partition("~")
    return (named[query], named[reference]) if {query, reference} <= named.keys() else None


def _take_click(table: PairTable, order: list[int]) -> None:
    points = st.session_state[state.COLLECTION_MATRIX]["selection"]["points"]
    cell = collection.clicked_pair(points, len(order))
    if cell is not None:
        query, reference = (table.video_ids[order[at]] for at in cell)
        st.session_state[state.COLLECTION_PAIR] = (query, reference)


@fragment
def _list(table: PairTable) -> None:
    """The pairs with the highest scores: what a narrow screen has room for."""
    rows = pair_rows(table, once=True, most=_LISTED)
    chosen = chosen_row(
        pd.DataFrame(
            {
                "Score": [row["score"] for row in rows],
                "Pair": [f"{safe_name(r['query'])} – {safe_name(r['reference'])}" for r in rows],
            }
        ),
        key="matrix_rows",
        column_config={"Score": st.column_config.NumberColumn(format="%.3f", width=60)},
    )
    if chosen is None:
        st.caption(f"The {plural(len(rows), 'pair')} with the highest scores. Choose one.")
    else:
        compare_button(rows[chosen]["query_id"], rows[chosen]["reference_id"], key="compare_listed")
