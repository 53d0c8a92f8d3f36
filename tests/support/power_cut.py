"""What a disk would hold after a power cut: only what was flushed, by file and by folder.

`Disk.watch` sees every fsync of this process. A file has the bytes of its last flush (a torn part
of them where it was never flushed), a folder the entries of its last flush. SQLite flushes in C,
out of sight: its committed transactions are believed, and behind them the log gets a torn end that
no commit covers. The library's own folder counts as flushed, as SQLite flushes it with its log.
"""

import os
import random
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

_FSYNC = os.fsync


class Disk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[int, bytes] = {}  # by inode: the flushed bytes
        self._folders: dict[Path, dict[str, int]] = {}  # by path: the flushed entries

    @contextmanager
    def watch(self) -> Iterator[None]:
        with patch("os.fsync", self._fsync):
            yield

    def _fsync(self, fd: int) -> None:
        _FSYNC(fd)
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if not path.is_relative_to(self._root):
            return
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            self._folders[path] = {p.name: p.lstat().st_ino for p in path.iterdir()}
        else:
            self._files[status.st_ino] = path.read_bytes()

    def cut(self, target: Path, seeded: random.Random) -> None:
        """The library as the next start would find it."""
        target.mkdir()
        self._copy(self._root, target, seeded)

    def _copy(self, source: Path, target: Path, seeded: random.Random) -> None:
        flushed = None if source == self._root else self._folders.get(source, {})
        for path in sorted(source.iterdir()):
            inode = path.lstat().st_ino
            if flushed is not None and flushed.get(path.name) != inode and not path.is_dir():
                continue  # the entry never reached the disk
            if flushed is not None and path.is_dir() and path.name not in flushed:
                continue
            if path.is_dir():
                (target / path.name).mkdir()
                self._copy(path, target / path.name, seeded)
            else:
                (target / path.name).write_bytes(self._bytes(path, inode, seeded))
        gone = {} if flushed is None else flushed
        for name, inode in gone.items():  # deleted or replaced since, but not on the disk
            if not (target / name).exists() and inode in self._files:
                (target / name).write_bytes(self._files[inode])

    def _bytes(self, path: Path, inode: int, seeded: random.Random) -> bytes:
        if path.name.startswith("catalogue.db"):
            data = path.read_bytes()
            if path.name.endswith("-shm"):
                return b""
            # A torn frame at the end, as of a transaction that did not commit.
            return data + data[-4120:][: seeded.randrange(4000)] if "-wal" in path.name else data
        if inode in self._files:
            return self._files[inode]
        data = path.read_bytes()
        return data[: seeded.randrange(len(data) + 1)]
