"""The collection page: which pairs are compared, and all of them as a matrix and a table."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.collection.rows import PairRow, matching_pairs, pair_rows, strongest
from visil_dash.collection.table import ALL_PAIRS_VIDEOS, CollectionTable, group_order, groups
from visil_dash.labels.label import by_pair, pair_of
from visil_dash.plots import collection, maps
from visil_dash.records import PairTable
from visil_dash.safe_csv import to_csv
from visil_dash.ui.collection import tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, number, to_link
from visil_dash.ui.shell.text import md, percent, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    await_posters,
    empty_state,
    facts,
    name_line,
    thumbnail,
    verified_badge,
)

MATRIX, PAIRS, GROUPS, MAP, REVIEW = VIEWS = ("Matrix", "Pairs", "Groups", "Map", "Review")
ALL, CANDIDATES = "All pairs", "Candidate pairs"
VERDICT_WORDS = {"match": "match", "not_match": "not a match", "unsure": "unsure"}
_ROWS_SHOWN = 5000  # a table of more is slow to draw and nobody reads it
_CHART = {"displayModeBar": False, "scrollZoom": False}


def controls() -> tuple[str, bool, float]:
    """What to show, whether only candidate pairs are compared, and the score of a match."""
    own = round(backend.workbench().match_score(), 3)
    usual = ALL if len(backend.library_videos()) <= ALL_PAIRS_VIDEOS else CANDIDATES
    views = {name.lower(): name for name in VIEWS}
    modes = {"all": ALL, "candidates": CANDIDATES}
    from_link(state.COLLECTION_VIEW, state.PARAM_VIEW, views.get, default=MATRIX)
    from_link(state.COLLECTION_MODE, state.PARAM_PAIRS, modes.get, default=usual)
    # Who left it at the library's score follows that when it is saved anew or taken back.
    before = st.session_state.get(state.COLLECTION_OWN)
    if before is not None and st.session_state.get(state.COLLECTION_LEAST) == before:
        st.session_state[state.COLLECTION_LEAST] = own
    st.session_state[state.COLLECTION_OWN] = own
    from_link(
        state.COLLECTION_LEAST,
        state.PARAM_SCORE,
        lambda text: number(text, low=-1, high=1),
        default=own,
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        view = st.segmented_control(
            "Show",
            VIEWS,
            required=True,
            key=state.COLLECTION_VIEW,
            persist_state="session",
        )
        mode = st.segmented_control(
            "Compare",
            [ALL, CANDIDATES],
            required=True,
            key=state.COLLECTION_MODE,
            persist_state="session",
            help="All pairs: every video in full against every other; the work grows with the"
            " square of the collection. Candidate pairs: only pairs of which the index finds near"
            " frames.",
        )
        least = st.number_input(
            "Match score from",
            min_value=-1.0,
            max_value=1.0,
            step=0.01,
            format="%.3f",
            key=state.COLLECTION_LEAST,
            persist_state="session",
            width=160,
            help="Video-to-video similarity from which a pair counts as a match. It begins at the"
            " library's own, which the Threshold page sets.",
        )
    to_link(state.PARAM_VIEW, str(view).lower(), default=MATRIX.lower())
    to_link(
        state.PARAM_PAIRS,
        "all" if mode == ALL else "candidates",
        default="all" if usual == ALL else "candidates",
    )
    to_link(state.PARAM_SCORE, f"{least:.3f}", default=f"{own:.3f}")
    return str(view), mode == CANDIDATES, float(least)


def computed(*, candidates: bool) -> CollectionTable | None:
    """The table once it is there; its progress, with a way to stop, until then."""
    task = tasks.collection(candidates=candidates)
    title = "Comparing candidate pairs" if candidates else "Comparing all pairs"
    if finished(task, title=title, name=plural(len(backend.library_videos()), "video")):
        table: CollectionTable = task.result
        return table
    if task.ended and st.button("Go on", icon=":material/refresh:", type="primary"):
        tasks.collection(candidates=candidates, again=True)
        st.rerun()
    return None


def compared_line(found: CollectionTable) -> str:
    """How many pairs were compared and which were not."""
    if found.threshold is None:
        return f"All {plural(found.total, 'pair')} compared, both ways."
    share = found.compared / found.total if found.total else 0.0
    told = (
        f"{found.compared:,} of {plural(found.total, 'pair')} compared, both ways"
        f" ({percent(share, digits=1)}): those with a frame within distance"
        f" {found.threshold:.3g} of a frame of the other. The rest has no score here."
    )
    if found.capped:
        told += (
            f" {plural(found.capped, 'frame')} had more near frames than were looked at, so a"
            " pair may be missing."
        )
    return told


def summary(found: CollectionTable, table: PairTable, least: float) -> None:
    """How many videos, how many matches, how many groups; the download."""
    members = list(groups(table.scores, least))
    with st.container(horizontal=True, vertical_alignment="center"):
        facts(
            {
                "Videos": f"{len(table.video_ids):,}",
                "Matching pairs": f"{matching_pairs(table, least):,}",
                "Groups": f"{len(members):,}",
                "Videos in a group": f"{sum(map(len, members)):,}",
            },
            big=True,
        )
        verified_badge(backend.workbench().model.verified)
        st.space("stretch")
        st.download_button(
            "Download CSV",
            lambda: to_csv(pair_rows(table)),
            file_name="pairs.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            help="Every ordered pair that was compared, with its score both ways, whatever the"
            " match score.",
        )
    st.caption(compared_line(found))


# ---- the matrix ----


@st.fragment
def matrix(table: PairTable) -> None:
    """All scores; a click on a cell names its pair and leads to Compare."""
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
        st.plotly_chart(
            collection.pair_matrix(table, order, chosen=chosen),
            key=state.COLLECTION_MATRIX,
            config=_CHART,
            on_select=lambda: _take_click(table, order),
            selection_mode="points",
        )
        st.caption(
            "Rows ask, columns answer, in the same order: how much of the row's video is found in"
            " the column's. Similar videos stand side by side; grey cells have no score. Click a"
            " cell."
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
                "Query → reference": score_text(table.scores[i, j]),
                "Reference → query": score_text(table.scores[j, i]),
            }
        )
        compare_button(query, reference, key="compare_cell_pair")
    await_posters((query, reference))


def compare_button(query: str, reference: str, *, key: str, label: str = "Compare") -> None:
    if st.button(label, icon=":material/compare:", key=key, type="primary"):
        state.goto_compare(query, reference)


def score_text(score: float) -> str:
    """A score, or that there is none: the pair was not compared or is hidden."""
    return "none" if score != score else f"{score:.3f}"


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
    rows = pair_rows(table, least=least, once=once, most=_ROWS_SHOWN)
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
            compare_button(row["query_id"], row["reference_id"], key="compare_row")
            st.caption(md(f"{row['query']} with {row['reference']}"), width="stretch")
        else:
            all_of_them = matching_pairs(table, least)
            st.caption(
                f"{plural(len(rows), 'pair')}. Choose a row to compare its videos."
                if len(rows) < _ROWS_SHOWN
                else f"The best {len(rows):,} rows of {plural(all_of_them, 'pair')}; the download"
                " holds all. Choose a row to compare its videos."
            )


def _pair_frame(rows: list[PairRow]) -> pd.DataFrame:
    told = by_pair(backend.workbench().library.labels())
    verdicts = []
    for row in rows:
        label = told.get(pair_of(row["query_id"], row["reference_id"]))
        words = [VERDICT_WORDS[label.verdict], label.relation] if label else []
        verdicts.append(", ".join(word for word in words if word))
    return pd.DataFrame(
        {
            "Query": [safe_name(row["query"]) for row in rows],
            "Reference": [safe_name(row["reference"]) for row in rows],
            "Score": [row["score"] for row in rows],
            "Other way": [row["reverse"] for row in rows],
            "Verdict": verdicts,
        }
    )
