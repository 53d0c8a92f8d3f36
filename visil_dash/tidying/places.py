"""Where the files of a library lie: each as it was, changed, gone, back, or moved elsewhere.

Of a file that was copied the library holds the bytes, so nothing depends on its place. A file in
place is the video's only one: what is seen of it is kept, so that what comes back is noticed, and
one that moved is used where it lies now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from visil_dash.errors import MediaRefused, NotFound
from visil_dash.library.in_place.rows import FileInPlace, Stamp, stamp_at
from visil_dash.library.paths import path_of
from visil_dash.library.store import Library
from visil_dash.media.files import video_files
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import VideoRecord


class PlaceState(StrEnum):
    SAME = "same"  # the very bytes that were added
    CHANGED = "changed"  # another file lies there now
    MISSING = "missing"  # nothing lies there
    MOVED = "moved"  # nothing lies there, and the bytes lie elsewhere in the folders searched
    BACK = "back"  # the very bytes again, where something else or nothing was seen


@dataclass(frozen=True)
class Place:
    """`path`: where the video was added from. `now`: where it lies instead, if it `moved`;
    `followed`: it is used there from now on."""

    video: VideoRecord
    path: Path
    state: PlaceState
    now: Path | None = None
    in_place: bool = False
    followed: bool = False

    @property
    def well(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.followed or self.state in (PlaceState.SAME, PlaceState.BACK)


def places_of(
    library: Library,
    folders: Iterable[Path] = (),
    *,
    only_in_place: bool = False,
    anew: bool = False,
    watch: Watch = UNWATCHED,
) -> Iterator[Place]:
    """Every place of a video, each reported when it was looked at.

    Files of the size of a missing video are looked through in `folders`; those that are another
    place of a video are not taken for moved ones. Files in place are read if the file system shows
    a change, or `anew`; a writer keeps what was seen of them. Raises Cancelled.
    """
    videos = library.videos()
    outside = {(file.video_id, file.path): file for file in library.in_place.all()}
    listed = [
        (video, path, outside.get((video.video_id, path)))
        for video in videos
        for path in map(path_of, video.places)
        if not only_in_place or (video.video_id, path) in outside
    ]
    elsewhere = _Elsewhere(library, folders, {path for _, path, _ in listed})
    for number, (video, path, file) in enumerate(listed):
        watch.count("Looking at the files", number, len(listed))
        try:
            if file is not None:
                yield _in_place(library, video, file, elsewhere, anew=anew, watch=watch)
                continue
            stamp = stamp_at(path)
            if stamp is None:
                now = elsewhere.of(video)
                state = PlaceState.MISSING if now is None else PlaceState.MOVED
                yield Place(video, path, state, None if now is None else now[0])
            else:
                same = stamp.bytes == video.bytes and _holds(library, path, video)
                yield Place(video, path, PlaceState.SAME if same else PlaceState.CHANGED)
        except NotFound:
            continue  # it was removed meanwhile


class _Elsewhere:
    """The files of some folders in which nothing of the library was known to lie, by size."""

    def __init__(self, library: Library, folders: Iterable[Path], known: set[Path]) -> None:
        self._library = library
        self._by_size: dict[int, list[Path]] = {}
        for path in (path.absolute() for path in video_files(folders)):
            stamp = stamp_at(path)
            if path not in known and stamp is not None:
                self._by_size.setdefault(stamp.bytes, []).append(path)

    def of(self, video: VideoRecord) -> tuple[Path, Stamp] | None:
        """A file with the video's bytes, and its stamp."""
        for path in self._by_size.get(video.bytes, ()):
            try:
                digest, stamp = self._library.in_place.hashed(path)
            except MediaRefused:
                continue
            if digest == video.video_id:
                return path, stamp
        return None


def _in_place(
    library: Library,
    video: VideoRecord,
    file: FileInPlace,
    elsewhere: _Elsewhere,
    *,
    anew: bool,
    watch: Watch,
) -> Place:
    if library.in_place.holds(file, anew=anew, watch=watch):
        state = PlaceState.SAME if file.seen == PlaceState.SAME else PlaceState.BACK
        stamp = library.in_place.hashed(file.path)[1] if stamp_at(file.path) != file.stamp else None
        _note(library, file, replace(file, seen="same", stamp=stamp or file.stamp))
        return Place(video, file.path, state, in_place=True)
    if stamp_at(file.path) is not None:
        _note(library, file, replace(file, seen="changed"))
        return Place(video, file.path, PlaceState.CHANGED, in_place=True)
    found = elsewhere.of(video)
    if found is None:
        _note(library, file, replace(file, seen="missing"))
        return Place(video, file.path, PlaceState.MISSING, in_place=True)
    now, stamp = found
    moved = FileInPlace(video.video_id, now, stamp)
    _note(library, file, moved)
    followed = not library.read_only
    return Place(video, file.path, PlaceState.MOVED, now, in_place=True, followed=followed)


def _note(library: Library, was: FileInPlace, file: FileInPlace) -> None:
    """A viewer sees the same, and keeps nothing."""
    if not library.read_only and file != was:
        library.note_in_place(file, moved_from=was.path if was.path != file.path else None)


def _holds(library: Library, path: Path, video: VideoRecord) -> bool:
    try:
        return library.in_place.hashed(path)[0] == video.video_id
    except MediaRefused:
        return False
