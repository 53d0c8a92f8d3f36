"""Pairs that were judged not to match are hidden unless the user shows them."""

from dataclasses import replace

import streamlit as st

from visil_dash.collection.table import CollectionTable, strength, without
from visil_dash.labels.label import PairKey, pair_of, rejected
from visil_dash.records import PairTable, SearchResult
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.text import plural


def _rejected_pairs() -> frozenset[PairKey]:
    """Unordered pairs of the library that were judged not to match."""
    return rejected(backend.workbench().library.labels())


def without_rejected(result: SearchResult) -> SearchResult:
    """The result without videos that were rejected for this query."""
    hidden = _rejected_pairs()
    kept = (m for m in result.matches if pair_of(result.query_id, m.video_id) not in hidden)
    return replace(result, matches=tuple(kept))


def visible_matches(result: SearchResult) -> SearchResult:
    """The result without videos that were rejected for this query; a switch shows them."""
    kept = without_rejected(result)
    hidden = len(result.matches) - len(kept.matches)
    if not hidden or _shown("search_rejected", hidden, "video"):
        return result
    return kept


def visible_pairs(computed: CollectionTable, least: float) -> PairTable:
    """The table without rejected pairs; a switch shows them."""
    table = computed.table
    rejected_pairs = _rejected_pairs()
    place = {video_id: i for i, video_id in enumerate(table.video_ids)}
    links = strength(table.scores)
    hidden = [
        (a, b)
        for a, b in rejected_pairs
        if a in place and b in place and links[place[a], place[b]] >= least
    ]
    from_link(
        state.COLLECTION_REJECTED,
        state.PARAM_REJECTED,
        lambda text: text == "shown",
        default=False,
    )
    shown = bool(hidden) and _shown(state.COLLECTION_REJECTED, len(hidden), "pair")
    to_link(state.PARAM_REJECTED, "shown" if shown else "")
    return table if shown else without(table, rejected_pairs)


def _shown(key: str, hidden: int, what: str) -> bool:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        shown = st.toggle(
            f"Show {plural(hidden, what)} that you judged not to match",
            key=key,
            persist_state="session",
        )
        if not shown:
            st.caption(f"{hidden:,} hidden by your verdicts", width="content")
    return shown
