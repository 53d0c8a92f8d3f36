"""Filters for the matches of a search."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from visil_dash.matching.verdict import LABELS, MEANINGS, Filter, verdict_of
from visil_dash.records import Relation
from visil_dash.ui.search.cards import Ranked
from visil_dash.ui.shell import state
from visil_dash.ui.shell.links import choices_in_address, in_address, number_in_address
from visil_dash.ui.shell.text import plural
from visil_dash.ui.shell.widgets import empty_state


def filtered(matches: Sequence[Ranked], chosen: Filter) -> Sequence[Ranked]:
    """The matches that pass the filter; where some do not, draws how many and a way to see all."""
    shown = [(rank, match) for rank, match in matches if chosen.passes(match)]
    if len(shown) < len(matches):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Showing {len(shown)} of {plural(len(matches), 'video')}", width="content")
            st.button("Show all", type="tertiary", key="clear_filters", on_click=_clear)
    if matches and not shown:
        empty_state("No match passes the filter", "Relax the filter or show all matches.")
    return shown


def draw_filter(matches: Sequence[Ranked]) -> Filter:
    counts = Counter(verdict_of(match).relation for _, match in matches)
    _keep_in_address()
    with st.popover("Filter", icon=":material/filter_list:"):
        relations = st.pills(
            "Relation",
            [word for word in Relation if counts[word] or word in _chosen_relations()],
            selection_mode="multi",
            format_func=lambda word: f"{LABELS[word]} · {counts[word]}",
            key=state.SEARCH_RELATIONS,
            persist_state="session",
            help="  \n".join(f"**{LABELS[word]}**: {MEANINGS[word]}" for word in Relation),
        )
        score = st.slider(
            "Score of at least",
            -1.0,
            1.0,
            step=0.05,
            key=state.SEARCH_LEAST_SCORE,
            persist_state="session",
        )
        covered = st.slider(
            "Coverage of at least",
            0,
            100,
            step=5,
            format="%d %%",
            key=state.SEARCH_LEAST_COVERED,
            persist_state="session",
            help="Of the query clip or of the video, whichever is higher",
        )
        name = st.text_input(
            "Name contains", key=state.SEARCH_NAME, persist_state="session", max_chars=200
        )
    return Filter(
        relations=frozenset(relations),
        least_score=score,
        least_coverage=covered / 100,
        name=name,
    )


def _keep_in_address() -> None:
    choices_in_address(state.SEARCH_RELATIONS, "relation", Relation, default=[])
    number_in_address(state.SEARCH_LEAST_SCORE, "least", low=-1, high=1, default=-1.0)
    number_in_address(state.SEARCH_LEAST_COVERED, "covered", low=0, high=100, default=0, whole=True)
    in_address(state.SEARCH_NAME, "name", read=lambda text: text[:200], default="")


def _chosen_relations() -> Sequence[Relation]:
    chosen: Sequence[Relation] = st.session_state.get(state.SEARCH_RELATIONS) or ()
    return chosen


def _clear() -> None:
    st.session_state[state.SEARCH_RELATIONS] = []
    st.session_state[state.SEARCH_LEAST_SCORE] = -1.0
    st.session_state[state.SEARCH_LEAST_COVERED] = 0
    st.session_state[state.SEARCH_NAME] = ""
