"""Request bodies on their way to disk, and the query clips that callers sent."""

import secrets
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Lock

from visil_dash.errors import InputError
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import QueryClip


async def write_body(body: AsyncIterator[bytes], target: Path, *, name: str, most: int) -> int:
    """Writes the body to a new file and returns its bytes. Raises InputError above `most`."""
    size = 0
    with target.open("xb") as file:
        async for chunk in body:
            size += len(chunk)
            if size > most:
                raise InputError(name, f"is larger than the limit of {most} bytes", "cut it")
            file.write(chunk)
    return size


class SentClips:
    """Query clips in a folder of their own: the last ones within a limit, gone with the server.

    Safe to share between threads.
    """

    def __init__(self, bench: Workbench, settings: Settings) -> None:
        self._bench, self._most = bench, settings.session_bytes
        self._folder = Path(tempfile.mkdtemp(prefix="visil-dash-clips-"))
        self._kept: OrderedDict[str, tuple[Path, int]] = OrderedDict()
        self._lock = Lock()

    def place(self) -> Path:
        """A new file's path."""
        return self._folder / secrets.token_hex(12)

    def open(self, path: Path, *, name: str) -> QueryClip:
        """The clip at a path from `place`. Raises MediaRefused; the file is deleted then."""
        size = path.stat().st_size
        try:
            clip = self._bench.open_clip(path, name=name)
        except BaseException:
            path.unlink()
            raise
        with self._lock:
            if clip.query_id in self._kept:  # the clip is read from the file that came first
                path.unlink()
            else:
                self._kept[clip.query_id] = path, size
            self._kept.move_to_end(clip.query_id)
            self._drop_oldest()
        return clip

    def _drop_oldest(self) -> None:
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._most:
            query_id, (path, _) = self._kept.popitem(last=False)
            self._bench.forget_clip(query_id)
            path.unlink(missing_ok=True)

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
