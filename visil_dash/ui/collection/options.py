"""What the collection page shows: the view, which pairs are compared, and the match score."""

from dataclasses import dataclass

import streamlit as st

from visil_dash.collection.table import ALL_PAIRS_VIDEOS
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address, from_link, number, to_link

GROUPS, GRAPH, MAP, MATRIX, PAIRS = _VIEWS = ("Groups", "Graph", "Map", "Matrix", "Pairs")
_ALL, _CANDIDATES = "All pairs", "Candidate pairs"


@dataclass(frozen=True)
class PairOptions:
    """`candidates`: only pairs that the index proposes are compared."""

    candidates: bool
    match_score: float


def draw_view_choice() -> str:
    views = {name.lower(): name for name in _VIEWS}
    choice_in_address(state.COLLECTION_VIEW, state.PARAM_VIEW, views, default=GROUPS)
    view = st.segmented_control(
        "Show",
        _VIEWS,
        required=True,
        key=state.COLLECTION_VIEW,
        persist_state="session",
    )
    return str(view)


def draw_pair_options() -> PairOptions:
    """Which pairs are compared, and what is a match: a button that names both, and opens."""
    own = round(backend.workbench().match_score(), 3)
    few = len(backend.library_videos()) <= ALL_PAIRS_VIDEOS
    _take_from_link(own=own, usual_pairs=_ALL if few else _CANDIDATES)
    least, mode = st.session_state[state.COLLECTION_LEAST], st.session_state[state.COLLECTION_MODE]
    with st.popover(
        f"{mode}, match score {least:.3f}", icon=":material/tune:", key="collection-options"
    ):
        return _fields(own=own, few=few)


def _fields(*, own: float, few: bool) -> PairOptions:
    pairs = st.segmented_control(
        "Compare",
        [_ALL, _CANDIDATES],
        required=True,
        key=state.COLLECTION_MODE,
        persist_state="session",
        help="All pairs: compares every video with every other; the work grows with the square"
        " of the number of videos. Candidate pairs: compares only videos with frames within"
        " the distance threshold of each other.",
    )
    match_score = st.number_input(
        "Match score",
        min_value=-1.0,
        max_value=1.0,
        step=0.01,
        format="%.3f",
        key=state.COLLECTION_LEAST,
        persist_state="session",
        width=160,
        help="Pairs with this video-to-video similarity or more are matches. Starts at the"
        " library's match score, which is set on the Threshold page.",
    )
    to_link(
        state.PARAM_PAIRS,
        "all" if pairs == _ALL else "candidates",
        default="all" if few else "candidates",
    )
    to_link(state.PARAM_SCORE, f"{match_score:.3f}", default=f"{own:.3f}")
    return PairOptions(pairs == _CANDIDATES, float(match_score))


def _take_from_link(*, own: float, usual_pairs: str) -> None:
    modes = {"all": _ALL, "candidates": _CANDIDATES}
    from_link(state.COLLECTION_MODE, state.PARAM_PAIRS, modes.get, default=usual_pairs)
    # A field that still shows the library's score follows when that is changed.
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
