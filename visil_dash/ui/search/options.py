"""The search page's options, and the search that they ask for."""

from dataclasses import dataclass, replace

import streamlit as st

from visil_dash.records import SearchResult
from visil_dash.ui.search.tasks import nearest
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.waiting import finished

HIERARCHICAL, EXHAUSTIVE, NEAREST = "Hierarchical", "Exhaustive", "Nearest"


@dataclass(frozen=True)
class Options:
    threshold: float | None
    exhaustive: bool
    top: int
    nearest: bool = False
    inside: bool = False


# ---- how to search ----


def choose_options() -> Options:
    """How to search. Without a number the library's own threshold applies."""
    automatic = backend.workbench().threshold()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mode = st.segmented_control(
            "Search",
            [HIERARCHICAL, EXHAUSTIVE, NEAREST],
            default=HIERARCHICAL,
            required=True,
            key=state.SEARCH_MODE,
            persist_state="session",
            help="Hierarchical: near frames in the index propose candidate videos, which are then"
            " compared in full. Exhaustive: every video is compared in full; slow, misses nothing."
            " Nearest: the videos with the nearest frames are compared, however far they are, so"
            " there is always an answer.",
        )
        threshold = st.number_input(
            "Distance threshold",
            min_value=0.0,
            value=None,
            step=0.05,
            format="%.3f",
            key=state.SEARCH_THRESHOLD,
            placeholder=f"automatic: {automatic:.3f}",
            persist_state="session",
            width=200,
            help="Frames of the library within this squared L2 distance of a frame of the clip"
            " make their video a candidate. Empty: the library's threshold.",
        )
        top = st.number_input(
            "Show at most",
            min_value=1,
            max_value=200,
            value=10,
            key=state.SEARCH_TOP,
            persist_state="session",
            width=140,
        )
    inside = st.toggle(
        "Look inside the picture",
        key=state.SEARCH_INSIDE,
        persist_state="session",
        disabled=mode == NEAREST,
        help="Footage may be a picture in the picture, or one cell of a collage. With this on, the"
        " corners, the centre and the halves of the clip's picture are searched for as well: about"
        " ten times the work.",
    )
    return Options(
        threshold,
        mode == EXHAUSTIVE,
        int(top),
        nearest=mode == NEAREST,
        inside=inside and mode != NEAREST,
    )


# ---- waiting ----


def asked(query_id: str, options: Options, *, again: bool = False) -> Task:
    """The search as the options want it; `result` is a SearchResult."""
    if options.nearest:
        return nearest(query_id, threshold=options.threshold, most=options.top, again=again)
    return backend.search(
        query_id,
        threshold=options.threshold,
        exhaustive=options.exhaustive,
        inside=options.inside,
        again=again,
    )


def own(result: SearchResult) -> SearchResult:
    """The result by the match score in use, under the name that this session gave the clip.

    Another session may have the same bytes, and names of files are private as the files are.
    """
    return replace(backend.judged(result), query=backend.name_of(result.query_id))


def searched(query_id: str, options: Options) -> SearchResult | None:
    """The result when it is there; progress, or what went wrong, until then.

    Where the distance threshold admits no video, the nearest ones stand in, and say so.
    """

    task = asked(query_id, options)
    if finished(task, title="Searching", name=backend.name_of(query_id)):
        found = own(task.result)
        if found.matches or options.nearest or options.exhaustive:
            return found
        task = nearest(query_id, threshold=options.threshold, most=options.top)
        stood_in = finished(task, title="Looking for the nearest", name=found.query)
        return own(task.result) if stood_in else None
    if task.ended and st.button("Search again", icon=":material/refresh:"):
        asked(query_id, options, again=True)
        st.rerun()
    return None
