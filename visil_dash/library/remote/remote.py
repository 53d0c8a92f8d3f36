"""One library's objects in its store, and the library's folder as their cache."""

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy.engine import Connection

from visil_dash.errors import StoreAway, StoreDamaged, StoreMismatch
from visil_dash.library.blobs import fsync_folder, writing
from visil_dash.library.catalogue import Catalogue
from visil_dash.library.remote.cache import Cache
from visil_dash.library.remote.keys import blob_key, hash_in, media_key
from visil_dash.library.remote.notes import forget, is_named, note, noted
from visil_dash.library.remote.objects import MEND, ObjectStore
from visil_dash.library.remote.record import StoreRecord

_LOG = logging.getLogger(__name__)
_KEYS_KEPT = 1000
MARKER = "library.json"  # the object by which a place is known to be this library's


class Remote:
    """Safe to share between threads. Raises StoreAway where the store does not answer."""

    def __init__(
        self, record: StoreRecord, objects: ObjectStore, cache: Cache, *, catalogue: Catalogue
    ) -> None:
        self.record, self.objects, self.cache = record, objects, cache
        self._catalogue = catalogue
        self._uploaded: dict[str, None] = {}  # the last keys that were, or are being, uploaded
        self._one_at_a_time: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._unswept = True
        self._checked = False
        self._misplaced = ""

    @property
    def outage(self) -> str:
        """Why the store could not be used when it was needed last; empty where it could."""
        return self.objects.outage or self._misplaced

    @property
    def name(self) -> str:
        """As shown to people; holds no key."""
        return self.objects.name

    # -- writing -----------------------------------------------------------------------------

    def upload(self, key: str, source: Path | bytes) -> None:
        """The object is whole in the store on return, and noted until `confirm`."""
        self.check()
        with self._lock:  # no sweep deletes it from here on
            self._uploaded[key] = None
            if len(self._uploaded) > _KEYS_KEPT:
                self._uploaded.pop(next(iter(self._uploaded)))
        try:
            with self._catalogue.write() as connection:
                note(connection, [key])
            self.objects.put(key, source, sha256=hash_in(key))
        except BaseException:
            self._to_be_swept([key])
            raise

    def confirm(self, connection: Connection, key: str) -> None:
        """In the transaction that commits the row of an uploaded object."""
        with self._lock:
            there = key in self._uploaded
        if not there:  # deleted since, with a row that is gone
            raise StoreAway(f"{self.name}/{key}: the object is gone again; it is sent once more.")
        forget(connection, key)

    def note_removed(self, connection: Connection, keys: Iterable[str]) -> None:
        """In the transaction that deletes the rows of these objects; `sweep` deletes them."""
        keys = list(keys)
        note(connection, keys)
        self._to_be_swept(keys)

    def sweep(self) -> None:
        """Deletes what notes say is without a row. Where the store is away it stays noted."""
        if not self._unswept:
            return
        try:
            self.check()
            with self._catalogue.read() as connection:
                loose = noted(connection)
            for key in loose:
                self._delete_loose(key)
            self._unswept = False
        except StoreAway as error:
            _LOG.warning("objects without a row are deleted later", exc_info=error)

    def _delete_loose(self, key: str) -> None:
        with self._lock:
            if key in self._uploaded:
                return
            with self._catalogue.read() as connection:
                named = is_named(connection, key)
            if not named:
                self.objects.remove(key)
            with self._catalogue.write() as connection:
                forget(connection, key)

    def _to_be_swept(self, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                self._uploaded.pop(key, None)
        self._unswept = True

    def check(self) -> None:
        """Raises StoreAway, and StoreMismatch where the place is not this library's: an unmounted
        disk looks like an empty folder."""
        if self._checked and not self.objects.is_folder():
            return
        held = self.objects.read(MARKER)
        if held is None:
            self._misplaced = (
                f"The store {self.name} does not hold this library: {MARKER} is missing. Mount or"
                " restore it, and check VISIL_DASH_STORE."
            )
            raise StoreAway(self._misplaced)
        self._misplaced = ""
        if held != self.record.marker():
            raise StoreMismatch(f"{self.name}: the store holds another library there.")
        self._checked = True

    def ready(self) -> None:
        """Before new work: raises StoreAway where the store does not answer now."""
        if self.objects.outage:
            self._checked = False
        self.check()
        self.sweep()

    def left_over(self) -> list[str]:
        """Keys of objects that are to be deleted once the store answers."""
        with self._catalogue.read() as connection:
            return noted(connection)

    # -- reading -----------------------------------------------------------------------------

    def bring_media(self, path: Path, video_id: str, size: int) -> Path:
        """Fetches a media file that is not here. Raises StoreDamaged where the store lacks it or
        holds other bytes."""
        self._bring(path, media_key(video_id), size)
        self.cache.used(path, handed_out=True)
        return path

    def bring_features(self, path: Path, extractor: str, video_id: str, sha256: str) -> None:
        """As bring_media; in place of what lies there."""
        key = blob_key(extractor, video_id, sha256)
        self._bring(path, key, replacing=True)

    def bring(self, path: Path, key: str) -> None:
        """Fetches any other object that is not here."""
        if not path.is_file():
            self._bring(path, key)

    def _bring(
        self, path: Path, key: str, size: int | None = None, *, replacing: bool = False
    ) -> None:
        with self._alone(key):
            if path.is_file() and not replacing:  # another thread fetched it
                return
            if size is None:
                stored = self.objects.stat(key)
                if stored is None:
                    raise self._missing(key)
                size = stored.bytes
            self.cache.make_room(size)
            half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.objects.fetch(key, half, sha256=hash_in(key))
                with writing(path):
                    os.replace(half, path)
                    fsync_folder(path.parent)
            except FileNotFoundError as error:
                raise self._missing(key) from error
            finally:
                half.unlink(missing_ok=True)
            self._misplaced = ""
            self.cache.added(path, size)

    def _missing(self, key: str) -> StoreDamaged:
        """Raises StoreAway where the whole place is gone: then the object may well be there."""
        self._checked = False
        self.check()
        return StoreDamaged(f"{self.name}/{key}", "the object is gone from the store", MEND)

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Lets one thread at a time fetch an object."""
        with self._lock:
            lock = self._one_at_a_time.setdefault(key, threading.Lock())
        with lock:
            yield
        with self._lock:
            if not lock.locked():
                self._one_at_a_time.pop(key, None)
