"""The case as one file, and checking such a file."""

import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import keep_click, kept_click
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import minute_of

if TYPE_CHECKING:  # importing them takes seconds (torch, the index)
    from visil_dash.cases.check import CheckedCase, CheckedVideo
    from visil_dash.cases.pins import Pin

_MOST_UPLOAD = 1024  # MB
_CLICK = "case"


@dataclass(frozen=True)
class _Made:
    archive: bytes
    page: bytes
    manifest_sha256: str


def draw_export(pinned: "Sequence[Pin]") -> None:
    """Makes the case file on a click, then offers it as ZIP and as one HTML page."""
    # Begun here, not by the click: a note that was written just before counts.
    with kept_click(_CLICK) as clicked:
        task = _making(pinned, begin=clicked)
    if task is None or (task.ended and task.error is not None):
        if task is not None and task.error is not None:
            show_error(task.error)
        st.button(
            f"Make the case file of {plural(len(pinned), 'match', 'matches')}",
            key="make_case",
            icon=":material/inventory_2:",
            type="primary",
            help="Compares every pinned pair and verifies it on the pixels anew, and writes scores,"
            " frames, proof, versions and the hashes of both files",
            on_click=keep_click,
            args=(_CLICK,),
        )
        return
    if not finished(
        task, title="Making the case file", name=plural(len(pinned), "match", "matches")
    ):
        return
    made: _Made = task.result
    with st.container(border=True, key="case-file"):
        st.markdown(
            "**The case file is made.** Note the hash of its manifest elsewhere: with it, a check"
            " notices a case that was rewritten as a whole."
        )
        st.code(made.manifest_sha256, language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.download_button(
                "ZIP, with everything",
                made.archive,
                "case.zip",
                "application/zip",
                icon=":material/folder_zip:",
                on_click="ignore",
            )
            st.download_button(
                "HTML, one page",
                made.page,
                "case.html",
                "text/html",
                icon=":material/description:",
                on_click="ignore",
            )
            st.button("Make anew", type="tertiary", on_click=keep_click, args=(_CLICK,))


def _making(pinned: "Sequence[Pin]", *, begin: bool = False) -> Task | None:
    bench = backend.workbench()
    key = ("case", str(bench.library.folder), bench.extractor, tuple(pinned))

    def work(watch: Watch) -> _Made:
        from visil_dash.cases.make import make_case
        from visil_dash.cases.manifest import REPORT

        with tempfile.TemporaryDirectory(prefix="visil-dash-case-") as folder:
            file = Path(folder) / "case.zip"
            _, digest = make_case(bench, file, watch=watch)
            with zipfile.ZipFile(file) as archive:
                page = archive.read(REPORT)
            return _Made(file.read_bytes(), page, digest)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


# ---- checking ----


def draw_check() -> None:
    with st.expander("Check a case file", icon=":material/fact_check:", key="check-case"):
        st.caption(
            "Was the file changed since it was made, and are the videos that it names still the"
            " same? Videos are looked for in this library."
        )
        given = st.file_uploader(
            "Case file", type="zip", key="case_upload", max_upload_size=_MOST_UPLOAD
        )
        noted = st.text_input(
            "Hash of its manifest, if it was noted", key="case_noted", max_chars=64
        )
        if given is None:
            return
        data = given.getvalue()
        st.button(
            "Check",
            key="check_case",
            icon=":material/fact_check:",
            on_click=_begin_check,
            args=(data,),
        )
        task = _checking(data)
        if task is not None and finished(
            task, title="Checking the case", name=given.name, key="cancel_check"
        ):
            _draw_checked(task.result, noted.strip().lower())


def _begin_check(data: bytes) -> None:
    _checking(data, begin=True)


def _checking(data: bytes, *, begin: bool = False) -> Task | None:
    library = backend.workbench().library
    digest = hashlib.sha256(data).hexdigest()

    def work(watch: Watch) -> "CheckedCase":
        from visil_dash.cases.check import check_case

        watch.step("Reading the case and its videos", 0.0)
        with tempfile.NamedTemporaryFile(suffix=".zip", prefix="visil-dash-case-") as file:
            file.write(data)
            file.flush()
            # The places that a case names are whoever's who made it: only our own are read.
            ours = [each.path for each in library.in_place.all()]
            return check_case(Path(file.name), library=library.folder, files=ours, places=False)

    key = ("check", str(library.folder), digest)
    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _draw_checked(checked: "CheckedCase", noted: str) -> None:
    rewritten = bool(noted) and noted != checked.manifest_sha256
    made = f"{plural(len(checked.manifest.pairs), 'match', 'matches')}, made"
    made += f" {minute_of(checked.manifest.made)} UTC"
    if checked.holds and not rewritten:
        st.success(f"The case holds: {md(made)}", icon=":material/verified:")
    else:
        st.error(f"The case does not hold: {md(made)}", icon=":material/gpp_bad:")
    if rewritten:
        st.markdown("- Its manifest is another one than was noted.")
    for problem in checked.problems:
        st.markdown(f"- {md(problem)}")
    table = pd.DataFrame(
        {
            "Video": [safe_name(video.video.name) for video in checked.videos],
            "State": [_state(video) for video in checked.videos],
            "SHA-256": [video.video.sha256[:16] for video in checked.videos],
        }
    )
    st.dataframe(table, hide_index=True, height=table_height(len(table)))
    st.caption(f"Hash of its manifest: {checked.manifest_sha256}")


def _state(video: "CheckedVideo") -> str:
    if video.changed:
        return "changed"
    return "unchanged" if video.path is not None else "not in this library"
