"""Every cache of the dashboard: the workbench, pair results, pictures, clips and running tasks.

Keys are ids, the extractor and the version of the frame space, never objects; the objects are
fetched inside. Query clips belong to their session: every function here that takes an id first
checks that this session may see it.
"""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from visil_dash.errors import NotFound
from visil_dash.media.views import BY_KEY, QueryRef
from visil_dash.progress import Watch
from visil_dash.records import (
    Array,
    JobRecord,
    MediaInfo,
    SearchResult,
    VideoRecord,
)
from visil_dash.settings import get_settings
from visil_dash.ui.shell import state
from visil_dash.ui.shell.tasks import Task, Tasks
from visil_dash.ui.shell.uploads import Clips, Readable, SessionClip, write_upload

if TYPE_CHECKING:  # importing services takes seconds (torch, the index): only when it is needed
    from visil_dash.candidates.thresholds import QueryDistances
    from visil_dash.workbench.bench import Workbench
    from visil_dash.workbench.clips import QueryClip


# ---- the workbench ----


def _close(bench: "Workbench") -> None:
    if bench in open_benches:
        open_benches.remove(bench)
    bench.close()


# A library stays open for its sessions; closed, its writer's lock is free for the next opening.
@st.cache_resource(max_entries=16, show_spinner="Opening the library…", on_release=_close)
def _workbench(library: str, model: str) -> "Workbench":
    from visil_dash.workbench.bench import open_workbench

    bench = open_workbench(settings=get_settings(), library=Path(library), model=model)
    open_benches.append(bench)
    # Streamlit collects garbage after every run of a script, and a page that shows progress runs
    # twice a second. What the imports and the model made lives on: walking it took 155 ms each
    # time, in which no task went on.
    gc.freeze()
    return bench


# The sweeper's thread has no session to ask for the workbench, so each is noted when it opens.
open_benches: "list[Workbench]" = []


def _chosen() -> tuple[str, str]:
    settings = get_settings()
    folder = st.session_state.get(state.LIBRARY) or settings.library.absolute()
    return str(folder), settings.model


def workbench() -> "Workbench":
    """The workbench of the library in use, opened once for all sessions."""
    return _workbench(*_chosen())


def task_scope() -> tuple[str, str]:
    """What every task's key holds: two libraries may have the same videos, in other versions."""
    bench = workbench()
    return str(bench.library.folder), bench.extractor


def _version() -> tuple[str, int]:
    bench = workbench()
    return bench.extractor, bench.space.version


# ---- sessions and their clips ----


def session_id() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else "no session"


def _alive(session: str) -> bool:
    # Without a runtime (tests by file) there is one session, and it lives.
    return not Runtime.exists() or Runtime.instance().is_active_session(session)


def _ended(session: str) -> None:
    # Ends the session for Streamlit too: what it holds in memory for a player goes with it.
    if Runtime.exists():
        Runtime.instance().close_session(session)


@st.cache_resource(max_entries=1, show_spinner=False)
def clip_store() -> Clips:
    clips = Clips(get_settings(), alive=_alive, gone=_forget, ended=_ended)
    clips.start()
    return clips


@st.cache_resource(max_entries=1, show_spinner=False)
def tasks() -> Tasks:
    return Tasks()


_forgetters: list[Callable[[str], None]] = []


def on_forget(forget: Callable[[str], None]) -> None:
    """`forget` hears the id of every clip that is deleted."""
    _forgetters.append(forget)


def _forget(query_id: str) -> None:
    """Removes what was derived from a deleted clip."""
    tasks().forget(query_id)
    for forget in _forgetters:
        forget(query_id)
    _query_distances.clear()
    for bench in open_benches:
        bench.forget_clip(query_id)


def session_clips() -> tuple[SessionClip, ...]:
    """The clips that this session brought, newest first."""
    return clip_store().of(session_id())


