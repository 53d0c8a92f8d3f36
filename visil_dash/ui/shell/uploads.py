"""Query clips: on disk at once, private to their owner, gone soon after the owner has left.

An owner is a browser, or a session where browsers cannot be told apart.

    <temporary folder>/visil_dash-<user>/<random>/lock          held while this process lives
    <temporary folder>/visil_dash-<user>/<random>/<sha256>/original

A clip is stored once, by its content, and belongs to the owners that added it; it is deleted when
the last of them has left. Folders whose process died are deleted at the next start.
"""

import hashlib
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol

from visil_dash.errors import InputError
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.settings import Settings
from visil_dash.ui.shell.text import safe_name, size

_CHUNK = 1 << 20
GRACE_SECONDS = 120.0  # a tab that lost its connection keeps its clips for this long
_SWEEP_SECONDS = 20.0
_DELETED_KEPT = 1000  # deleted clips that are remembered, to say so to those who ask for them
_FRESH_SECONDS = 60.0  # a younger folder without a lock may still be under construction


class Readable(Protocol):
    """A source of bytes: an upload or a file."""

    def read(self, count: int, /) -> bytes: ...


@dataclass(frozen=True)
class SessionClip:
    """A clip of an owner; `query_id` is the sha256 of its bytes."""

    query_id: str
    name: str
    path: Path
    bytes: int


class Clips:
    """Clips by owner.

    `alive(owner)`: whether it is connected. `gone(query_id)` is called for every deleted clip,
    `ended(owner)` once for every owner that has been away for GRACE_SECONDS.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        alive: Callable[[str], bool],
        gone: Callable[[str], None],
        ended: Callable[[str], None] = lambda _owner: None,
        root: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._alive, self._gone, self._ended = alive, gone, ended
        self._clock = clock
        self._root = root or Path(tempfile.gettempdir()) / f"visil_dash-{os.getuid()}"
        self._clips: dict[str, dict[str, SessionClip]] = {}
        self._seen: dict[str, float] = {}
        self._deleted: deque[tuple[str, str]] = deque(maxlen=_DELETED_KEPT)  # (owner, query id)
        self._lock = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._root.is_symlink() or self._root.stat().st_uid != os.getuid():
            raise InputError(
                str(self._root),
                "the folder for query clips belongs to another user",
                "remove it, or set TMPDIR to a folder of your own",
            )
        sweep_dead(self._root)
        self.folder, self._held = _own_folder(self._root)
        # Room for pictures of library videos where the library itself is read-only.
        self.pictures = self.folder / "pictures"

    def take(self, owner: str, source: Readable, *, name: str) -> SessionClip:
        """Streams `source` to disk as a clip of the owner.

        Raises InputError for an empty or too large file, too many clips or a full disk; nothing
        of the file is kept then.
        """
        shown = safe_name(name)
        incoming = self.folder / secrets.token_hex(16)
        incoming.mkdir(mode=0o700)
        path = incoming / "original"
        try:
            digest, count = write_upload(
                source,
                path,
                name=shown,
                settings=self._settings,
                room=self._settings.session_bytes - self.used(owner),
            )
            with self._lock:
                final = self.folder / digest
                if final.exists():
                    shutil.rmtree(incoming)
                else:
                    incoming.rename(final)
                clip = SessionClip(digest, shown, final / "original", count)
                self._clips.setdefault(owner, {})[digest] = clip
                self._seen[owner] = self._clock()
            return clip
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise

    def of(self, owner: str) -> tuple[SessionClip, ...]:
        """The owner's clips, newest first."""
        with self._lock:
            return tuple(reversed(self._clips.get(owner, {}).values()))

    def was_deleted(self, owner: str, beginning: str) -> bool:
        """Whether the owner had a clip whose id begins so, and it was deleted."""
        with self._lock:
            return any(o == owner and q.startswith(beginning) for o, q in self._deleted)

    def used(self, owner: str) -> int:
        return sum(clip.bytes for clip in self.of(owner))

    def drop(self, owner: str, query_id: str) -> None:
        """Removes the clip from the owner; deletes its bytes unless another owner has it."""
        with self._lock:
            clip = self._clips.get(owner, {}).pop(query_id, None)
            held = any(query_id in clips for clips in self._clips.values())
            if clip is not None:
                self._deleted.append((owner, query_id))
            if clip is None or held:
                return
            shutil.rmtree(clip.path.parent, ignore_errors=True)
        self._gone(query_id)

    def sweep(self) -> None:
        """Drops the clips of owners that have been away for longer than the grace."""
        now = self._clock()
        with self._lock:
            owners = list(self._clips)
        for owner in owners:
            if self._alive(owner):
                self._seen[owner] = now
            elif now - self._seen.get(owner, now) >= GRACE_SECONDS:
                for clip in self.of(owner):
                    self.drop(owner, clip.query_id)
                with self._lock:
                    self._clips.pop(owner, None)
                    self._seen.pop(owner, None)
                self._ended(owner)

    def start(self) -> None:
        """Sweeps every _SWEEP_SECONDS until `close`."""

        def run() -> None:
            while not self._stop.wait(_SWEEP_SECONDS):
                try:
                    self.sweep()
                except Exception:  # a dead sweeper would keep clips for ever
                    logging.getLogger(__name__).exception("query clips could not be swept")

        self._thread = Thread(target=run, name="visil_dash-sweeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._held.release()


def write_upload(
    source: Readable, path: Path, *, name: str, settings: Settings, room: int | None = None
) -> tuple[str, int]:
    """Streams an upload to a new file: its sha256 and size. `room`: bytes left to the session.

    Raises InputError for an empty file and one over a limit; the caller removes the partial file.
    """
    digest, count = hashlib.sha256(), 0
    with path.open("xb") as out:
        while chunk := source.read(_CHUNK):
            count += len(chunk)
            if count > settings.most_copied:
                most = size(settings.most_copied)
                raise InputError(name, f"it is larger than {most}", "cut or re-encode it")
            if room is not None and count > room:
                raise InputError(
                    name,
                    f"the clips of one session may take up {size(settings.session_bytes)} in total",
                    "remove a clip that you no longer need",
                )
            free = shutil.disk_usage(path.parent).free
            if free - len(chunk) < settings.min_free_bytes:
                raise InputError(
                    name,
                    f"the disk is nearly full ({size(free)} free)",
                    "free some space and upload it again",
                )
            digest.update(chunk)
            out.write(chunk)
    if not count:
        raise InputError(name, "it is empty", "check the file and upload it again")
    return digest.hexdigest(), count


def _own_folder(root: Path) -> tuple[Path, WriterLock]:
    while True:
        folder = root / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        lock = WriterLock(folder / "lock")
        # Another process may sweep between the two lines above; then a new folder is made.
        if lock.acquire() and folder.is_dir():
            return folder, lock


def sweep_dead(root: Path) -> None:
    """Deletes the folders under `root` whose process no longer holds their lock."""
    for folder in root.iterdir():
        if folder.is_symlink() or not folder.is_dir():
            continue
        lock = WriterLock(folder / "lock")
        try:
            fresh = time.time() - folder.stat().st_mtime < _FRESH_SECONDS
            if not (folder / "lock").exists() and fresh:
                continue
            if lock.acquire():
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # already gone
        finally:
            lock.release()
