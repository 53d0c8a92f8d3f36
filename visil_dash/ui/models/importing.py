"""The Models page: taking in weights by hand, uploaded or from a path on this machine."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visil_dash.errors import InputError, ModelError
from visil_dash.library.rows import clean_name
from visil_dash.media.allowed import allowed_folders, allowed_path
from visil_dash.models.load import model_infos
from visil_dash.models.offers import import_model, import_together
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors, show_kept_errors
from visil_dash.ui.shell.text import md
from visil_dash.ui.shell.uploads import write_upload

_UPLOADER = "model_files"
_PLACE = "models/import"


def draw_import() -> None:
    settings = backend.settings_in_use()
    folders = allowed_folders(settings)
    with st.container(border=True, key="import-model"):
        st.subheader("Import by hand", anchor=False)
        st.caption(
            "A published weights file, known by its hash, name or tensors, or a model that"
            " `python -m visil_dash train` wrote: its files together, or its folder."
        )
        with st.form("import_model", border=False):
            key = state.uploader_key(_UPLOADER)
            st.file_uploader("Upload files", accept_multiple_files=True, key=key)
            if folders:
                st.text_input(
                    "Or a file or folder on this machine",
                    key="model_path",
                    placeholder=str(folders[0]),
                )
            st.checkbox(
                "Accept what cannot be checked",
                key="model_unverified",
                help="Most publishers give no hash, and nobody but you knows that of your own"
                " model. Every score made with such a file will say so.",
            )
            st.form_submit_button(
                "Import", icon=":material/file_open:", on_click=_take, args=(key,)
            )
        show_kept_errors(_PLACE)


def _take(key: str) -> None:
    settings = backend.settings_in_use()
    uploads = [f for f in st.session_state.get(key) or [] if isinstance(f, UploadedFile)]
    typed = str(st.session_state.get("model_path") or "").strip()
    unverified = bool(st.session_state.get("model_unverified"))
    before = _extractors()
    with keep_errors(place=_PLACE):
        if not uploads and not typed:
            raise InputError("Nothing", "was chosen", "upload a file or type a path")
        taken = list(_take_uploads(uploads, unverified=unverified)) if uploads else []
        if typed:
            path = allowed_path(typed, settings=settings)
            taken.append(import_model(path, settings=settings, unverified=unverified))
        st.toast(md(f"Imported {', '.join(taken)}"), icon=":material/check:")
        state.next_upload_round()
    for name, extractor in _extractors().items():
        if before.get(name) not in (None, "", extractor):
            backend.close_workbenches(name)


def _take_uploads(uploads: Sequence[UploadedFile], *, unverified: bool) -> tuple[str, ...]:
    settings = backend.settings_in_use()
    try:
        settings.models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".taking.", dir=settings.models) as folder:
            for upload in uploads:
                name = clean_name(upload.name)
                write_upload(upload, Path(folder) / name, name=name, settings=settings)
            return import_together(Path(folder), settings=settings, unverified=unverified)
    except OSError as error:
        raise ModelError(f"{settings.models}: cannot be written ({error.strerror}).") from error


def _extractors() -> dict[str, str]:
    return {m.name: m.extractor for m in model_infos(settings=backend.settings_in_use())}
