"""The upload box: files go to disk in the callback, and leave the server's memory at once."""

from collections.abc import Callable
from typing import BinaryIO, cast

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visil_dash.errors import VisilDashError
from visil_dash.ui.shell import state

Take = Callable[[BinaryIO, str], str]


def upload_box(
    label: str,
    *,
    name: str,
    take: Take,
    done: Callable[[list[str]], None] | None = None,
    help: str | None = None,  # noqa: A002 as Streamlit calls it
) -> None:
    """An upload box for several files. `take` stores one and names it; `done` hears all names.

    Errors are kept for `errors.told_errors`. Any type may be chosen: what a file is, its bytes say.
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


def _take_all(key: str, take: Take, done: Callable[[list[str]], None] | None) -> None:
    # The browser may name files once more that were taken and released: those are told as deleted.
    files = [f for f in st.session_state.get(key) or [] if isinstance(f, UploadedFile)]
    if not files:
        return
    taken = []
    for file in files:
        try:
            taken.append(take(file, file.name))
        except VisilDashError as error:
            st.session_state.setdefault(state.ERRORS, []).append(error)
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
