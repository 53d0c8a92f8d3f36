"""The search page's options, and the search that they describe."""

from collections import Counter
from dataclasses import dataclass, replace

import streamlit as st

from visil_dash.records import SearchResult
from visil_dash.ui.search.second_model import draw_second_model
from visil_dash.ui.search.tasks import nearest_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choices_in_address, from_link, number, to_link
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.waiting import finished

HIERARCHICAL, EXHAUSTIVE, NEAREST = _MODES = ("Hierarchical", "Exhaustive", "Nearest")
_SHOWN, _MOST_SHOWN = 10, 200  # matches
_GO_ON = 4  # times as many candidates are re-ranked on each click
_BUDGET = "search_budget"


@dataclass(frozen=True)
class SearchOptions:
    """`threshold`: squared L2, None for the library's; `top`: how many matches to show; `budget`:
    how many candidates to re-rank, None as the settings have it, 0 all; `tags`: that a video must
    all have to be searched."""

    threshold: float | None
    exhaustive: bool
    top: int
    nearest: bool = False
    inside: bool = False
    other_shapes: bool = True
    second: str = ""  # model whose answer stands beside
    budget: int | None = None
    tags: tuple[str, ...] = ()


# ---- how to search ----


def draw_search_options() -> SearchOptions:
    _take_from_link()
    with st.popover(
        "Advanced", icon=":material/settings:", help="How to search, and how thoroughly"
    ):
        mode = st.segmented_control(
            "Search",
            _MODES,
            required=True,
            key=state.SEARCH_MODE,
            persist_state="session",
            help="Hierarchical: the index finds candidate videos with frames within the distance"
            " threshold; these are compared in full (re-ranking). Exhaustive: every video is"
            " compared in full, which is slow but complete. Nearest: the videos with the nearest"
            " frames are compared, whatever their distance, so there is always a result.",
        )
        tags = _draw_tags()
        threshold, top = _draw_numbers()
        budget = _draw_budget(disabled=mode != HIERARCHICAL)
        inside = st.toggle(
            "Look inside the picture",
            key=state.SEARCH_INSIDE,
            persist_state="session",
            disabled=mode == NEAREST,
            help="Also searches with the corners, the centre and the halves of the query clip's"
            " picture, to find footage shown picture-in-picture or in a collage, and with the"
            " picture turned by quarters. Takes about thirteen times as long.",
        )
        shapes = st.toggle(
            "Match other shapes",
            key=state.SEARCH_SHAPES,
            persist_state="session",
            disabled=mode == NEAREST,
            help="Also searches for an upright clip as a part of wide videos, and for a wide clip"
            " as a part of upright ones. Takes twice as long, only where the library holds videos"
            " of the other shape; the index does not grow. Of 12 upright crops of real clips 11 are"
            " proved with it.",
        )
        second = draw_second_model(state.SEARCH_SECOND)
    to_link(state.PARAM_MODE, str(mode).lower(), default=HIERARCHICAL.lower())
    to_link(state.PARAM_THRESHOLD, "" if threshold is None else f"{threshold:.6g}")
    to_link(state.PARAM_TOP, str(top), default=str(_SHOWN))
    to_link(state.PARAM_INSIDE, "yes" if inside else "")
    to_link(state.PARAM_SHAPES, "" if shapes else "no")
    to_link(state.PARAM_BUDGET, "" if budget is None else str(budget))
    return SearchOptions(
        threshold,
        mode == EXHAUSTIVE,
        top,
        nearest=mode == NEAREST,
        inside=inside and mode != NEAREST,
        other_shapes=shapes,
        second=second,
        budget=budget,
        tags=tags,
    )


def _draw_tags() -> tuple[str, ...]:
    """The tags that a video must have to be searched; draws nothing where no video has one."""
    used = Counter(tag for video in backend.workbench().videos() for tag in video.tags)
    known = [tag for tag, _count in used.most_common()]
    kept = [tag for tag in st.session_state.get(state.SEARCH_TAGS) or [] if tag in used]
    if state.SEARCH_TAGS in st.session_state:
        st.session_state[state.SEARCH_TAGS] = kept
    choices_in_address(state.SEARCH_TAGS, state.PARAM_SEARCHED_TAGS, known, default=[])
    if not known:
        return ()
    chosen = st.multiselect(
        "Only videos with these tags",
        known,
        format_func=lambda tag: f"{tag} · {used[tag]}",
        key=state.SEARCH_TAGS,
        persist_state="session",
        placeholder="All videos",
        help="A video must have all of them. Tags are given on the Collection and Library pages.",
    )
    return tuple(chosen)