def clip_taker() -> Callable[[Readable, str], SessionClip]:
    """Writes what can be read to disk as a clip of this session, whichever thread calls it.

    It raises InputError.
    """
    clips, session = clip_store(), session_id()
    return lambda source, name: clips.take(session, source, name=name)


def add_upload(source: Readable, *, name: str) -> JobRecord:
    """Writes an upload to the library's own folder and queues it.

    Raises InputError and StoreReadOnly.
    """
    bench = workbench()
    staged = bench.library.stage(name)
    try:
        write_upload(source, staged, name=name, settings=bench.settings)
    except BaseException:
        bench.library.discard_staged(staged)
        raise
    return bench.add_upload(staged, name=name)


def drop_clip(query_id: str) -> None:
    clip_store().drop(session_id(), query_id)


def session_clip(query_id: str) -> SessionClip | None:
    """The clip that this id, or the id of a view of it, names."""
    base = QueryRef.parse(query_id).base
    return next((clip for clip in session_clips() if clip.query_id == base), None)


@st.cache_resource(max_entries=4, show_spinner=False)
def _videos(library: str, model: str, revision: int) -> dict[str, VideoRecord]:
    return {v.video_id: v for v in _workbench(library, model).videos()}


def library_videos() -> dict[str, VideoRecord]:
    """The library's videos by id, in the order of their arrival. Do not change it."""
    revision = workbench().library.revision()
    return _videos(*_chosen(), revision)


def library_video(video_id: str) -> VideoRecord | None:
    """The video that this id, or the id of a view of it, names."""
    return library_videos().get(QueryRef.parse(video_id).base)


def name_of(query_id: str) -> str:
    """Name of a library video, a clip of this session or a view of one; raises NotFound."""
    ref = QueryRef.parse(query_id)
    if ref.view:
        return f"{name_of(ref.base)} ({BY_KEY[ref.view].title})"
    clip = session_clip(query_id)
    if clip is not None:
        return clip.name
    video = library_video(query_id)
    if video is None:
        raise NotFound(
            f"{query_id[:12]}: neither in the library nor among the clips of this session. "
            "Clips are private and deleted after their session: upload it again."
        )
    return video.name


def opened(query_id: str) -> "QueryClip":
    """The clip or library video with its features, if this session may see it.

    Raises NotFound, also for a clip that is still being read.
    """
    name_of(query_id)
    return workbench().clip(query_id)


def media_path(query_id: str) -> Path:
    """The bytes of a library video or of a clip of this session; raises NotFound."""
    clip = session_clip(query_id)
    if clip is not None:
        return clip.path
    name_of(query_id)
    return workbench().library.media_path(QueryRef.parse(query_id).base)


def info_of(query_id: str) -> MediaInfo | None:
    """What is known of the file; None for a clip that was not read yet."""
    video = library_video(query_id)
    if video is not None:
        return video.info
    try:
        return opened(query_id).info
    except NotFound:
        return None


# ---- tasks ----


def open_clip(clip: SessionClip, *, again: bool = False) -> Task:
    """Reads an uploaded clip and extracts its features, whatever the page does meanwhile."""
    bench = workbench()

    def work(watch: Watch) -> str:
        opened_clip = bench.open_clip(
            clip.path,
            name=clip.name,
            watch=watch,
        )
        return opened_clip.query_id

    return tasks().start(("clip", *task_scope(), clip.query_id, clip.name), work, again=again)


def reader(query_id: str) -> Callable[[Watch], None]:
    """Reads the query where it is a clip of this session that was not read yet; for use in a task.

    A clip that is being read by another task is waited for.
    """
    bench, clip = workbench(), session_clip(query_id)

    def read(watch: Watch) -> None:
        if clip is not None:
            bench.open_clip(clip.path, name=clip.name, watch=watch)

    return read


