"""The search page's questions: what to search for and how, and waiting for the answer."""

from dataclasses import dataclass
from typing import BinaryIO

import streamlit as st

from visil_dash.records import SearchResult
from visil_dash.ui import backend, state
from visil_dash.ui.errors import show_error
from visil_dash.ui.search_tasks import nearest
from visil_dash.ui.tasks import Task
from visil_dash.ui.text import percent, plural, safe_name, size
from visil_dash.ui.uploader import upload_box
from visil_dash.ui.uploads import SessionClip
from visil_dash.ui.widgets import name_line, pick_video

HIERARCHICAL, EXHAUSTIVE, NEAREST = "Hierarchical", "Exhaustive", "Nearest"
_QUICK = 0.4  # seconds that the page waits for an answer before it shows progress instead


@dataclass(frozen=True)
class Options:
    threshold: float | None
    exhaustive: bool
    top: int
    nearest: bool = False


# ---- what to search for ----


def choose_query() -> str | None:
    """Upload a clip or pick a video; the chosen id, None while there is none."""
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            upload_box(
                "Upload a clip",
                name="search",
                take=_take,
                done=_chosen,
                help="Any common video format. Clips are private to this session and deleted"
                " soon after it ends.",
            )
        with right:
            picked = pick_video(
                "Or pick one",
                key=state.SEARCH_QUERY,
                param=state.PARAM_QUERY,
                placeholder="A video of the library, or a clip from above",
            )
            clips = backend.session_clips()
            if clips:
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.caption(
                        f"{plural(len(clips), 'clip')} in this session, "
                        f"{size(sum(c.bytes for c in clips))}",
                        width="content",
                    )
                    if picked and backend.session_clip(picked):
                        st.button(
                            "Remove this clip",
                            type="tertiary",
                            icon=":material/delete:",
                            on_click=_drop,
                            args=(picked,),
                        )
    return picked


def _take(source: BinaryIO, name: str) -> str:
    clip = backend.take_clip(source, name=name)
    backend.open_clip(clip)  # reading starts now, whichever page is looked at
    return clip.query_id


def _chosen(query_ids: list[str]) -> None:
    st.session_state[state.SEARCH_QUERY] = query_ids[0]


def _drop(query_id: str) -> None:
    backend.drop_clip(query_id)
    st.session_state.pop(state.SEARCH_QUERY, None)


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
    return Options(threshold, mode == EXHAUSTIVE, int(top), mode == NEAREST)


# ---- waiting ----


def finished(task: Task, *, title: str, name: str) -> bool:
    """Whether the task has given its result; else its progress, its error and a way out."""
    if not task.wait(_QUICK):
        _watch(task, title, name)
        return False
    if task.error is None:
        return True
    show_error(task.error)
    return False


@st.fragment(run_every=0.5)
def _watch(task: Task, title: str, name: str) -> None:
    if task.ended:
        st.rerun()
    with st.container(border=True):
        name_line(title, safe_name(name))
        st.progress(task.share, text=f"{task.what}, {percent(task.share)}")
        if task.stopping:
            st.caption("Stopping…")
        elif st.button("Cancel", icon=":material/close:", key="cancel_task"):
            task.cancel()
    st.caption("You may look at other pages meanwhile: the work goes on.")


def read_clip(clip: SessionClip) -> bool:
    """Whether the uploaded clip was read; its progress or failure otherwise."""
    task = backend.open_clip(clip)
    if finished(task, title="Reading the clip", name=clip.name):
        return True
    if task.ended and st.button("Try again", icon=":material/refresh:"):
        backend.open_clip(clip, again=True)
        st.rerun()
    return False


def searched(query_id: str, options: Options) -> SearchResult | None:
    """The result when it is there; progress, or what went wrong, until then.

    Where the distance threshold admits no video, the nearest ones stand in, and say so.
    """

    def asked(again: bool = False) -> Task:
        if options.nearest:
            return nearest(query_id, threshold=options.threshold, most=options.top, again=again)
        return backend.search(
            query_id, threshold=options.threshold, exhaustive=options.exhaustive, again=again
        )

    task = asked()
    if finished(task, title="Searching", name=backend.name_of(query_id)):
        found: SearchResult = task.result
        if found.matches or options.nearest or options.exhaustive:
            return found
        task = nearest(query_id, threshold=options.threshold, most=options.top)
        stood_in = finished(task, title="Looking for the nearest", name=found.query)
        instead: SearchResult | None = task.result if stood_in else None
        return instead
    if task.ended and st.button("Search again", icon=":material/refresh:"):
        asked(again=True)
        st.rerun()
    return None
