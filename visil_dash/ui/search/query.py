"""The query: an uploaded clip, a file on this machine or a library video; one line once chosen."""

from typing import BinaryIO

import streamlit as st

from visil_dash.clock import clock
from visil_dash.ui.search.one_frame import draw_frame_popover
from visil_dash.ui.search.options import SearchOptions, draw_search_options
from visil_dash.ui.search.path import copied_clip, draw_path_box
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.picker import pick_video, picked_video
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.uploader import draw_refused, upload_box
from visil_dash.ui.shell.uploads import SessionClip
from visil_dash.ui.shell.widgets import form_line

_BOX = "search"  # name of the upload box


def draw_query() -> tuple[str | None, SearchOptions]:
    """What is searched for, and how: a form while there is no query, then a line that opens it."""
    copied = copied_clip()
    if copied is not None:
        _choose([copied])
    draw_refused(_BOX)
    _pass_over_unreadable()
    query_id = picked_video(state.SEARCH_QUERY, state.PARAM_QUERY)
    with st.container(horizontal=True, gap="small", key="query-line"):
        with form_line(_line(query_id), key=state.SEARCH_CHANGE, chosen=query_id is not None):
            picked = _draw_form()
        if query_id is not None:
            draw_frame_popover(query_id)
        options = draw_search_options()
    return picked, options


def _line(query_id: str | None) -> str:
    if query_id is None:
        return "**Query clip**"
    name = md(safe_name(backend.name_of(query_id)))
    return f"**{name}** · {_about(query_id)} · :primary[Change]"


def _about(query_id: str) -> str:
    kind = "your clip" if backend.session_clip(query_id) else "library video"
    info = backend.info_of(query_id)
    if info is None:
        return kind
    return f"{clock(info.duration)} · {info.width}×{info.height} · {info.codec} · {kind}"


def _draw_form() -> str | None:
    left, right = st.columns(2, gap="large")
    with left:
        upload_box(
            "Upload one or more clips",
            name=_BOX,
            take=_take,
            done=_choose,
            help="Any common video format, or a picture, which Ctrl+V pastes from the clipboard."
            " Clips are private to this browser and deleted soon after its last tab is closed.",
            paste=True,
        )
        st.caption("Or paste a picture, such as a frame, with Ctrl+V")
        draw_path_box()
    with right:
        picked = pick_video(
            "Or pick a video",
            key=state.SEARCH_QUERY,
            param=state.PARAM_QUERY,
            placeholder="A library video or an uploaded clip",
            on_change=_picked,
        )
        clips = backend.session_clips()
        if clips:
            st.caption(
                f"{plural(len(clips), 'clip')} in this browser, {size(sum(c.bytes for c in clips))}"
            )
            clip = backend.session_clip(picked) if picked else None
            if clip is not None:
                _draw_clip_buttons(clip)
    return picked


def _draw_clip_buttons(clip: SessionClip) -> None:
    with st.container(horizontal=True):
        if backend.library_video(clip.query_id) is None:
            st.button(
                "Add this clip to the library",
                type="tertiary",
                icon=":material/add:",
                key="add_clip",
                on_click=_add,
                args=(clip,),
                disabled=backend.workbench().library.read_only,
                help="Everybody who uses this library will see it. Verdicts are kept for pairs of"
                " library videos.",
            )
        st.button(
            "Remove this clip",
            type="tertiary",
            icon=":material/delete:",
            on_click=_drop,
            args=(clip.query_id,),
        )


# ---- what is chosen ----


def _take(source: BinaryIO, name: str) -> str:
    clip = backend.clip_taker()(source, name)
    backend.open_clip(clip)  # reading starts now, whichever page is open
    return clip.query_id


def _choose(query_ids: list[str]) -> None:
    """Shows the first of new clips that can be read."""
    st.session_state[state.SEARCH_QUERY] = query_ids[0]
    st.session_state[state.SEARCH_NEW] = tuple(query_ids)
    st.session_state.pop(state.SEARCH_PATH_ASKED, None)  # and its error
    _fold()


def _picked() -> None:
    st.session_state.pop(state.SEARCH_NEW, None)
    _fold()


def _fold() -> None:
    st.session_state[state.SEARCH_CHANGE] = False


def _pass_over_unreadable() -> None:
    """Of clips that were uploaded together, shows the next one where one cannot be read."""
    new: tuple[str, ...] = st.session_state.get(state.SEARCH_NEW, ())
    query_id = st.session_state.get(state.SEARCH_QUERY)
    if query_id not in new:
        return
    for other in new[new.index(query_id) :]:
        clip = backend.session_clip(other)
        task = None if clip is None else backend.open_clip(clip)
        if task is not None and not (task.ended and task.error is not None):
            st.session_state[state.SEARCH_QUERY] = other
            return


def _drop(query_id: str) -> None:
    backend.drop_clip(query_id)
    st.session_state.pop(state.SEARCH_QUERY, None)
    _fold()


def _add(clip: SessionClip) -> None:
    with keep_errors(), clip.path.open("rb") as source:
        backend.add_upload(source, name=clip.name)
        st.toast("Being added: the Library page shows when it is ready", icon=":material/add:")
