"""The objects under one URL: written whole, verified on both ways, retried for a bounded time."""

import hashlib
import logging
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from visil_dash.errors import InputError, StoreAway, StoreDamaged, StoreError
from visil_dash.library.blobs import copy_hashed, fsync_folder, write_atomic, writing
from visil_dash.library.remote.connecting import connected, protocols

_Answer = TypeVar("_Answer")
_LOG = logging.getLogger(__name__)
_TRIES = 4
_READ_BYTES = 16 << 20  # asked for at a time
# Parts of an upload to S3, by which its ETag is known: a smaller file is sent in one piece.
_PART_BYTES = 50 << 20
MEND = "Add the same video again, or repair the library: python -m visil_dash doctor --repair."


@dataclass(frozen=True)
class StoredObject:
    """What a store reports of an object; `etag` is empty where it has none."""

    bytes: int
    etag: str = ""


class ObjectStore:
    """Safe to share between threads. Connects with the first call.

    Every method raises StoreAway where the store does not answer or lets nobody in, once the tries
    are used up; for some seconds after that at once.
    """

    pause_seconds = 0.25  # after the first try; then twice and four times that
    away_seconds = 5.0  # for which a store that did not answer is not asked again

    def __init__(self, url: str, *, seconds: float) -> None:
        self._url, self._seconds = url.rstrip("/"), seconds
        self.name = self._url
        self._opened: tuple[Any, str] | None = None
        self._lock = threading.Lock()
        self._closed_until, self._reason = 0.0, ""

    # -- objects ---------------------------------------------------------------------------

    def put(self, key: str, source: Path | bytes, *, sha256: str) -> None:
        """The object is whole in the store on return. One that is there already stays."""
        size = len(source) if isinstance(source, bytes) else source.stat().st_size

        def upload() -> None:
            if self._is_whole(key, source, sha256, size):
                return
            self._upload(key, source)
            if not self._is_whole(key, source, sha256, size):
                raise OSError("an object arrived altered")

        self._tried(upload, absent_is_failure=True)

    def fetch(self, key: str, target: Path, *, sha256: str) -> None:
        """Writes the object to `target`, flushed. Raises FileNotFoundError where there is none,
        StoreDamaged where its bytes are not those of `sha256`; `target` is deleted then."""
        try:
            for _ in range(2):  # what arrived torn is asked for once more
                if self._tried(lambda: self._download(key, target)) == sha256:
                    return
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        target.unlink(missing_ok=True)
        raise StoreDamaged(f"{self.name}/{key}", "the object was altered in the store", MEND)

    def stat(self, key: str) -> StoredObject | None:
        try:
            return self._tried(lambda: self._stat(key))
        except FileNotFoundError:
            return None

    def hash_of(self, key: str) -> str:
        """sha256 of the bytes that are in the store. Raises FileNotFoundError."""
        return self._tried(lambda: self._hashed(key))

    def remove(self, key: str) -> None:
        """An object that is not there is no error."""
        with suppress(FileNotFoundError):
            self._tried(lambda: self._remove(key))

    def listing(self) -> dict[str, StoredObject]:
        """All objects by key."""

        def listed() -> dict[str, StoredObject]:
            system, root = self._system()
            system.invalidate_cache()
            found = system.find(root, detail=True)
            start = len(root.rstrip("/")) + 1
            return {path[start:]: _described(info) for path, info in found.items()}

        try:
            return self._tried(listed)
        except FileNotFoundError:
            return {}

    def read(self, key: str) -> bytes | None:
        """A small object; None where there is none."""
        try:
            return self._tried(lambda: b"".join(self._chunks(key)))
        except FileNotFoundError:
            return None

    @property
    def outage(self) -> str:
        """Why the last call failed; empty where it did not."""
        return self._reason if self._closed_until > 0 else ""

    def is_folder(self) -> bool:
        """Whether it is a folder of this machine's file systems."""
        return self._folder() is not None

    # -- inside: one try each ---------------------------------------------------------------

    def _system(self) -> tuple[Any, str]:
        """The file system and the path of this store in it."""
        with self._lock:
            if self._opened is None:
                self._opened = connected(self._url, self._seconds)
            return self._opened

    def _path(self, key: str) -> str:
        return f"{self._system()[1].rstrip('/')}/{key}"

    def _folder(self) -> Path | None:
        """Where the store lies, if it is a folder of this machine's file systems."""
        system, root = self._system()
        return Path(root) if "file" in protocols(system) else None

    def _stat(self, key: str) -> StoredObject:
        system, _ = self._system()
        system.invalidate_cache()
        return _described(system.info(self._path(key)))

    def _chunks(self, key: str) -> Iterator[bytes]:
        system, _ = self._system()
        with system.open(self._path(key), "rb", block_size=_READ_BYTES) as reader:
            while chunk := reader.read(_READ_BYTES):
                yield chunk

    def _hashed(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._chunks(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _download(self, key: str, target: Path) -> str:
        digest = hashlib.sha256()
        with writing(target):
            writer = target.open("wb")
        with writer:
            for chunk in self._chunks(key):
                digest.update(chunk)
                with writing(target):
                    writer.write(chunk)
            with writing(target):
                writer.flush()
                os.fsync(writer.fileno())
        return digest.hexdigest()

    def _is_whole(self, key: str, source: Path | bytes, sha256: str, size: int) -> bool:
        """By size and ETag where the store's is one that can be computed, else by reading it."""
        try:
            stored = self._stat(key)
        except FileNotFoundError:
            return False
        if stored.bytes != size:
            return False
        return stored.etag in etags(source) or self._hashed(key) == sha256

    def _upload(self, key: str, source: Path | bytes) -> None:
        system, _ = self._system()
        path = self._path(key)
        if self._folder() is not None:
            _write_into_folder(Path(path), source)
        elif isinstance(source, bytes):
            system.pipe_file(path, source)
        else:
            parts = {"chunksize": _PART_BYTES} if "s3" in protocols(system) else {}
            system.put_file(str(source), path, **parts)

    def _remove(self, key: str) -> None:
        system, _ = self._system()
        system.rm_file(self._path(key))
        if (folder := self._folder()) is not None:
            _remove_empty(folder, Path(self._path(key)).parent)

    # -- inside: several tries ---------------------------------------------------------------

    def _tried(self, what: Callable[[], _Answer], *, absent_is_failure: bool = False) -> _Answer:
        if time.monotonic() < self._closed_until:
            raise StoreAway(self._reason)
        number, begun = 0, time.monotonic()
        while True:
            try:
                answer = what()
            except (StoreError, InputError):  # of this machine's disk, or of the settings
                raise
            except FileNotFoundError as error:  # also of a bucket that does not exist
                if not absent_is_failure:
                    raise
                raise self._away(error) from error
            except PermissionError as error:  # no patience helps
                raise self._away(error) from error
            except Exception as error:  # of whichever of fsspec's file systems
                number += 1
                facts = {"facts": {"try": number}}
                _LOG.info("the object store failed", exc_info=error, extra=facts)
                if number == _TRIES or time.monotonic() - begun > self._seconds:
                    raise self._away(error) from error
                time.sleep(self.pause_seconds * 2 ** (number - 1) * random.uniform(0.8, 1.2))
            else:
                self._closed_until = 0.0
                return answer

    def _away(self, error: Exception) -> StoreAway:
        verb = "lets nobody in" if isinstance(error, PermissionError) else "does not answer"
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        self._reason = (
            f"The store {self.name} {verb} ({reason}). Check it, VISIL_DASH_STORE and the keys;"
            " what was stored before has not changed."
        )
        self._closed_until = time.monotonic() + self.away_seconds
        return StoreAway(self._reason)


def etags(source: Path | bytes) -> set[str]:
    """What S3 may call an object of these bytes: the MD5 of all, or that of its parts' MD5s."""
    whole, parts = hashlib.md5(usedforsecurity=False), list[bytes]()
    for part in _parts(source):
        whole.update(part)
        parts.append(hashlib.md5(part, usedforsecurity=False).digest())
    joined = hashlib.md5(b"".join(parts), usedforsecurity=False)
    return {whole.hexdigest(), f"{joined.hexdigest()}-{len(parts)}"}


def _parts(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), _PART_BYTES):
            yield source[start : start + _PART_BYTES]
        return
    with source.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part


def _described(info: Mapping[str, Any]) -> StoredObject:
    return StoredObject(int(info["size"] or 0), str(info.get("ETag") or "").strip('"'))


def _write_into_folder(path: Path, source: Path | bytes) -> None:
    """Whole and flushed or not at all: fsspec writes a local file in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, bytes):
        write_atomic(path, source)
    else:
        half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            copy_hashed(source, half, max_bytes=2**63)
            os.replace(half, path)
        finally:
            half.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        fsync_folder(folder)


def _remove_empty(root: Path, folder: Path) -> None:
    """Folders that an object leaves empty; an object store has none."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:  # another object is in it
            return
        folder = folder.parent
