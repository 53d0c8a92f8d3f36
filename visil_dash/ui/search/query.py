"""What is searched for: uploaded clips, a file on this machine, or a video of the library."""

import os
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from visil_dash.progress import Watch
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.paths import allowed_folders, open_allowed
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import plural, size
from visil_dash.ui.shell.uploader import upload_box
from visil_dash.ui.shell.waiting import finished


def choose_query() -> str | None:
    """Upload clips, name a file or pick a video; the chosen id, None while there is none."""
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            upload_box(
                "Upload one clip or several",
                name="search",
                take=_take,
                done=_chosen,
                help="Any common video format. Clips are private to this session and deleted"
                " soon after it ends.",
            )
            _path_box()
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
    clip = backend.clip_taker()(source, name)
    backend.open_clip(clip)  # reading starts now, whichever page is looked at
    return clip.query_id


def _chosen(query_ids: list[str]) -> None:
    st.session_state[state.SEARCH_QUERY] = query_ids[0]
    st.session_state.pop(state.SEARCH_PATH_ASKED, None)  # and what went wrong with it


def _drop(query_id: str) -> None:
    backend.drop_clip(query_id)
    st.session_state.pop(state.SEARCH_QUERY, None)


# ---- a file on this machine ----


def _path_box() -> None:
    """The box for a path, where folders are allowed; else a line that says how to allow some."""
    folders = allowed_folders(backend.workbench().settings)
    if not folders:
        st.caption(
            "To search with files that are on this machine already, start the dashboard with"
            " `VISIL_DASH_ALLOWED_FOLDERS` set to their folder."
        )
        return
    with (
        st.form("query_path", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input(
            "Or a file on this machine",
            key=state.SEARCH_PATH,
            placeholder=f"{folders[0]}/…",
            max_chars=4096,
            help="A full path within " + ", ".join(f"`{folder}`" for folder in folders) + "."
            " Links are not followed. The file is copied to this session first, so that what"
            " is searched for and played is what was read.",
        )
        st.form_submit_button("Search", icon=":material/search:", on_click=_ask)
    asked = st.session_state.get(state.SEARCH_PATH_ASKED)
    if asked is not None:
        _taken(asked)


def _ask() -> None:
    typed = st.session_state[state.SEARCH_PATH].strip()
    if typed:
        st.session_state[state.SEARCH_PATH_ASKED] = typed
        take_path(typed, again=True)


def _taken(asked: str) -> None:
    """Waits for the copy, then makes it the query."""
    task = take_path(asked)
    if not finished(
        task, title="Copying the file", name=Path(asked).name or asked, key="cancel_copy"
    ):
        return
    del st.session_state[state.SEARCH_PATH_ASKED]
    clip = backend.session_clip(task.result)
    if clip is not None:
        backend.open_clip(clip)
        st.session_state[state.SEARCH_QUERY] = clip.query_id


def take_path(typed: str, *, again: bool = False) -> Task:
    """Copies a file of an allowed folder to a clip of this session; `result` is its id."""
    settings, take = backend.workbench().settings, backend.clip_taker()

    def work(watch: Watch) -> str:
        source, name = open_allowed(typed, settings=settings)
        with source:
            return take(_Watched(source, watch), name).query_id

    return backend.tasks().start(("path", backend.session_id(), typed), work, again=again)


class _Watched:
    """A file that reports how much of it was read, and raises Cancelled when it should stop."""

    def __init__(self, source: BinaryIO, watch: Watch) -> None:
        self._source = source
        self._watch = watch.with_message("The copying was stopped; nothing of the file was kept.")
        self._whole = max(1, os.fstat(source.fileno()).st_size)

    def read(self, count: int, /) -> bytes:
        self._watch.count("Copying the file", self._source.tell(), self._whole)
        return self._source.read(count)
