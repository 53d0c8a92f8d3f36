"""The upload box: the callback writes files to disk and frees the server's memory at once."""

from collections.abc import Callable
from typing import BinaryIO, cast

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visil_dash.ui.shell import state
from visil_dash.ui.shell.errors import keep_errors

_Take = Callable[[BinaryIO, str], str]


def upload_box(
    label: str,
    *,
    name: str,
    take: _Take,
    done: Callable[[list[str]], None] | None = None,
    help: str | None = None,  # noqa: A002 as Streamlit calls it
) -> None:
    """An upload box for several files. `take` stores one and returns its id; `done` gets all ids.

    Errors are kept for `errors.show_kept_errors`. Any file type may be chosen: the type is decided
    by the bytes, not by the name.
    """
    key = state.uploader_key(name)
    st.file_uploader(
        label,
        accept_multiple_files=True,
        key=key,
        help=help,
        on_change=_take_all,
        args=(key, take, done),
    )


def _take_all(key: str, take: _Take, done: Callable[[list[str]], None] | None) -> None:
    # The browser may list files again that were taken and released: those come as DeletedFile.
    files = [f for f in st.session_state.get(key) or [] if isinstance(f, UploadedFile)]
    if not files:
        return
    taken = []
    for file in files:
        with keep_errors():
            taken.append(take(file, file.name))
        _release(file)
    state.next_upload_round()
    if done is not None and taken:
        done(taken)


def _release(file: UploadedFile) -> None:
    """Frees the upload's bytes, which Streamlit would keep until the session ends."""
    context = get_script_run_ctx()
    if context is not None:
        manager = cast("MemoryUploadedFileManager", context.uploaded_file_mgr)
        manager.remove_file(context.session_id, file.file_id)
