"""Frames of the query clip as a strip, and searching with a single one of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.clock import clock
from visil_dash.ui.search.tasks import frame_search_task, strip_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, number, to_link
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import md, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, name_line

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.workbench.questions import FrameResult


def chosen_time(query_id: str) -> float | None:
    """Time of the frame that alone is the query, seconds; None where the whole clip is."""
    from_link(
        state.SEARCH_MOMENT,
        state.PARAM_MOMENT,
        lambda text: (query_id, at) if (at := number(text, low=0, high=1e9)) is not None else None,
        default=None,
    )
    kept = st.session_state[state.SEARCH_MOMENT]
    moment: float | None = kept[1] if kept is not None and kept[0] == query_id else None
    to_link(state.PARAM_MOMENT, "" if moment is None else f"{moment:g}")
    return moment


def draw_frame_popover(query_id: str) -> None:
    """Frames of the query, each of which can be searched with alone; made once they are shown."""
    with st.popover(
        "One frame",
        icon=":material/image_search:",
        key=state.SEARCH_FRAMES,
        on_change="rerun",
        help="Search with a single frame of the query clip",
    ) as popover:
        if popover.open:
            st.caption("Choose a frame to search with it alone.")
            _draw_strip(query_id)


def _draw_strip(query_id: str) -> None:
    clip = backend.session_clip(query_id)
    if clip is not None and not backend.open_clip(clip).ended:
        st.caption("The clip is still being read.")
        return
    task = strip_task(query_id)
    if not task.wait(0.1):
        _watch_strip(query_id)
        return
    if task.error is not None:
        st.caption("No pictures of this clip could be made.")
        return
    name = safe_name(backend.name_of(query_id))
    with st.container(horizontal=True, gap="small", key="strip"):
        for number, (time, picture) in enumerate(task.result):
            with st.container(width=104, gap=None):
                st.image(picture, width="stretch", alt=f"{name} at {clock(time)}")
                st.button(
                    clock(time),
                    key=f"moment-{number}",
                    type="tertiary",
                    icon=":material/image_search:",
                    help=f"Search with the frame at {clock(time)} only",
                    width="stretch",
                    on_click=_choose,
                    args=(query_id, time),
                )


@fragment(run_every=0.5)
def _watch_strip(query_id: str) -> None:
    if strip_task(query_id).ended:
        st.rerun()
    st.caption("Making pictures of the clip…")


def _choose(query_id: str, time: float | None) -> None:
    st.session_state[state.SEARCH_MOMENT] = None if time is None else (query_id, time)
    st.session_state[state.SEARCH_FRAMES] = False


def draw_frame_results(query_id: str, at: float, *, top: int) -> None:
    _time_slider(query_id, at)
    task = frame_search_task(query_id, at, most=top)
    if not finished(task, title="Searching with this frame", name=backend.name_of(query_id)):
        return
    result, pictures, picture = task.result
    _query_frame(query_id, result, picture)
    if result.notice:
        st.warning(md(result.notice), icon=":material/info:")
    if result.empty:
        empty_state(
            "This frame is blank",
            "A black or plain frame cannot be matched. Choose another time.",
        )
    elif not result.videos:
        empty_state("There is nothing to compare with", "No other video has features yet.")
    else:
        with st.container(key="frame-grid"):
            for rank in range(1, len(result.videos) + 1):
                _frame_card(query_id, result, rank, pictures)


def _query_frame(query_id: str, result: "FrameResult", picture: bytes) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(width=220):
            name = safe_name(backend.name_of(query_id))
            st.image(picture, width="stretch", alt=f"{name} at {clock(result.time)}")
        with st.container():
            st.subheader(f"One frame, at {clock(result.time)}", anchor=False)
            near = sum(frames[0].distance <= result.threshold for frames in result.videos)
            st.markdown(
                f"**{near} of {len(result.videos)}** videos below have a frame within the"
                f" library's distance threshold of {result.threshold:.3g}."
            )
            st.button(
                "Back to the whole clip",
                icon=":material/arrow_back:",
                key="whole_clip",
                on_click=_choose,
                args=(query_id, None),
            )


def _frame_card(
    query_id: str, result: "FrameResult", rank: int, pictures: Mapping[str, bytes]
) -> None:
    best, *others = result.videos[rank - 1]
    with st.container(border=True, key=f"frame-{rank}"):
        if best.video_id in pictures:
            st.image(
                pictures[best.video_id],
                width="stretch",
                alt=f"{safe_name(best.name)} at {clock(best.time)}",
            )
        also = ", ".join(clock(frame.time) for frame in others)
        name_line(f"{rank}. {best.name}", f"also at {also}" if also else "")
        facts({"At": clock(best.time), "Distance": f"{best.distance:.3f}"})
        if best.distance <= result.threshold:
            st.badge("within threshold", color="green")
        if st.button("Compare", key=f"frame-compare-{rank}", icon=":material/compare:"):
            cell = (query_id, best.video_id, result.frame, best.frame)
            st.session_state[state.COMPARE_CELL] = cell
            state.goto_compare(query_id, best.video_id)


def _time_slider(query_id: str, at: float) -> None:
    info = backend.info_of(query_id)
    length = info.duration if info else 0.0
    if length <= 1:
        return
    key = f"{state.SEARCH_MOMENT}-{state.short(query_id)}-{at:g}"
    moved = st.slider(
        "Time of the frame",
        0.0,
        float(length),
        min(float(at), float(length)),
        step=0.5,
        format="%.1f s",
        key=key,
        help="Searches with the sampled frame nearest to this time",
    )
    if abs(moved - min(at, length)) > 0.01:
        st.session_state[state.SEARCH_MOMENT] = query_id, moved
        st.rerun()
