"""One writer per data folder: an advisory lock that the kernel frees when its holder dies."""

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

from visil_dash.errors import NotFound, StoreError
from visil_dash.library.catalogue import CATALOGUE_NAME
from visil_dash.library.postgres.marker import MARKER_NAME

_OURS = {CATALOGUE_NAME, MARKER_NAME, "writer.lock"}  # files that mark a folder as a library


class WriterLock:
    """Exclusive `flock` on a file, held from `acquire` to `release` or the end of the process.

    The file's text (process number, start) is for people; only the kernel's lock decides.
    A child made by a bare fork shares the lock: start children with exec.

    Not filelock's: it makes a folder that is missing, answers "held by another" where the file
    cannot be made at all (under /proc), and hooks into every fork of the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> bool:
        """True when this object holds the lock afterwards; never waits.

        Raises OSError where there is no such folder, no such locks, or the file is a link.
        """
        if self._fd is not None:
            return True
        # A link is not followed: its target would be cut to the holder's text.
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._fd = fd
        about = f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        with contextlib.suppress(OSError):  # a full disk: the lock holds without the text
            os.ftruncate(fd, 0)
            os.write(fd, about.encode())
        return True

    def holder(self) -> str:
        """What the holder wrote about itself; empty when unknown."""
        try:
            return self._path.read_text(errors="replace")[:100]
        except OSError:
            return ""

    def release(self) -> None:
        if self._fd is not None:
            # Closing alone leaves it with a child that is between fork and exec at this moment.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None


def require_library(folder: Path) -> None:
    """Raises NotFound unless `folder` holds a library; makes nothing."""
    if not any((folder / name).is_file() for name in _OURS):
        raise NotFound(
            f"{folder}: no library here. Check --library and VISIL_DASH_LIBRARY, or make one by"
            " adding videos: python -m visil_dash add PATH"
        )


def writer_lock(folder: Path) -> tuple[WriterLock | None, str]:
    """The held lock, or None and the reason; makes the folder.

    Raises StoreError for a folder that is not a library.
    """
    lock = WriterLock(folder / "writer.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = {path.name for path in folder.iterdir()}
        if inside and not inside & _OURS:
            raise StoreError(
                f"{folder}: is not empty and not a library. Name a new or empty folder."
            )
        held = lock.acquire()
    except NotADirectoryError as error:
        raise StoreError(f"{folder}: is not a folder. Name a new or empty folder.") from error
    except OSError as error:
        reason = f"the folder cannot be written ({error.strerror})."
        return None, f"{reason} Make it writable and open the library again to change it."
    if held:
        return lock, ""
    return None, (
        f"another visil_dash ({lock.holder()}) is its writer. Make changes there, or close it and "
        "open this one again."
    )
