"""The workbench, the clips of this browser and the running tasks, each cached.

Keys are ids, the extractor and the version of the frame space, never objects; the objects are
fetched inside. Query clips belong to a browser: every function here that takes an id first checks
that this browser may see it.
"""

import gc
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from visil_dash.errors import NotFound
from visil_dash.framing.views import BY_KEY, QueryRef
from visil_dash.progress import Watch
from visil_dash.records import JobRecord, MediaInfo, SearchResult, VideoRecord
from visil_dash.safekeeping.memory import keep_memory_small
from visil_dash.settings import Settings, get_settings
from visil_dash.ui.shell import state
from visil_dash.ui.shell.tasks import Task, Tasks
from visil_dash.ui.shell.uploads import Clips, Readable, SessionClip, write_upload

if TYPE_CHECKING:  # importing services takes seconds (torch, the index): only when it is needed
    from visil_dash.candidates.thresholds import QueryDistances
    from visil_dash.library.jobs import Worker
    from visil_dash.workbench.bench import Workbench
    from visil_dash.workbench.clips import QueryClip


# ---- the workbench ----


def _close(bench: "Workbench") -> None:
    from visil_dash.workbench.beside import close_beside

    if bench in open_benches:
        open_benches.remove(bench)
    close_beside(bench, open_benches)


# A library stays open for its sessions. Closing it frees its writer's lock.
@st.cache_resource(max_entries=16, show_spinner="Opening the library…", on_release=_close)
def _workbench(library: str, model: str) -> "Workbench":
    from visil_dash.workbench.beside import open_beside

    keep_memory_small()
    # Two sessions that open one library with two models share it: one waits for the other.
    with _opening:
        bench = open_beside(
            open_benches, settings=get_settings(), library=Path(library), model=model
        )
        open_benches.append(bench)
    # Streamlit collects garbage after every run of a script, and a page that shows progress runs
    # twice a second. Scanning the objects of the imports and the model took 155 ms each time,
    # during which no task progressed.
    gc.freeze()
    return bench


def settings_in_use() -> Settings:
    return get_settings()


# The sweeper's thread has no session from which to get the workbench, so all open ones are here.
open_benches: "list[Workbench]" = []
_opening = Lock()


def library_folder(name: str) -> Path:
    """The library's folder: the main one's for an empty name, else one in the folder of libraries.

    Raises NotFound. Names come from addresses: none leads out of that folder or through a link.
    """
    settings = get_settings()
    if not name:
        return settings.library.absolute()
    folder = settings.libraries.absolute() / name
    inside = Path(name).name == name and not name.startswith(".") and "\0" not in name
    if not inside or folder.is_symlink() or not folder.is_dir():
        raise NotFound(f"{name[:60]}: there is no library of this name.")
    return folder


def library_name(folder: Path) -> str:
    """The name under which the library in `folder` stands in addresses."""
    return "" if folder == get_settings().library.absolute() else folder.name


def model_in_use() -> str:
    """The name of the model that this session chose, else that of the settings."""
    return st.session_state.get(state.MODEL) or get_settings().model


def _chosen() -> tuple[str, str]:
    name = st.session_state.get(state.LIBRARY) or ""
    return str(library_folder(name)), model_in_use()


def workbench(model: str = "") -> "Workbench":
    """The workbench of the library and model in use, opened once for all sessions.

    `model`: name of another model, for a look beside the one in use.
    """
    folder, in_use = _chosen()
    return _workbench(folder, model or in_use)


def close_workbenches(model: str) -> None:
    """Closes the open workbenches of a model whose weights were replaced."""
    for bench in tuple(open_benches):
        if bench.model.name == model:
            _workbench.clear(str(bench.library.folder), model)


def open_again() -> None:
    """Closes the library in use with all its models; the next look opens it, to write if it can."""
    folder, in_use = _chosen()
    for model in {in_use, *(bench.model.name for bench in open_benches)}:
        _workbench.clear(folder, model)


