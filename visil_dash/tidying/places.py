"""Where the files of a library lie: each as it was, changed, gone, or moved to another folder.

The library keeps copies, so nothing of it depends on these files; this tells which of them still
stand for its videos.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from visil_dash.library.blobs import sha256_file
from visil_dash.library.paths import path_of
from visil_dash.media.files import video_files
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import VideoRecord


class PlaceState(StrEnum):
    SAME = "same"  # the very bytes that were added
    CHANGED = "changed"  # another file lies there now
    MISSING = "missing"  # nothing lies there
    MOVED = "moved"  # nothing lies there, and the bytes lie elsewhere in the folders searched


@dataclass(frozen=True)
class Place:
    """`path`: where the video was added from. `now`: where it lies instead, if it `moved`."""

    video: VideoRecord
    path: Path
    state: PlaceState
    now: Path | None = None


def places_of(
    videos: Iterable[VideoRecord], folders: Iterable[Path] = (), *, watch: Watch = UNWATCHED
) -> Iterator[Place]:
    """Every place that a video was added from, each reported when it was read.

    Files of the size of a missing video are looked through in `folders`; those that a library video
    was added from are not taken for moved ones. Raises Cancelled.
    """
    listed = [(video, path_of(place)) for video in videos for place in video.places]
    by_size = _by_size(folders, {path for _, path in listed})
    for number, (video, path) in enumerate(listed):
        watch.count("Looking at the files", number, len(listed))
        if path.is_symlink() or not path.is_file():
            now = next((p for p in by_size.get(video.bytes, ()) if _holds(p, video)), None)
            state = PlaceState.MISSING if now is None else PlaceState.MOVED
            yield Place(video, path, state, now)
        else:
            yield Place(video, path, PlaceState.SAME if _holds(path, video) else PlaceState.CHANGED)


def _by_size(folders: Iterable[Path], known: set[Path]) -> dict[int, list[Path]]:
    """The files in the folders that no video was added from, by their bytes."""
    found: dict[int, list[Path]] = {}
    for path in (path.absolute() for path in video_files(folders)):
        if path not in known and path.is_file() and not path.is_symlink():
            found.setdefault(path.stat().st_size, []).append(path)
    return found


def _holds(path: Path, video: VideoRecord) -> bool:
    """Whether the file has the video's bytes; one of another size is not read."""
    return path.stat().st_size == video.bytes and sha256_file(path)[0] == video.video_id
