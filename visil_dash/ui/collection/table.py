"""The pairs of the collection: computing their scores, a summary, and the matches as a table."""

import pandas as pd
import streamlit as st

from visil_dash.collection.groups import collection_groups
from visil_dash.collection.rows import PairRow, group_rows, matching_pairs, pair_rows
from visil_dash.collection.table import CollectionTable, groups
from visil_dash.labels.label import by_pair, pair_of
from visil_dash.records import PairTable
from visil_dash.safe_csv import to_csv
from visil_dash.ui.collection.tasks import pair_table_task
from visil_dash.ui.pair.judging import VERDICT_WORDS
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import md, percent, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    compare_button,
    download_button,
    empty_state,
    facts,
    verified_badge,
)

_ROWS_SHOWN = 5000  # more are slow to draw


def computed(*, candidates: bool) -> CollectionTable | None:
    """The table of scores; while it is computed, draws its progress and returns None."""
    task = pair_table_task(candidates=candidates)
    title = "Comparing candidate pairs" if candidates else "Comparing all pairs"
    if finished(task, title=title, name=plural(len(backend.library_videos()), "video")):
        table: CollectionTable = task.result
        return table
    if task.ended and st.button("Continue", icon=":material/refresh:", type="primary"):
        pair_table_task(candidates=candidates, again=True)
        st.rerun()
    return None


def draw_summary(computed: CollectionTable, table: PairTable, match_score: float) -> None:
    members = list(groups(table.scores, match_score))
    with st.container(horizontal=True, vertical_alignment="center"):
        facts(
            {
                "Videos": f"{len(table.video_ids):,}",
                "Matching pairs": f"{matching_pairs(table, match_score):,}",
                "Groups": f"{len(members):,}",
                "Videos in a group": f"{sum(map(len, members)):,}",
            },
            big=True,
        )
        verified_badge(backend.workbench().model.verified)
        st.space("stretch")
        with st.popover("Download", icon=":material/download:"):
            download_button(
                "Groups (CSV)",
                lambda: to_csv(
                    group_rows(collection_groups(table, match_score), backend.library_videos())
                ),
                file_name="groups.csv",
                disabled=not members,
                help="Every video of every group with its facts, its link and the one to keep.",
                width="stretch",
            )
            download_button(
                "Pairs (CSV)",
                lambda: to_csv(pair_rows(table)),
                file_name="pairs.csv",
                help="Every compared pair in both directions with its scores, whatever the match"
                " score.",
                width="stretch",
            )
    st.caption(_compared_line(computed))


def _compared_line(table: CollectionTable) -> str:
    if table.threshold is None:
        return f"All {plural(table.total, 'pair')} compared, in both directions."
    share = table.compared / table.total if table.total else 0.0
    line = (
        f"{table.compared:,} of {plural(table.total, 'pair')} compared, in both directions"
        f" ({percent(share, digits=1)}): those with frames within distance threshold"
        f" {table.threshold:.3g} of each other. The other pairs have no score here."
    )
    if table.capped:
        line += (
            f" For {plural(table.capped, 'frame')} not all near frames were examined, so pairs may"
            " be missing."
        )
    return line


@fragment
def draw_pairs(table: PairTable, match_score: float) -> None:
    once = st.toggle(
        "Each pair once",
        value=True,
        key="collection_once",
        persist_state="session",
        help="Only the direction that scores higher. Off: both directions of each pair.",
    )
    rows = pair_rows(table, least=match_score, once=once, most=_ROWS_SHOWN)
    if not rows:
        empty_state("No pair reaches this match score", "Lower the match score to see pairs.")
        return
    scores = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
    chosen = chosen_row(
        _pair_frame(rows),
        key=f"collection_table-{once}-{match_score}",
        most_height=560,
        column_config={"Score": scores, "Reverse score": scores},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen is not None:
            row = rows[chosen]
            compare_button(row["query_id"], row["reference_id"], key="compare_row")
            st.caption(md(f"{row['query']} with {row['reference']}"), width="stretch")
        elif len(rows) < _ROWS_SHOWN:
            st.caption(f"{plural(len(rows), 'pair')}. Choose a row to compare its videos.")
        else:
            st.caption(
                f"The best {len(rows):,} rows of"
                f" {plural(matching_pairs(table, match_score), 'pair')}; the download has all of"
                " them. Choose a row to compare its videos."
            )


def _pair_frame(rows: list[PairRow]) -> pd.DataFrame:
    labels = by_pair(backend.workbench().library.labels())
    verdicts = []
    for row in rows:
        label = labels.get(pair_of(row["query_id"], row["reference_id"]))
        words = [VERDICT_WORDS[label.verdict], label.relation] if label else []
        verdicts.append(", ".join(word for word in words if word))
    return pd.DataFrame(
        {
            "Query": [safe_name(row["query"]) for row in rows],
            "Reference": [safe_name(row["reference"]) for row in rows],
            "Score": [row["score"] for row in rows],
            "Reverse score": [row["reverse"] for row in rows],
            "Verdict": verdicts,
        }
    )