def ingest_queue() -> "Worker":
    """The worker that takes files to be added to the library in use."""
    from visil_dash.workbench.beside import queue_of_library

    return queue_of_library(workbench(), open_benches)


def task_scope() -> tuple[str, str]:
    """(folder, extractor) of the library in use, for keys of tasks and caches."""
    bench = workbench()
    return str(bench.library.folder), bench.extractor


# ---- sessions and their clips ----


def session_id() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else "no session"


# Sessions by the owner of their clips. A reload of a page is a new session of the same browser.
_sessions_of: dict[str, set[str]] = {}


def _clip_owner() -> str:
    """Whose clips this session sees: its browser's, so that a reload of a page keeps them.

    Browsers are told apart by the random token that Streamlit keeps in a cookie against forged
    requests: it is in no address, and another browser does not know it.
    """
    session = session_id()
    cookie = st.context.cookies.get(XSRF_COOKIE_NAME, "") if Runtime.exists() else ""
    token, _ = decode_xsrf_token_string(cookie)
    known = token is not None and len(token) >= 16
    owner = hashlib.sha256(token).hexdigest() if token is not None and known else session
    _sessions_of.setdefault(owner, set()).add(session)
    return owner


def _alive(owner: str) -> bool:
    # Without a runtime (tests of page files) there is one session, and it is alive.
    return not Runtime.exists() or any(
        Runtime.instance().is_active_session(session)
        for session in tuple(_sessions_of.get(owner, ()))
    )


def _ended(owner: str) -> None:
    # Also ends the sessions for Streamlit, which frees the files that it keeps for a player.
    for session in _sessions_of.pop(owner, ()):
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


@st.cache_resource(max_entries=1, show_spinner=False)
def poster_tasks() -> Tasks:
    """Apart from the others: the posters of a large library would keep a search waiting."""
    return Tasks(threads=1, keep=1024)


_forgetters: list[Callable[[str], None]] = []


def on_forget(forget: Callable[[str], None]) -> None:
    """`forget` is called with the id of every clip that is deleted."""
    _forgetters.append(forget)


def _forget(query_id: str) -> None:
    """Removes everything derived from a deleted clip."""
    tasks().forget(query_id)
    poster_tasks().forget(query_id)
    for forget in _forgetters:
        forget(query_id)
    _query_distances.clear()
    for bench in open_benches:
        bench.forget_clip(query_id)


def session_clips() -> tuple[SessionClip, ...]:
    """The clips of this browser, newest first."""
    return clip_store().of(_clip_owner())


def was_deleted(beginning: str) -> bool:
    """Whether `beginning` begins the id of a clip that this browser had and that was deleted."""
    return clip_store().was_deleted(_clip_owner(), beginning)


def clip_taker() -> Callable[[Readable, str], SessionClip]:
    """A function that stores a file as this browser's clip, from any thread; raises InputError."""
    clips, owner = clip_store(), _clip_owner()
    return lambda source, name: clips.take(owner, source, name=name)


def add_upload(source: Readable, *, name: str) -> JobRecord:
    """Writes an upload to the library's folder and queues it. Raises InputError, StoreReadOnly."""
    bench = workbench()
    staged = bench.library.stage(name)
    try:
        write_upload(source, staged, name=name, settings=bench.settings)
    except BaseException:
        bench.library.discard_staged(staged)
        raise
    return ingest_queue().enqueue(staged, name=name, staged=True)


def drop_clip(query_id: str) -> None:
    clip_store().drop(_clip_owner(), query_id)


def session_clip(query_id: str) -> SessionClip | None:
    """The clip with this id, or of which this is the id of a view."""
    base = QueryRef.parse(query_id).base
    return next((clip for clip in session_clips() if clip.query_id == base), None)


@st.cache_resource(max_entries=4, show_spinner=False)
def _videos(library: str, model: str, revision: int) -> dict[str, VideoRecord]:
    return {v.video_id: v for v in _workbench(library, model).videos()}


