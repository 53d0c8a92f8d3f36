"""A file on this machine as the query clip: asked for by its path, copied, then searched for."""

import os
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from visil_dash.media.allowed import allowed_folders, open_allowed
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.waiting import finished


def draw_path_box() -> None:
    """The box for a path, or a line about how to allow folders where there are none."""
    folders = allowed_folders(backend.workbench().settings)
    if not folders:
        st.caption(
            "To search with files on this machine, start the dashboard with"
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
            " Links are not followed. The file is copied first.",
        )
        st.form_submit_button("Search", icon=":material/search:", on_click=_ask)


def _ask() -> None:
    typed = st.session_state[state.SEARCH_PATH].strip()
    if typed:
        st.session_state[state.SEARCH_PATH_ASKED] = typed
        _copy_task(typed, again=True)


def copied_clip() -> str | None:
    """The clip that was asked for by its path, once; until it is copied, draws the progress."""
    asked = st.session_state.get(state.SEARCH_PATH_ASKED)
    if asked is None:
        return None
    task = _copy_task(asked)
    if not finished(
        task, title="Copying the file", name=Path(asked).name or asked, key="cancel_copy"
    ):
        return None
    del st.session_state[state.SEARCH_PATH_ASKED]
    clip = backend.session_clip(task.result)
    if clip is None:
        return None
    backend.open_clip(clip)
    return clip.query_id


def _copy_task(typed: str, *, again: bool = False) -> Task:
    """Copies a file of an allowed folder to a clip of this browser; `result` is its id."""
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
        self._watch = watch.with_message("Copying was cancelled; nothing of the file was kept.")
        self._whole = max(1, os.fstat(source.fileno()).st_size)

    def read(self, count: int, /) -> bytes:
        self._watch.count("Copying the file", self._source.tell(), self._whole)
        return self._source.read(count)
