"""The library page: adding videos, and the queue of those on their way in."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

import visil_dash
from visil_dash.clock import clock
from visil_dash.errors import VisilDashError
from visil_dash.records import JobRecord, JobState
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly
from visil_dash.ui.shell.paths import allowed_folders, allowed_path
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.uploader import upload_box
from visil_dash.ui.shell.widgets import name_line

DEMO_FOLDER = Path(visil_dash.__file__).parents[1] / "demo" / "videos"
JOBS_SHOWN = 6

STATE_WORDS = {
    JobState.RECEIVED: "waiting",
    JobState.HASHED: "checked, next in line",
    JobState.DECODING: "reading the pictures",
    JobState.FEATURES: "saving what was seen",
    JobState.COMMITTED: "saved, entering the index",
    JobState.INDEXED: "indexed: on disk and findable",
    JobState.REFUSED: "not taken",
    JobState.CANCELLED: "stopped",
    JobState.FAILED: "failed",
}
# ---- adding ----


def adding(*, read_only: bool) -> None:
    """Upload, or a path on this machine."""
    if read_only:
        return
    settings = backend.workbench().settings
    with st.container(border=True):
        st.subheader("Add videos", anchor=False)
        upload_box(
            "Upload files",
            name="library",
            take=_queue_upload,
            help="Each file is read in a confined process and ends as findable, partly read or"
            " refused, with the reason.",
        )
        if allowed_folders(settings):
            row = st.form("add_path", border=False).container(
                horizontal=True, vertical_alignment="bottom"
            )
            typed = row.text_input(
                "Or a file or folder on this machine",
                key=state.LIBRARY_PATH,
                placeholder=str(allowed_folders(settings)[0]),
                help="Folders are read with all their subfolders. Links are not followed.",
            )
            with row:
                asked = st.form_submit_button("Add", icon=":material/create_new_folder:")
            if asked:
                with friendly():
                    _tell(
                        backend.workbench().add_paths([allowed_path(typed, settings=settings)]),
                    )


def _queue_upload(source: object, name: str) -> str:
    backend.add_upload(source, name=name)  # type: ignore[arg-type]
    return ""


def _tell(jobs: list[JobRecord]) -> None:
    if jobs:
        st.toast(f"{plural(len(jobs), 'file')} queued", icon=":material/playlist_add:")
    else:
        st.info("There is no file in that folder.", icon=":material/folder_off:")


def add_demo() -> None:
    """The button that fills an empty library."""
    if st.button("Add the demo library", type="primary", icon=":material/movie:"):
        with friendly():
            _tell(backend.workbench().add_paths([DEMO_FOLDER]))
            st.rerun()


def has_demo() -> bool:
    return DEMO_FOLDER.is_dir() and any(DEMO_FOLDER.iterdir())


# ---- jobs ----


def jobs() -> None:
    """Work that is going on or went wrong; looks again by itself while there is some."""
    found = backend.workbench().jobs()
    if any(not job.state.ended for job in found):
        _polling_jobs()
    else:
        _draw_jobs(found)


@st.fragment(run_every=1.0)
def _polling_jobs() -> None:
    found = backend.workbench().jobs()
    ended = sum(job.state.ended for job in found)
    before = st.session_state.get(state.JOBS_ENDED, ended)
    st.session_state[state.JOBS_ENDED] = ended
    _draw_jobs(found)
    # What ended is in the grid now, and the numbers above it have changed.
    if ended != before or ended == len(found):
        st.rerun()


def _draw_jobs(found: Iterable[JobRecord]) -> None:
    found = list(found)
    active = [job for job in found if not job.state.ended]
    troubled = [job for job in found if _worth_telling(job)]
    if not active and not troubled:
        return
    paused = backend.workbench().worker.paused
    if active and paused:
        st.warning(md(paused), icon=":material/pause_circle:")
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("In progress" if active else "Last additions", anchor=False)
            if active:
                done = sum(job.state is JobState.INDEXED for job in found)
                st.caption(f"{plural(len(active), 'file')} to go, {done} done", width="content")
            if any(job.state.ended for job in found):
                st.button("Clear the list", key="clear_jobs", on_click=_clear, type="tertiary")
        for job in [*active[:JOBS_SHOWN], *troubled[:JOBS_SHOWN]]:
            _job_row(job)
        hidden = max(0, len(active) - JOBS_SHOWN) + max(0, len(troubled) - JOBS_SHOWN)
        if hidden:
            st.caption(f"and {plural(hidden, 'more', 'more')}")


def _worth_telling(job: JobRecord) -> bool:
    """Ended jobs are told when something is to be known: a reason, or that the bytes were known."""
    return job.state.ended and (
        job.state is not JobState.INDEXED or bool(job.reason or job.duplicate_of)
    )


def _job_row(job: JobRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.job_id[:24]}"):
        with st.container():
            name_line(job.name, _job_told(job), one_line=True)
            if job.state in (JobState.DECODING, JobState.FEATURES):
                st.progress(min(1.0, job.done / job.total) if job.total > 0 else 0.0)
        if not job.state.ended:
            st.button(
                "Cancel", key=f"cancel-{job.job_id}", on_click=_call, args=("cancel", job.job_id)
            )
        elif job.state in (JobState.FAILED, JobState.CANCELLED):
            st.button(
                "Try again", key=f"retry-{job.job_id}", on_click=_call, args=("retry", job.job_id)
            )


def _job_told(job: JobRecord) -> str:
    told = STATE_WORDS[job.state]
    if job.duplicate_of:
        with_name = backend.library_video(job.duplicate_of)
        known = safe_name(with_name.name) if with_name else job.duplicate_of[:12]
        return f"the same bytes as {known}, which the library has: nothing was added"
    if job.state is JobState.DECODING and job.total > 0:
        told += f", {clock(job.done)} of {clock(job.total)}"
    # The reason begins with the file's name, or with the one it has in the store: told above.
    reason = job.reason.removeprefix(f"{job.name}: ").removeprefix("original: ")
    return f"{told}: {reason}" if reason else told


def _call(what: str, job_id: str) -> None:
    worker = backend.workbench().worker
    try:
        (worker.cancel if what == "cancel" else worker.retry)(job_id)
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)


def _clear() -> None:
    backend.workbench().worker.clear_ended()
