"""The upload box: the callback writes files to disk and frees the server's memory at once."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, BinaryIO, cast

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visil_dash.errors import InputError, VisilDashError
from visil_dash.ui.shell import state
from visil_dash.ui.shell.errors import show_errors
from visil_dash.ui.shell.text import safe_name, size
from visil_dash.ui.shell.widgets import UI_ASSETS

_MIB = 1 << 20
_Take = Callable[[BinaryIO, str], str]


def upload_box(
    label: str,
    *,
    name: str,
    take: _Take,
    done: Callable[[list[str]], None] | None = None,
    help: str | None = None,  # noqa: A002 as Streamlit calls it
    paste: bool = False,
) -> None:
    """An upload box for several files. `take` stores one and returns its id; `done` gets all ids.

    `paste`: what is pasted on the page, such as a picture, is taken as if it were dropped.

    Any file type may be chosen: the type is decided by the bytes, not by the name. Call
    `draw_refused` too, where its lines are seen when the box is folded away.
    """
    key = state.uploader_key(name)
    st.file_uploader(
        label,
        accept_multiple_files=True,
        key=key,
        help=help,
        on_change=_take_all,
        args=(key, name, take, done),
    )
    if paste:
        with st.container(key=f"unseen-{name}-paste"):
            _component("paste")(key=f"{name}-paste", data={"box": key})


def draw_refused(name: str) -> None:
    """A line for every file of the box's last upload that was not taken, with the reason.

    The page may run again at once, so an error that is shown once would not be seen.
    """
    _report_too_large(state.uploader_key(name), name)
    refused = st.session_state.get(state.UPLOADS_REFUSED, {}).get(name, [])
    if refused:
        show_errors(refused, key=f"refused-{name}", dismiss=partial(_dismiss, name))


@cache
def _component(name: str) -> Any:
    script = (UI_ASSETS / "upload" / f"{name}.js").read_text()
    return st.components.v2.component(f"visil_dash.{name}", js=script)


def _report_too_large(key: str, name: str) -> None:
    """Has the browser name files over the server's limit, of which nothing else arrives here."""
    limit = int(st.get_option("server.maxUploadSize")) * _MIB
    component = f"{name}-too-large"

    def refuse() -> None:
        errors: list[VisilDashError] = [
            InputError(
                safe_name(str(file)),
                f"it is larger than the {size(limit)} that can be uploaded",
                "cut or re-encode it",
            )
            for file in st.session_state[component].get("refused") or []
        ]
        st.session_state.setdefault(state.UPLOADS_REFUSED, {}).setdefault(name, []).extend(errors)

    with st.container(key=f"unseen-{component}"):
        _component("too_large")(
            key=component, data={"box": key, "limit": limit}, on_refused_change=refuse
        )


def _dismiss(name: str) -> None:
    st.session_state.get(state.UPLOADS_REFUSED, {}).pop(name, None)


def _take_all(key: str, name: str, take: _Take, done: Callable[[list[str]], None] | None) -> None:
    # The browser may list files again that were taken and released: those come as DeletedFile.
    files = [f for f in st.session_state.get(key) or [] if isinstance(f, UploadedFile)]
    if not files:
        return
    taken = []
    refused: list[VisilDashError] = []
    for file in files:
        try:
            taken.append(take(file, file.name))
        except VisilDashError as error:
            refused.append(error)
        _release(file)
    st.session_state.setdefault(state.UPLOADS_REFUSED, {})[name] = refused
    state.next_upload_round()
    if done is not None and taken:
        done(taken)


def _release(file: UploadedFile) -> None:
    """Frees the upload's bytes, which Streamlit would keep until the session ends."""
    context = get_script_run_ctx()
    if context is not None:
        manager = cast("MemoryUploadedFileManager", context.uploaded_file_mgr)
        manager.remove_file(context.session_id, file.file_id)
