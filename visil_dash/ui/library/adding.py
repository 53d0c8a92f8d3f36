"""The library page: adding videos, and the list of files that are being added."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from visil_dash.clock import clock
from visil_dash.errors import InputError, without_name
from visil_dash.installed import DEMO
from visil_dash.media.allowed import allowed_folders, allowed_path
from visil_dash.records import JobRecord, JobState
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors, show_kept_errors
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.uploader import draw_refused, upload_box
from visil_dash.ui.shell.widgets import name_line

DEMO_FOLDER = DEMO / "videos"
_JOBS_SHOWN = 6

STATE_WORDS = {
    JobState.RECEIVED: "waiting",
    JobState.HASHED: "checked, waiting",
    JobState.DECODING: "decoding frames",
    JobState.FEATURES: "saving features",
    JobState.COMMITTED: "saved, being indexed",
    JobState.INDEXED: "indexed",
    JobState.REFUSED: "refused",
    JobState.CANCELLED: "cancelled",
    JobState.FAILED: "failed",
}


# ---- adding ----


def draw_add_button() -> None:
    with st.popover("Add videos", icon=":material/add:", type="primary", key="add"):
        draw_adding()


def draw_adding() -> None:
    """A box for uploads and, where folders are allowed, a field for a path on this machine."""
    settings = backend.workbench().settings
    upload_box(
        "Upload files",
        name="library",
        take=_queue_upload,
        help="Each file is decoded in a sandboxed process. The page shows whether it was indexed,"
        " partly read or refused, and why.",
    )
    draw_refused("library")
    if not allowed_folders(settings):
        return
    form = st.form("add_path", border=False)
    row = form.container(horizontal=True, vertical_alignment="bottom")
    typed = row.text_input(
        "Or a file or folder on this machine",
        key="library_path",
        placeholder=str(allowed_folders(settings)[0]),
        help="Folders are read with all subfolders. Links are not followed.",
    )
    with row:
        asked = st.form_submit_button("Add", icon=":material/create_new_folder:")
    in_place = form.checkbox(
        "Leave the files where they lie",
        key="library_in_place",
        help="Nothing is copied, and nothing of the files is changed. They must stay readable at"
        " their places; the page shows which of them changed, moved or went.",
    )
    if asked:
        with keep_errors():
            _add_path(allowed_path(typed, settings=settings), in_place=in_place)
    show_kept_errors("library/path")


def _queue_upload(source: object, name: str) -> str:
    backend.add_upload(source, name=name)  # type: ignore[arg-type]
    return ""


def _add_path(path: Path, *, in_place: bool = False) -> None:
    backend.ingest_queue()  # so that a worker is ready for the files
    jobs = backend.workbench().add_paths([path], in_place=in_place)
    if jobs:
        st.toast(f"{plural(len(jobs), 'file')} queued", icon=":material/playlist_add:")
    elif in_place and backend.workbench().library.in_place.all():
        st.toast("All of them are in place already", icon=":material/check:")
    else:
        raise InputError(str(path), "the folder holds no files", "choose another one")


def draw_demo_button() -> None:
    if st.button("Add the demo library", type="primary", icon=":material/movie:"):
        with keep_errors():
            _add_path(DEMO_FOLDER)
            st.rerun()
    show_kept_errors("library/demo")


def has_demo() -> bool:
    return DEMO_FOLDER.is_dir() and any(DEMO_FOLDER.iterdir())


# ---- jobs ----


def jobs_now() -> Sequence[JobRecord]:
    """Call it before anything else is read, so that what is read includes what has just ended."""
    return backend.workbench().jobs()


def draw_jobs(jobs: Sequence[JobRecord]) -> None:
    """Files that are being added and files that were not; refreshes itself meanwhile."""
    if any(not job.state.ended for job in jobs):
        _polling_jobs()
    else:
        _job_list(jobs)


@fragment(run_every=1.0)
def _polling_jobs() -> None:
    jobs = backend.workbench().jobs()
    ended = sum(job.state.ended for job in jobs)
    before = st.session_state.get(state.JOBS_ENDED, ended)
    st.session_state[state.JOBS_ENDED] = ended
    _job_list(jobs)
    # Videos that have just been added belong in the grid and in the numbers above it.
    if ended != before or ended == len(jobs):
        st.rerun()


def _job_list(jobs: Sequence[JobRecord]) -> None:
    active = [job for job in jobs if not job.state.ended]
    ended = [job for job in jobs if _worth_showing(job)]
    if not active and not ended:
        return
    paused = backend.ingest_queue().paused
    if active and paused:
        st.warning(md(paused), icon=":material/pause_circle:")
    if active:
        with st.container(border=True, key="jobs"):
            _progress(jobs, active)
            with st.expander(f"{plural(len(active), 'file')} to go", key="queue"):
                _rows(active)
    if ended:
        with st.expander(_problem_line(ended), key="not-added"):
            st.button("Clear the list", key="clear_jobs", on_click=_clear, type="tertiary")
            _rows(ended)


def _problem_line(ended: Sequence[JobRecord]) -> str:
    named = ", ".join(md(safe_name(job.name, longest=40)) for job in ended[:2])
    more = f" and {len(ended) - 2} more" if len(ended) > 2 else ""
    verb = "was" if len(ended) == 1 else "were"
    return (
        f":orange[:material/warning:] {plural(len(ended), 'file')} {verb} not added: {named}{more}"
    )


def _progress(jobs: Sequence[JobRecord], active: Sequence[JobRecord]) -> None:
    """One bar for all files of the list."""
    begun = sum(min(1.0, job.done / job.total) for job in active if job.total > 0)
    done = len(jobs) - len(active)
    name, status = active[0].name, _job_status(active[0])
    st.progress(
        min(1.0, (done + begun) / len(jobs)),
        text=md(f"{done} of {len(jobs)} done · {safe_name(name, longest=60)}: {status}"),
    )


def _rows(jobs: Sequence[JobRecord]) -> None:
    for job in jobs[:_JOBS_SHOWN]:
        _job_row(job)
    if len(jobs) > _JOBS_SHOWN:
        st.caption(f"and {plural(len(jobs) - _JOBS_SHOWN, 'more', 'more')}")


def _worth_showing(job: JobRecord) -> bool:
    """Whether an ended job is more than "indexed": it has a reason, or was a duplicate."""
    return job.state.ended and (
        job.state is not JobState.INDEXED or bool(job.reason or job.duplicate_of)
    )


def _job_row(job: JobRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.job_id[:24]}"):
        with st.container():
            name_line(job.name, _job_status(job), one_line=True)
            if job.state in (JobState.DECODING, JobState.FEATURES):
                st.progress(min(1.0, job.done / job.total) if job.total > 0 else 0.0)
        if not job.state.ended:
            st.button("Cancel", key=f"cancel-{job.job_id}", on_click=_cancel, args=(job.job_id,))
        elif job.state in (JobState.FAILED, JobState.CANCELLED):
            st.button("Try again", key=f"retry-{job.job_id}", on_click=_retry, args=(job.job_id,))


def _job_status(job: JobRecord) -> str:
    if job.duplicate_of:
        video = backend.library_video(job.duplicate_of)
        name = safe_name(video.name) if video else job.duplicate_of[:12]
        return f"the same file as {name}, which is already in the library; not added"
    status = STATE_WORDS[job.state]
    if job.state is JobState.DECODING and job.total > 0:
        status += f", {clock(job.done)} of {clock(job.total)}"
    reason = without_name(job.reason, job.name)
    return f"{status}: {reason}" if reason else status


def _cancel(job_id: str) -> None:
    with keep_errors():
        backend.ingest_queue().cancel(job_id)


def _retry(job_id: str) -> None:
    with keep_errors():
        backend.ingest_queue().retry(job_id)


def _clear() -> None:
    backend.ingest_queue().clear_ended()