def _draw_numbers() -> tuple[float | None, int]:
    """The distance threshold, None for the library's, and how many matches to show."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        threshold = st.number_input(
            "Distance threshold",
            min_value=0.0,
            value=None,
            step=0.05,
            format="%.3f",
            key="search_threshold",
            placeholder=f"automatic: {backend.workbench().threshold():.3f}",
            persist_state="session",
            width=200,
            help="A library video is a candidate when one of its frames is within this squared L2"
            " distance (2 − 2·cos, 0 to 4) of a frame of the query clip. Empty: the library's"
            " threshold.",
        )
        top = st.number_input(
            "Show at most",
            min_value=1,
            max_value=_MOST_SHOWN,
            key="search_top",
            persist_state="session",
            width=140,
        )
    return threshold, int(top)


def _draw_budget(*, disabled: bool) -> int | None:
    budget = st.number_input(
        "Re-rank at most",
        min_value=0,
        value=None,
        key=_BUDGET,
        placeholder=f"automatic: {backend.workbench().settings.rerank_budget:,} candidates",
        persist_state="session",
        width=240,
        disabled=disabled,
        help="Candidates are compared in full by falling evidence: how many frames of the query"
        " clip are near one of the video's, and how near. 0: all of them.",
    )
    return None if budget is None or disabled else int(budget)


def draw_go_on(result: SearchResult) -> None:
    """Where the budget was spent before all candidates were re-ranked: continue."""
    if not result.waiting:
        return
    total = len(result.candidates)
    more = min(total, _GO_ON * result.reranked)
    st.button(
        f"Go on: re-rank {more - result.reranked:,} more",
        icon=":material/fast_forward:",
        key="go_on",
        on_click=st.session_state.update,
        args=({_BUDGET: more},),
        help=f"{result.reranked:,} of {total:,} candidates were compared in full, those with the"
        " most frames near the query clip first. The others have less evidence.",
    )


def _take_from_link() -> None:
    modes = {name.lower(): name for name in _MODES}
    from_link(state.SEARCH_MODE, state.PARAM_MODE, modes.get, default=HIERARCHICAL)
    from_link(
        "search_threshold",
        state.PARAM_THRESHOLD,
        lambda text: number(text, low=0, high=1e9),
        default=None,
    )
    from_link("search_top", state.PARAM_TOP, _count, default=_SHOWN)
    from_link(_BUDGET, state.PARAM_BUDGET, _whole, default=None)
    from_link(state.SEARCH_INSIDE, state.PARAM_INSIDE, lambda text: text == "yes", default=False)
    from_link(state.SEARCH_SHAPES, state.PARAM_SHAPES, lambda text: text != "no", default=True)


def _whole(text: str) -> int | None:
    given = number(text, low=0, high=1e9)
    return None if given is None else int(given)


def _count(text: str) -> int | None:
    given = number(text, low=1, high=_MOST_SHOWN)
    return None if given is None else int(given)


# ---- waiting ----


def search_task(query_id: str, options: SearchOptions, *, again: bool = False) -> Task:
    """The search that the options describe; `result` is a SearchResult."""
    if options.nearest:
        return nearest_task(
            query_id,
            threshold=options.threshold,
            most=options.top,
            tags=options.tags,
            again=again,
        )
    return backend.search(
        query_id,
        threshold=options.threshold,
        exhaustive=options.exhaustive,
        inside=options.inside,
        other_shapes=options.other_shapes,
        budget=options.budget,
        tags=options.tags,
        again=again,
    )


def judged_result(result: SearchResult) -> SearchResult:
    """The result judged by the match score in use, with this session's name of the query clip.

    Another session may have uploaded the same bytes under a name that is private to it.
    """
    return replace(backend.with_verdicts(result), query=backend.name_of(result.query_id))


def search_result(query_id: str, options: SearchOptions) -> SearchResult | None:
    """The result; until it is there, draws progress or an error and returns None.

    Without candidates within the distance threshold it is the nearest videos, with a notice.
    """
    task = search_task(query_id, options)
    if finished(task, title="Searching", name=backend.name_of(query_id)):
        result = judged_result(task.result)
        if result.matches or options.nearest or options.exhaustive:
            return result
        task = nearest_task(
            query_id, threshold=options.threshold, most=options.top, tags=options.tags
        )
        done = finished(task, title="Finding the nearest videos", name=result.query)
        return judged_result(task.result) if done else None
    if task.ended and st.button("Search again", icon=":material/refresh:"):
        search_task(query_id, options, again=True)
        st.rerun()
    return None
