"""Pictures of videos and clips, and copies that browsers play: made once and stored."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from visil_dash.errors import StoreAway, VisilDashError
from visil_dash.framing.views import QueryRef
from visil_dash.progress import Watch
from visil_dash.records import Array
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.runs import arrived
from visil_dash.ui.shell.tasks import Task

_POSTER = "poster.jpg"


@st.cache_data(max_entries=64, show_spinner=False, scope="session")
def _pictures_at(
    scope: tuple[str, str], query_id: str, times: tuple[float, ...], long_side: int
) -> list[Array]:
    from visil_dash.workbench.pictures import pictures_of

    return pictures_of(backend.workbench(), query_id, times, long_side=long_side)


def pictures_at(query_id: str, times: Sequence[float], long_side: int = 640) -> list[Array]:
    """Pictures as displayed at these times, uint8 RGB."""
    backend.name_of(query_id)
    return _pictures_at(backend.task_scope(), query_id, tuple(float(t) for t in times), long_side)


@st.cache_data(max_entries=512, show_spinner=False)
def _digest(path: str, modified: int, size: int) -> str:
    from visil_dash.media.files import content_hash

    return content_hash(Path(path))


def file_digest(path: Path) -> str:
    status = path.stat()
    return _digest(str(path), status.st_mtime_ns, status.st_size)


def _asset_folder(video_id: str) -> Path:
    """Where pictures of a video are stored: beside it, or apart when the library is read-only."""
    clip = backend.session_clip(video_id)
    if clip is not None:
        return clip.path.parent
    library = backend.workbench().library
    folder = backend.clip_store().pictures / video_id
    if not library.read_only:
        folder = library.asset(video_id, _POSTER).parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stored_asset(video_id: str, name: str) -> Path | None:
    """poster.jpg, strip.jpg or preview.mp4 of a video or clip; None while there is none."""
    places = [_asset_folder(video_id) / name]
    if backend.session_clip(video_id) is None:
        places.append(backend.workbench().library.asset(video_id, name))
    return next((path for path in places if path.is_file() and path.stat().st_size), None)


def make_asset(video_id: str, name: str) -> Task:
    """Makes the picture or preview in the background; the task's result is its path, its error that
    the video's file is gone or altered."""
    from visil_dash.media.preview import make_poster, make_preview, make_strip

    backend.name_of(video_id)
    clip, out = backend.session_clip(video_id), _asset_folder(video_id) / name
    library, settings = backend.workbench().library, backend.workbench().settings
    base = QueryRef.parse(video_id).base

    def work(watch: Watch) -> Path:
        watch.step("Making a picture" if name.endswith("jpg") else "Making a preview", 0.0)
        source = library.media_path(base) if clip is None else clip.path
        if name == _POSTER:
            make_poster(source, out, settings=settings)
        elif name == "strip.jpg":
            make_strip(source, out, count=8, height=90, settings=settings)
        else:
            make_preview(source, out, settings=settings)
        try:
            if clip is None:  # a file in place may have been altered while it was read
                library.media_path(base)
        except VisilDashError:
            out.unlink(missing_ok=True)
            raise
        return out

    pool = backend.poster_tasks() if name == _POSTER else backend.tasks()
    key = ("asset", name, video_id, str(out))
    known = pool.get(key)
    away = known is not None and isinstance(known.error, StoreAway)
    return pool.start(key, work, again=away and name == _POSTER)  # a card asks for it again


class Poster(NamedTuple):
    """`path` None while it is `coming`, and where none could be made."""

    path: Path | None
    coming: bool = False


def poster(video_id: str, *, together: bool = False) -> Poster:
    """The poster, made where there is none. The page is drawn again when it has come; `together`:
    with all others."""
    path = stored_asset(video_id, _POSTER)
    if path is not None:
        return Poster(path)
    if not arrived(make_asset(video_id, _POSTER), together=together):
        return Poster(None, coming=True)
    return Poster(stored_asset(video_id, _POSTER))


def tiny_picture(video_id: str, *, side: int = 96) -> str:
    """The poster as a data: address for a figure; empty while there is none."""
    path = poster(video_id, together=True).path
    return "" if path is None else _tiny(str(path), path.stat().st_mtime_ns, side)


@st.cache_data(max_entries=2048, show_spinner=False)
def _tiny(path: str, modified: int, side: int) -> str:
    from visil_dash.media.preview import smaller_jpeg

    data = smaller_jpeg(Path(path), side)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else ""
