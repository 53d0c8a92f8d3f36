"""New and changed files of watched folders, each once it has stopped changing."""

from collections.abc import Sequence
from pathlib import Path

from visil_dash.media.files import video_files

_Seen = tuple[int, int]  # bytes, time of the last change in ns


class FolderWatch:
    """Looks at folders again and again. A file is ready when two looks find it the same: one that
    is still being copied is left until the next look."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """What lies there now counts as given."""
        self._paths = paths
        self._given = self._last = _found(paths)

    def look(self) -> tuple[list[Path], list[Path]]:
        """The files that are new or changed and ready, and those that are gone since they were
        given."""
        now = _found(self._paths)
        ready = [p for p, s in now.items() if self._last.get(p) == s and self._given.get(p) != s]
        gone = [path for path in self._given if path not in now]
        self._last = now
        kept = {path: seen for path, seen in self._given.items() if path in now}
        self._given = kept | {path: now[path] for path in ready}
        return ready, gone


def _found(paths: Sequence[Path]) -> dict[Path, _Seen]:
    seen: dict[Path, _Seen] = {}
    for path in video_files(paths):
        try:
            status = path.lstat()
        except OSError:
            continue  # it went while the folder was read
        seen[path] = status.st_size, status.st_mtime_ns
    return seen
