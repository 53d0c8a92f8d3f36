"""Whether files in place still hold the bytes of their videos, read as seldom as is safe."""

import hashlib
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from visil_dash.errors import MediaRefused, StoreDamaged
from visil_dash.library.catalogue import Catalogue
from visil_dash.library.in_place.rows import (
    UNKNOWN,
    FileInPlace,
    Stamp,
    files_in_place,
    stamp_at,
    stamp_of,
)
from visil_dash.library.rereading import SETTLED_SECONDS
from visil_dash.progress import UNWATCHED, Watch

_CHUNK_BYTES = 1 << 20
PUT_BACK = (
    "Put the file back, or show where it lies now: python -m visil_dash places FOLDER. Its"
    " features, labels and names stay."
)


class FilesInPlace:
    """The files in place of one library. Safe to share between threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read: dict[Path, tuple[Stamp, str]] = {}
        self._lock = Lock()

    def all(self, video_id: str | None = None) -> tuple[FileInPlace, ...]:
        with self._catalogue.read() as connection:
            return files_in_place(connection, video_id)

    def changed_among(self, paths: Iterable[Path]) -> list[Path]:
        """Those that are not in place yet, and those whose file was changed since it was read."""
        known = {file.path for file in self.all() if stamp_at(file.path) == file.stamp}
        return [path for path in paths if path.absolute() not in known]

    def path(self, video_id: str) -> Path | None:
        """A file that holds the video's bytes; None where the video has no place.

        Raises StoreDamaged where it has, and none of its files holds them any more.
        """
        files = self.all(video_id)
        for file in files:
            if self.holds(file):
                return file.path
        if not files:
            return None
        raise StoreDamaged(str(files[0].path), self.problem(files[0]), PUT_BACK)

    def holds(self, file: FileInPlace, *, anew: bool = False, watch: Watch = UNWATCHED) -> bool:
        """Whether the very bytes lie there; they are read if the file system shows a change, or
        `anew`. Raises Cancelled."""
        stamp = stamp_at(file.path)
        if stamp is None:
            return False
        if stamp == file.stamp and not anew:
            return True
        if file.stamp.bytes not in (UNKNOWN.bytes, stamp.bytes):
            return False
        try:
            return self.hashed(file.path, anew=anew, watch=watch)[0] == file.video_id
        except MediaRefused:
            return False

    def problem(self, file: FileInPlace) -> str:
        """What is wrong with a file that does not hold its video."""
        if stamp_at(file.path) is None:
            return "the file, which is used where it lies, is gone"
        if not os.access(file.path, os.R_OK):
            return "the file, which is used where it lies, cannot be read"
        return "the file, which is used where it lies, was altered"

    def hashed(
        self, path: Path, *, anew: bool = False, watch: Watch = UNWATCHED
    ) -> tuple[str, Stamp]:
        """sha256 of the bytes, and the stamp by which they are known again.

        Raises MediaRefused for a link, what is no regular file, and one that changes meanwhile;
        Cancelled.
        """
        with self._lock:
            known = self._read.get(path)
        if known is not None and known[0] == stamp_at(path) and not anew:
            return known[1], known[0]
        digest, stamp = _hashed(path, watch)
        # Within one tick of the clock a further write would leave no trace.
        if time.time() - stamp.changed / 1e9 < SETTLED_SECONDS:
            return digest, replace(stamp, inode=UNKNOWN.inode)
        with self._lock:
            self._read[path] = stamp, digest
        return digest, stamp


def _hashed(path: Path, watch: Watch) -> tuple[str, Stamp]:
    name = path.name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else f"it cannot be read ({error.strerror})"
        raise MediaRefused(name, reason, "add the file itself, readable for you") from error
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise MediaRefused(name, "it is not a regular file", "add a video file")
        before, digest, done = stamp_of(status), hashlib.sha256(), 0
        try:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                done += len(chunk)
                watch.count(f"Reading {name}", done, max(done, before.bytes))
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
            raise MediaRefused(name, reason, "check the disk that it lies on") from error
        if stamp_of(os.fstat(fd)) != before:
            reason = "it changed while it was read"
            raise MediaRefused(name, reason, "add it again once it is whole")
    return digest.hexdigest(), before
