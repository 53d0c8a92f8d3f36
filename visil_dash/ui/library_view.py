"""The pieces of the library page."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import visil_dash
from visil_dash.errors import VisilDashError
from visil_dash.records import JobRecord, JobState, VideoRecord
from visil_dash.ui import backend, state
from visil_dash.ui.errors import friendly
from visil_dash.ui.paths import allowed_folders, allowed_path
from visil_dash.ui.text import md, mmss, plural, safe_name, size
from visil_dash.ui.uploader import upload_box
from visil_dash.ui.widgets import (
    ago,
    await_posters,
    empty_state,
    facts,
    name_line,
    play,
    thumbnail,
    verdict_badge,
    verified_badge,
)

if TYPE_CHECKING:
    from visil_dash.services import Overview

DEMO_FOLDER = Path(visil_dash.__file__).parents[1] / "demo" / "videos"
PER_PAGE = 24
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
INDEX_WORDS = {
    "ready": ":green[:material/check_circle:] Index ready",
    "empty": ":gray[:material/circle:] Index empty",
    "rebuilding": ":orange[:material/sync:] Index being rebuilt, searches are exact meanwhile",
    "degraded": ":orange[:material/warning:] Index degraded, searches are exact and slower",
}
SORTS: dict[str, Callable[[VideoRecord], tuple[object, ...]]] = {
    "Newest first": lambda v: (-v.ordinal,),
    "Name": lambda v: (v.name.casefold(), v.ordinal),
    "Longest first": lambda v: (-v.info.duration, v.ordinal),
    "Largest first": lambda v: (-v.bytes, v.ordinal),
}


def health(overview: "Overview") -> None:
    """What there is, and whether it is ready to be searched."""
    index = overview.index
    with st.container(border=True):
        facts(
            {
                "Videos": f"{overview.videos:,}",
                "Footage": mmss(overview.seconds),
                "Sampled frames": f"{overview.frames:,}",
                "On disk": size(overview.media_bytes),
            },
            big=True,
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            told = INDEX_WORDS.get(index.state, md(index.state))
            if index.frames:
                told += f" · {index.frames:,} frames, {index.dim} dimensions"
            st.markdown(told, width="content")
            st.markdown(f":gray[Model {md(overview.model)}]", width="content")
            verified_badge(overview.verified)
    for notice in overview.notices:
        st.warning(md(notice), icon=":material/info:")
    if overview.missing_features:
        st.warning(
            f"{plural(overview.missing_features, 'video')} cannot be found by this model yet: "
            "their features are missing. Add the files again to make them.",
            icon=":material/info:",
        )


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
        told += f", {mmss(job.done)} of {mmss(job.total)}"
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


# ---- the videos ----


def grid(*, read_only: bool) -> None:
    """Filter, order and page through the videos."""
    videos = list(backend.videos().values())
    if not videos:
        if has_demo() and not read_only:
            empty_state(
                "No videos yet",
                "Upload your own above, or start with the demo library: five scenes with "
                "duplicates, edits, other cameras and other moments.",
                add_demo,
            )
        else:
            empty_state("No videos yet", "Upload some above to make them searchable.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            "Find by name",
            key=state.LIBRARY_FILTER,
            placeholder="Find by name or tag",
            icon=":material/search:",
            label_visibility="collapsed",
            persist_state="session",
        )
        order = st.selectbox(
            "Order",
            list(SORTS),
            key=state.LIBRARY_SORT,
            label_visibility="collapsed",
            width=180,
            persist_state="session",
        )
    shown = sorted((v for v in videos if _fits(v, wanted)), key=SORTS[order])
    if not shown:
        empty_state("No video has this name", "Names, other names and tags are searched.")
        return
    pages = -(-len(shown) // PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=state.LIBRARY_PAGE)
    shown = shown[(page - 1) * PER_PAGE : page * PER_PAGE]
    with st.container(key="library-grid"):
        for video in shown:
            _card(video, read_only=read_only)
    await_posters(video.video_id for video in shown)


def _fits(video: VideoRecord, wanted: str) -> bool:
    text = wanted.casefold().strip()
    return any(text in n.casefold() for n in (video.name, *video.other_names, *video.tags))


def _card(video: VideoRecord, *, read_only: bool) -> None:
    info = video.info
    with st.container(border=True, key=f"card-{video.video_id[:16]}"):
        thumbnail(video.video_id, key="grid")
        name_line(
            video.name,
            f"{mmss(info.duration)} · {info.width}×{info.height} · {info.codec} · "
            f"{size(video.bytes)}",
            one_line=True,
        )
        verdict_badge(video)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if st.button(
                "Search",
                key=f"search-{video.video_id}",
                icon=":material/search:",
                type="tertiary",
                help="Find videos that share footage with this one",
            ):
                state.goto_search(video.video_id)
            if st.button(
                "Open",
                key=f"open-{video.video_id}",
                icon=":material/play_circle:",
                type="tertiary",
                help="Play it, see what is known of it, remove it",
            ):
                st.session_state.pop(state.REMOVING, None)
                _open(video, read_only=read_only)


@st.dialog("Video", width="medium")
def _open(video: VideoRecord, *, read_only: bool) -> None:
    name_line(video.name)
    with friendly():
        play(video.video_id)
    info = video.info
    facts(
        {
            "Length": mmss(info.duration),
            "Picture": f"{info.width}×{info.height}",
            "Format": f"{info.codec} in {info.container}",
            "Size": size(video.bytes),
            "Sampled frames": f"{video.frames:,}",
            "Added": ago(video.added),
            "Id": video.video_id[:12],
        }
    )
    if video.other_names:
        st.caption("Also added as " + ", ".join(md(name) for name in video.other_names))
    if info.reason:
        st.warning("Partly read: " + md(info.reason), icon=":material/content_cut:")
    if read_only:
        return
    if st.session_state.get(state.REMOVING) != video.video_id:
        st.button(
            "Remove from the library…",
            key=f"remove-{video.video_id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_ask_removal,
            args=(video.video_id,),
        )
        return
    with st.container(border=True):
        st.markdown(
            "**Remove this video?** Its file in the library, its features and its frames in the"
            " index are deleted. The file that it was added from stays where it is."
        )
        with st.container(horizontal=True):
            if st.button("Remove", type="primary", icon=":material/delete:", key="confirm_remove"):
                with friendly():
                    backend.workbench().remove(video.video_id)
                    st.session_state.pop(state.REMOVING, None)
                    st.rerun()
            st.button("Keep it", on_click=_ask_removal, args=("",))


def _ask_removal(video_id: str) -> None:
    st.session_state[state.REMOVING] = video_id
