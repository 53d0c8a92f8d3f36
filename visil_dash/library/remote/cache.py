"""The files of a library's folder that its store holds too, within a budget of bytes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger(__name__)
_TO = 0.9  # of the budget that is left after a clearing, so that not every file causes one
# For which a media file stays whose path was handed out: a player or a proof may still open it. One
# that another process fetched just now is spared for a tenth of that.
_IN_USE_SECONDS = 600.0
_LEFT_OVER_SECONDS = 3600.0  # age of a file half fetched, by a process that has ended since


@dataclass(frozen=True)
class _Held:
    path: Path
    bytes: int
    used: float  # seconds since the epoch


class Cache:
    """Safe to share between threads; other processes may use the same folder.

    `free`: bytes of disk that may still be taken. `stored`: whether the store holds this file, so
    that it may be deleted here. Evicts what this process has not used for the longest time; of what
    it never used, the file system's time of the last reading counts.
    """

    def __init__(
        self,
        folder: Path,
        budget: int,
        *,
        free: Callable[[], int],
        stored: Callable[[Path], bool],
        spare_media_seconds: float = _IN_USE_SECONDS,
    ) -> None:
        self._folder, self._budget = folder, budget
        self._free, self._stored = free, stored
        self.spare_media_seconds = spare_media_seconds
        self._used: dict[Path, float] = {}
        self._handed_out: dict[Path, float] = {}
        self._bytes: int | None = None  # as far as this process knows
        self._lock = threading.Lock()

    def used(self, path: Path, *, handed_out: bool = False) -> None:
        self._used[path] = time.time()
        if handed_out:
            self._handed_out[path] = time.time()

    def added(self, path: Path, size: int) -> None:
        self.used(path)
        with self._lock:
            if self._bytes is not None:
                self._bytes += size

    def held_bytes(self) -> int:
        """Bytes of media and features that lie here, counted now."""
        return sum(file.bytes for file in self._files())

    def make_room(self, need: int = 0) -> None:
        """Deletes what was used least recently until `need` bytes more keep to the budget, and to
        the disk that is free. What the store does not hold, and media in use, stays."""
        with self._lock:
            if self._bytes is None:
                self._bytes = self.held_bytes()
            if not self._excess(self._bytes, need):
                return
            files = sorted(self._files(), key=lambda file: file.used)
            self._bytes = sum(file.bytes for file in files)
            excess = self._excess(self._bytes, need)
            if not excess:
                return
            excess += int((1 - _TO) * self._budget)
            for file in files:
                if excess <= 0:
                    break
                if self._is_in_use(file) or not self._stored(file.path):
                    continue
                file.path.unlink(missing_ok=True)
                self._used.pop(file.path, None)
                self._handed_out.pop(file.path, None)
                self._bytes -= file.bytes
                excess -= file.bytes
                _LOG.info("evicted from the cache", extra={"facts": {"bytes": file.bytes}})

    def _excess(self, held: int, need: int) -> int:
        over = held + need - self._budget if self._budget else 0
        return max(over, need - self._free(), 0)

    def _is_in_use(self, file: _Held) -> bool:
        if file.path.name != "original":
            return False  # features are read at once, and fetched again where they are gone
        handed_out = self._handed_out.get(file.path, 0.0)
        since = min(time.time() - handed_out, 10 * (time.time() - file.used))
        return since < self.spare_media_seconds

    def _files(self) -> Iterator[_Held]:
        for pattern in ("media/*/original", "features/*/*.safetensors"):
            for path in self._folder.glob(pattern):
                try:
                    seen = path.stat()
                except FileNotFoundError:  # evicted by another process
                    continue
                read = max(seen.st_atime, seen.st_mtime)
                yield _Held(path, seen.st_size, self._used.get(path, read))

    def sweep(self) -> None:
        """Deletes files half fetched by processes that are gone."""
        for pattern in ("media/*/.*.tmp", "features/*/.*.tmp", "reductions/*/.*.tmp"):
            for path in self._folder.glob(pattern):
                try:
                    if time.time() - path.stat().st_mtime > _LEFT_OVER_SECONDS:
                        path.unlink()
                except FileNotFoundError:
                    continue
