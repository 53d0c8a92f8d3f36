"""One pair of the collection beside a figure: both pictures, both scores, the way to Compare."""

import streamlit as st

from visil_dash.records import PairTable
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import compare_button, facts, name_line, thumbnail


def draw_pair_card(table: PairTable, query: str, reference: str, *, key: str) -> None:
    at = {video: i for i, video in enumerate(table.video_ids)}
    i, j = at[query], at[reference]
    with st.container(border=True, key=key):
        for label, video in (("Query", query), ("Reference", reference)):
            thumbnail(video, key=f"{key}-{label}")
            name_line(safe_name(backend.name_of(video)), label)
        facts(
            {
                "Query → reference": _score_text(table.scores[i, j]),
                "Reference → query": _score_text(table.scores[j, i]),
            }
        )
        compare_button(query, reference, key=f"compare_{key}")


def _score_text(score: float) -> str:
    """The score; "none" where the pair was not compared or is hidden."""
    return "none" if score != score else f"{score:.3f}"
