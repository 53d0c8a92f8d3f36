"""The collection as a map: dots that are near are similar; a lasso picks videos and their pairs."""

import numpy as np
import pandas as pd
import streamlit as st

from visil_dash.collection.map import SimilarityMap, best_match_is_nearest
from visil_dash.collection.rows import pair_rows
from visil_dash.collection.table import CollectionTable, groups, strength
from visil_dash.plots import collection
from visil_dash.records import PairTable
from visil_dash.ui.collection import tasks
from visil_dash.ui.collection.table import compare_button
from visil_dash.ui.shell import state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.text import md, percent, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import await_posters, empty_state, name_line, thumbnail

_CHART = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtons": [["lasso2d", "select2d"]],
    "displayModeBar": True,
}
_LINK_LENGTH = 10  # characters of an id in a link to a selection
_LINKED = 40  # videos in a link; addresses have a length
_PICTURES_SHOWN = 12
_PAIRS_SHOWN = 500


def similarity_map(found: CollectionTable, table: PairTable, least: float) -> None:
    """The map, the chosen videos and the pairs among them."""
    from_link(
        state.COLLECTION_CHOSEN,
        state.PARAM_CHOSEN,
        lambda text: _from_link(text, table.video_ids),
        default=[],
    )
    chosen = st.session_state[state.COLLECTION_CHOSEN]
    if not set(chosen) <= set(table.video_ids):  # removed meanwhile
        st.session_state[state.COLLECTION_CHOSEN] = [v for v in chosen if v in table.video_ids]
    task = tasks.layout(found)
    if finished(task, title="Laying out the map", name=plural(len(table.video_ids), "video")):
        _map(task.result, table, least)
    elif task.ended and st.button("Go on", icon=":material/refresh:", key="layout_again"):
        tasks.layout(found, again=True)
        st.rerun()


@st.fragment
def _map(made: SimilarityMap, table: PairTable, least: float) -> None:
    place = {video: at for at, video in enumerate(table.video_ids)}
    chosen: list[str] = st.session_state[state.COLLECTION_CHOSEN]
    group = [-1] * len(place)
    for number, members in enumerate(groups(table.scores, least)):
        for member in members:
            group[member] = number
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        st.plotly_chart(
            collection.similarity_dots(
                made.positions,
                table.names,
                group=group,
                links=_links(table, least),
                chosen=[place[video] for video in chosen],
            ),
            key=state.COLLECTION_MAP,
            config=_CHART,
            on_select=lambda: _take_lasso(table),
            selection_mode=("lasso", "box", "points"),
            alt="Map of the collection: near dots are similar videos",
        )
        kept, matched = best_match_is_nearest(made, table.scores, least)
        st.caption(
            "Near dots are similar videos; lines join matches, colours are groups, grey is"
            " unmatched. Draw around dots to choose them. A plane cannot hold every distance:"
            f" this one carries {percent(made.explained)} of how the pairs' scores vary"
            + (
                f", and for {kept:,} of {plural(matched, 'matched video')} the nearest dot is a"
                " best match."
                if matched
                else "."
            )
        )
    with right:
        _chosen(table, least)


def _links(table: PairTable, least: float) -> list[tuple[int, int]]:
    links = strength(table.scores)
    rows, columns = np.nonzero(np.triu(links >= np.float32(least), 1))
    order = np.argsort(-links[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _take_lasso(table: PairTable) -> None:
    points = st.session_state[state.COLLECTION_MAP]["selection"]["points"]
    at = collection.selected_dots(points, len(table.video_ids))
    st.session_state[state.COLLECTION_CHOSEN] = [table.video_ids[i] for i in at]


def _chosen(table: PairTable, least: float) -> None:
    names = dict(zip(table.video_ids, table.names, strict=True))
    chosen = st.multiselect(
        "Chosen videos",
        list(table.video_ids),
        format_func=lambda video: safe_name(names.get(str(video), str(video))),
        key=state.COLLECTION_CHOSEN,
        persist_state="session",
        placeholder="Draw on the map, or pick here",
    )
    to_link(state.PARAM_CHOSEN, "~".join(v[:_LINK_LENGTH] for v in chosen[:_LINKED]))
    if not chosen:
        empty_state("Nothing chosen", "Draw around dots, or pick videos by name.")
        return
    with st.container(horizontal=True, gap="small"):
        for video in chosen[:_PICTURES_SHOWN]:
            with st.container(width=120):
                thumbnail(video, key="chosen")
                name_line(safe_name(names[video]), one_line=True)
    if len(chosen) > _PICTURES_SHOWN:
        st.caption(f"and {plural(len(chosen) - _PICTURES_SHOWN, 'more video')}")
    _pairs_among(table, set(chosen), least)
    await_posters(chosen[:_PICTURES_SHOWN])


def _pairs_among(table: PairTable, chosen: set[str], least: float) -> None:
    """Pairs of chosen videos; of a single one, its pairs with all others."""
    rows = pair_rows(table, once=True, among=chosen)
    if not rows:
        st.caption("No pair among them has a score.")
        return
    matching = sum(row["score"] >= least for row in rows)
    event = st.dataframe(
        pd.DataFrame(
            {
                "Query": [safe_name(row["query"]) for row in rows[:_PAIRS_SHOWN]],
                "Reference": [safe_name(row["reference"]) for row in rows[:_PAIRS_SHOWN]],
                "Score": [row["score"] for row in rows[:_PAIRS_SHOWN]],
            }
        ),
        hide_index=True,
        key=f"map_pairs-{hash(frozenset(chosen))}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(320, 38 + 35 * len(rows)),
        column_config={"Score": st.column_config.NumberColumn(format="%.3f")},
    )
    picked = event["selection"]["rows"]
    if picked and picked[0] < len(rows):
        row = rows[picked[0]]
        compare_button(row["query_id"], row["reference_id"], key="compare_map_pair")
        st.caption(md(f"{row['query']} with {row['reference']}"))
    else:
        st.caption(f"{plural(len(rows), 'pair')}, {matching:,} matching. Choose one to compare.")


def _from_link(text: str, videos: tuple[str, ...]) -> list[str] | None:
    """Ids that begin as the link says; those that are gone are left out."""
    wanted = [part for part in text.split("~")[:_LINKED] if len(part) >= 6]
    found = [video for part in wanted for video in videos if video.startswith(part)]
    return list(dict.fromkeys(found)) or None
