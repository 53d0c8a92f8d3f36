"""The collection as a map: dots close together are similar; a lasso chooses videos."""

import numpy as np
import pandas as pd
import streamlit as st

from visil_dash.collection.map import SimilarityMap, best_match_is_nearest
from visil_dash.collection.rows import pair_rows
from visil_dash.collection.table import CollectionTable, groups, strength
from visil_dash.matching.verdict import reaches
from visil_dash.plots import collection
from visil_dash.records import PairTable
from visil_dash.ui.collection.tasks import map_task
from visil_dash.ui.shell import pictures, state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import md, percent, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    compare_button,
    empty_state,
    name_line,
    thumbnail,
)

_CHART = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtons": [["lasso2d", "select2d"]],
    "displayModeBar": True,
}
_LINK_LENGTH = 10  # characters of an id in a link to a selection
_LINKED = 40  # videos in a link; addresses have a length
_PICTURES_SHOWN = 12
_MOST_PICTURES = 150  # on the map; more cover each other
_PAIRS_SHOWN = 500


def draw_map(computed: CollectionTable, table: PairTable, match_score: float) -> None:
    from_link(
        state.COLLECTION_CHOSEN,
        state.PARAM_CHOSEN,
        lambda text: _from_link(text, table.video_ids),
        default=[],
    )
    chosen = st.session_state[state.COLLECTION_CHOSEN]
    if not set(chosen) <= set(table.video_ids):  # some were removed
        st.session_state[state.COLLECTION_CHOSEN] = [v for v in chosen if v in table.video_ids]
    task = map_task(computed)
    if finished(task, title="Laying out the map", name=plural(len(table.video_ids), "video")):
        _map(task.result, table, match_score)
    elif task.ended and st.button("Continue", icon=":material/refresh:", key="layout_again"):
        map_task(computed, again=True)
        st.rerun()


@fragment
def _map(made: SimilarityMap, table: PairTable, match_score: float) -> None:
    place = {video: at for at, video in enumerate(table.video_ids)}
    chosen: list[str] = st.session_state[state.COLLECTION_CHOSEN]
    group = [-1] * len(place)
    for number, members in enumerate(groups(table.scores, match_score)):
        for member in members:
            group[member] = number
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        st.plotly_chart(
            collection.similarity_dots(
                made.positions,
                table.names,
                group=group,
                links=_links(table, match_score),
                chosen=[place[video] for video in chosen],
                pictures=_pictures(table),
            ),
            key=state.COLLECTION_MAP,
            config=_CHART,
            on_select=lambda: _take_lasso(table),
            selection_mode=("lasso", "box", "points"),
            alt="Map of the collection: dots close together are similar videos",
        )
        kept, matched = best_match_is_nearest(made, table.scores, match_score)
        st.caption(
            "Dots close together are similar videos; lines connect matches, colours are groups,"
            " grey videos match nothing. Draw around dots to choose them. Two dimensions cannot"
            " preserve every distance: this map explains"
            f" {percent(made.explained)} of the variation in scores"
            + (
                f", and for {kept:,} of {plural(matched, 'matched video')} the nearest dot is a"
                " best match."
                if matched
                else "."
            )
        )
    with right:
        _chosen(table, match_score)


def _pictures(table: PairTable) -> dict[int, str]:
    """Small pictures of the videos by place; none of a collection with no room for them."""
    if len(table.video_ids) > _MOST_PICTURES:
        return {}
    made = {at: pictures.tiny_picture(video) for at, video in enumerate(table.video_ids)}
    return {at: picture for at, picture in made.items() if picture}


def _links(table: PairTable, least: float) -> list[tuple[int, int]]:
    links = strength(table.scores)
    rows, columns = np.nonzero(np.triu(links >= np.float32(least), 1))
    order = np.argsort(-links[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _take_lasso(table: PairTable) -> None:
    points = st.session_state[state.COLLECTION_MAP]["selection"]["points"]
    at = collection.selected_dots(points, len(table.video_ids))
    st.session_state[state.COLLECTION_CHOSEN] = [table.video_ids[i] for i in at]


def _chosen(table: PairTable, match_score: float) -> None:
    names = dict(zip(table.video_ids, table.names, strict=True))
    chosen = st.multiselect(
        "Chosen videos",
        list(table.video_ids),
        format_func=lambda video: safe_name(names.get(str(video), str(video))),
        key=state.COLLECTION_CHOSEN,
        persist_state="session",
        placeholder="Draw on the map, or pick videos here",
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
    _pairs_among(table, set(chosen), match_score)


def _pairs_among(table: PairTable, chosen: set[str], match_score: float) -> None:
    """The pairs of the chosen videos; for a single one, its pairs with all others."""
    rows = pair_rows(table, once=True, among=chosen)
    if not rows:
        st.caption("No pair of these videos has a score.")
        return
    matching = sum(reaches(row["score"], match_score) for row in rows)
    shown = rows[:_PAIRS_SHOWN]
    chosen_pair = chosen_row(
        pd.DataFrame(
            {
                "Query": [safe_name(row["query"]) for row in shown],
                "Reference": [safe_name(row["reference"]) for row in shown],
                "Score": [row["score"] for row in shown],
            }
        ),
        key=f"map_pairs-{hash(frozenset(chosen))}",
        most_height=320,
        column_config={"Score": st.column_config.NumberColumn(format="%.3f")},
    )
    if chosen_pair is not None:
        row = shown[chosen_pair]
        compare_button(row["query_id"], row["reference_id"], key="compare_map_pair")
        st.caption(md(f"{row['query']} with {row['reference']}"))
    else:
        st.caption(f"{plural(len(rows), 'pair')}, {matching:,} matching. Choose one to compare.")


def _from_link(text: str, videos: tuple[str, ...]) -> list[str] | None:
    """Ids of the videos in the link; videos that no longer exist are left out."""
    wanted = [part for part in text.split("~")[:_LINKED] if len(part) >= 6]
    linked = [video for part in wanted for video in videos if video.startswith(part)]
    return list(dict.fromkeys(linked)) or None