def library_videos() -> dict[str, VideoRecord]:
    """The library's videos by id, in the order in which they were added. Do not modify it."""
    revision = workbench().library.revision()
    return _videos(*_chosen(), revision)


def library_video(video_id: str) -> VideoRecord | None:
    """The video with this id, or of which this is the id of a view."""
    return library_videos().get(QueryRef.parse(video_id).base)


def name_of(query_id: str) -> str:
    """Name of a library video, a clip of this browser or a view of one; raises NotFound."""
    ref = QueryRef.parse(query_id)
    if ref.view:
        return f"{name_of(ref.base)} ({BY_KEY[ref.view].title})"
    clip = session_clip(query_id)
    if clip is not None:
        return clip.name
    video = library_video(query_id)
    if video is None:
        raise NotFound(
            f"{query_id[:12]}: neither in the library nor among your clips. "
            "Clips are private to a browser and deleted soon after its last tab is closed:"
            " upload it again."
        )
    return video.name


def opened(query_id: str) -> "QueryClip":
    """The clip or library video with its features, if this browser may see it.

    Raises NotFound, also for a clip that is still being read.
    """
    name_of(query_id)
    return workbench().clip(query_id)


def media_path(query_id: str) -> Path:
    clip = session_clip(query_id)
    if clip is not None:
        return clip.path
    name_of(query_id)
    return workbench().library.media_path(QueryRef.parse(query_id).base)


def info_of(query_id: str) -> MediaInfo | None:
    """Facts about the file; None for a clip that has not been read yet."""
    video = library_video(query_id)
    if video is not None:
        return video.info
    try:
        return opened(query_id).info
    except NotFound:
        return None


# ---- tasks ----


def open_clip(clip: SessionClip, *, again: bool = False) -> Task:
    bench = workbench()

    def work(watch: Watch) -> str:
        return bench.open_clip(clip.path, name=clip.name, watch=watch).query_id

    return tasks().start(("clip", *task_scope(), clip.query_id, clip.name), work, again=again)


def reader(query_id: str) -> Callable[[Watch], None]:
    """For use in a task: reads the query if it is a clip that has not been read yet.

    Waits for a clip that another task is reading.
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
    other_shapes: bool = True,
    budget: int | None = None,
    tags: Sequence[str] = (),
    again: bool = False,
) -> Task:
    """Searches for a clip of this browser or a library video; `result` is a SearchResult."""
    bench, read = workbench(), reader(query_id)
    # Errors contain the name, and another session may have the same bytes under another one.
    name = name_of(query_id)
    limit = bench.threshold() if threshold is None else threshold
    chosen = None if limit == bench.default_threshold() else limit  # the default follows
    how: dict[str, Any] = {"exhaustive": exhaustive, "inside": inside, "budget": budget}
    how |= {"other_shapes": other_shapes, "tags": tuple(tags)}

    def work(watch: Watch) -> SearchResult:
        read(watch)
        return bench.search(query_id, threshold=limit, **how, watch=watch)

    def holds(result: SearchResult) -> bool:
        return {match.video_id for match in result.matches} <= {v.video_id for v in bench.videos()}

    question = ("search", *task_scope(), query_id, name, chosen, *how.values())
    among = tags and [v.video_id for v in bench.videos() if {*tags} <= {*v.tags}]
    present = bench.space.version, limit, *among
    return tasks().answer(question, present, work, holds=holds, again=again)


# ---- results of one query ----


def with_verdicts(result: SearchResult) -> SearchResult:
    """The result with a verdict on each match, by the library's current match score."""
    return workbench().judged(result)


@st.cache_resource(max_entries=4, show_spinner="Measuring distances…")
def _query_distances(
    library: str, model: str, extractor: str, version: int, query_id: str
) -> "QueryDistances":
    return _workbench(library, model).query_distances(query_id)


def query_distances(query_id: str) -> "QueryDistances":
    """Do not write into its arrays: they are shared by all sessions."""
    name_of(query_id)
    bench = workbench()
    return _query_distances(*_chosen(), bench.extractor, bench.space.version, query_id)
