"""The clip's frames as a strip, and searching by a single one of them."""

import streamlit as st

from visil_dash.clock import clock
from visil_dash.ui.search.tasks import frame_search, strip
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import ASSETS, empty_state, facts, name_line


def chosen_moment(query_id: str) -> float | None:
    """The time whose frame alone is the query, in seconds; None: the whole clip is."""
    kept = st.session_state.get(state.SEARCH_MOMENT)
    if kept is None and (given := st.query_params.get(state.PARAM_MOMENT)):
        try:
            kept = query_id, max(0.0, float(given))
        except ValueError:
            kept = None
        st.session_state[state.SEARCH_MOMENT] = kept
    moment = kept[1] if kept is not None and kept[0] == query_id else None
    if moment is None:
        st.query_params.pop(state.PARAM_MOMENT, None)
    else:
        st.query_params[state.PARAM_MOMENT] = f"{moment:g}"
    return moment


def frame_strip(query_id: str) -> None:
    """Sampled frames with their times; a click on a time makes that frame the query."""
    st.html(ASSETS / "search.css")
    task = strip(query_id)
    if not task.wait(0.1):
        _watch_strip(query_id)
        return
    if task.error is not None:
        return  # the pictures are a help, and their lack is no reason to hold the search up
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
                    help=f"Search with the frame at {clock(time)} alone",
                    width="stretch",
                    on_click=_choose,
                    args=(query_id, time),
                )


@st.fragment(run_every=0.5)
def _watch_strip(query_id: str) -> None:
    if strip(query_id).ended:
        st.rerun()
    st.caption("Making pictures of the clip…")


def _choose(query_id: str, time: float | None) -> None:
    st.session_state[state.SEARCH_MOMENT] = None if time is None else (query_id, time)
    if time is None:
        st.query_params.pop(state.PARAM_MOMENT, None)


def frame_results(query_id: str, at: float, *, top: int) -> None:
    """The nearest frames of the library to the frame on screen at `at` seconds."""
    _choose_exactly(query_id, at)
    task = frame_search(query_id, at, most=top)
    if not finished(task, title="Looking for this frame", name=backend.name_of(query_id)):
        return
    found, pictures, picture = task.result
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(width=220):
            name = safe_name(backend.name_of(query_id))
            st.image(picture, width="stretch", alt=f"{name} at {clock(found.time)}")
        with st.container():
            st.subheader(f"One frame, at {clock(found.time)}", anchor=False)
            near = sum(frames[0].distance <= found.threshold for frames in found.videos)
            st.markdown(
                f"**{near} of {len(found.videos)}** videos below have a frame within the"
                f" library's distance threshold of {found.threshold:.3g}."
            )
            st.button(
                "Back to the whole clip",
                icon=":material/arrow_back:",
                key="whole_clip",
                on_click=_choose,
                args=(query_id, None),
            )
    if found.empty:
        empty_state(
            "This frame shows nothing",
            "It is black or flat, so no frame can be near it. Choose another moment.",
        )
        return
    if not found.videos:
        empty_state("There is nothing to compare with", "No other video has features yet.")
        return
    with st.container(key="frame-grid"):
        for rank, frames in enumerate(found.videos, 1):
            best = frames[0]
            with st.container(border=True, key=f"frame-{rank}"):
                if best.video_id in pictures:
                    st.image(
                        pictures[best.video_id],
                        width="stretch",
                        alt=f"{safe_name(best.name)} at {clock(best.time)}",
                    )
                name_line(f"{rank}. {best.name}", _also([f.time for f in frames[1:]]))
                facts({"At": clock(best.time), "Distance": f"{best.distance:.3f}"})
                if best.distance <= found.threshold:
                    st.badge("near", color="green", help="Within the library's threshold")
                if st.button("Compare", key=f"frame-compare-{rank}", icon=":material/compare:"):
                    st.session_state[state.COMPARE_CELL] = (
                        query_id,
                        best.video_id,
                        found.frame,
                        best.frame,
                    )
                    state.goto_compare(query_id, best.video_id)


def _also(times: list[float]) -> str:
    return "then at " + ", ".join(clock(time) for time in times) if times else ""


def _choose_exactly(query_id: str, at: float) -> None:
    """A slider over the clip for the moments between those of the strip."""
    info = backend.info_of(query_id)
    length = info.duration if info else 0.0
    if length <= 1:
        return
    key = f"{state.SEARCH_MOMENT}-{state.short(query_id)}-{at:g}"
    moved = st.slider(
        "Moment",
        0.0,
        float(length),
        min(float(at), float(length)),
        step=0.5,
        format="%.1f s",
        key=key,
        help="The sampled frame nearest to this time is searched for",
    )
    if abs(moved - min(at, length)) > 0.01:
        _choose(query_id, moved)
        st.rerun()