def search(
    query_id: str,
    *,
    threshold: float | None,
    exhaustive: bool,
    inside: bool = False,
    again: bool = False,
) -> Task:
    """Searches for a clip of this session or a library video; `result` is a SearchResult."""
    bench, read = workbench(), reader(query_id)
    # Errors tell the name, and another session may have the same bytes under its own.
    name = name_of(query_id)
    limit = bench.threshold() if threshold is None else threshold
    asked = query_id, name, limit, exhaustive, inside
    key = ("search", *task_scope(), bench.space.version, *asked)

    def work(watch: Watch) -> SearchResult:
        read(watch)
        return bench.search(
            query_id,
            threshold=limit,
            exhaustive=exhaustive,
            inside=inside,
            watch=watch,
        )

    return tasks().start(key, work, again=again)


# ---- results of one query ----


def judged(result: SearchResult) -> SearchResult:
    """The result judged by the match score that is in use now."""
    return workbench().judged(result)


@st.cache_resource(max_entries=4, show_spinner="Measuring distances…")
def _query_distances(
    library: str, model: str, extractor: str, version: int, query_id: str
) -> "QueryDistances":
    return _workbench(library, model).query_distances(query_id)


def query_distances(query_id: str) -> "QueryDistances":
    """Do not write into its arrays: they are shared by all sessions."""
    name_of(query_id)
    return _query_distances(*_chosen(), *_version(), query_id)


# ---- pictures and players ----


@st.cache_data(max_entries=64, show_spinner=False, scope="session")
def _pictures_at(
    library: str, model: str, query_id: str, times: tuple[float, ...], long_side: int
) -> list[Array]:
    return _workbench(library, model).frames(query_id, list(times), long_side=long_side)


def pictures_at(query_id: str, times: Sequence[float], long_side: int = 640) -> list[Array]:
    """Pictures as displayed at these times, uint8 RGB."""
    name_of(query_id)
    return _pictures_at(*_chosen(), query_id, tuple(float(t) for t in times), long_side)


@st.cache_data(max_entries=512, show_spinner=False)
def _digest(path: str, modified: int, size: int) -> str:
    from visil_dash.media.files import content_hash

    return content_hash(Path(path))


def digest(path: Path) -> str:
    """sha256 of the file as it is now."""
    status = path.stat()
    return _digest(str(path), status.st_mtime_ns, status.st_size)


def _asset_folder(video_id: str) -> Path:
    """Where pictures of a video are kept: beside it, or apart when the library is read-only."""
    clip = session_clip(video_id)
    if clip is not None:
        return clip.path.parent
    library = workbench().library
    if not library.read_only:
        return library.asset(video_id, "poster.jpg").parent
    folder = clip_store().pictures / video_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def asset(video_id: str, name: str) -> Path | None:
    """poster.jpg, strip.jpg or preview.mp4 of a video or clip; None while there is none."""
    places = [_asset_folder(video_id) / name]
    if session_clip(video_id) is None:
        places.append(workbench().library.asset(video_id, name))
    return next((path for path in places if path.is_file() and path.stat().st_size), None)


def make_asset(video_id: str, name: str, *, again: bool = False) -> Task:
    """Makes the picture or preview in the background; the task's result is its path."""
    from visil_dash.media.preview import make_poster, make_preview, make_strip

    source, out = media_path(video_id), _asset_folder(video_id) / name
    settings = get_settings()

    def work(watch: Watch) -> Path:
        watch.step("Making a picture" if name.endswith("jpg") else "Making a preview", 0.0)
        if name == "poster.jpg":
            make_poster(source, out, settings=settings)
        elif name == "strip.jpg":
            make_strip(source, out, count=8, height=90, settings=settings)
        else:
            make_preview(source, out, settings=settings)
        return out

    return tasks().start(("asset", name, video_id, str(out)), work, again=again)


def poster(video_id: str) -> Path | None:
    """The poster; None while it is being made, and where none could be made."""
    path = asset(video_id, "poster.jpg")
    if path is None:
        make_asset(video_id, "poster.jpg")
    return path


def poster_pending(video_id: str) -> bool:
    out = _asset_folder(video_id) / "poster.jpg"
    task = tasks().get(("asset", "poster.jpg", video_id, str(out)))
    return task is not None and not task.ended
