"""Which store a library has: a new one takes that of the settings, and a place of its own there."""

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import StoreAway, StoreMismatch
from visil_dash.library.blobs import sha256_hex
from visil_dash.library.remote.cache import Cache
from visil_dash.library.remote.connecting import checked_url
from visil_dash.library.remote.notes import keys_of
from visil_dash.library.remote.objects import ObjectStore
from visil_dash.library.remote.record import STORE_SETTING, StoreRecord, put_record, stored_record
from visil_dash.library.remote.remote import MARKER, Remote

if TYPE_CHECKING:
    from visil_dash.library.store import Library

_SETTLED_SECONDS = 3600.0  # after which a file without a row is of no job that is at work


def opened_remote(library: "Library") -> Remote | None:
    """None for a library whose files are in its folder alone.

    Raises StoreMismatch where its store is not named by the settings, InputError for a bad URL,
    and StoreAway where a new library finds no store.
    """
    url = checked_url(library.settings.store)
    record = stored_record(library.folder, library.catalogue)
    if record is None:
        return _adopted(library, url) if url else None
    if not url:
        raise StoreMismatch(
            f"{library.folder}: its media and features are in a store ({record.url}). Set"
            " VISIL_DASH_STORE to that place, or to where it lies now."
        )
    record = StoreRecord(url, record.library)
    remote = _remote(library, record)
    if not library.read_only and library.setting(STORE_SETTING) != vars(record):
        remote.check()
        record_remote(library, record)
    return remote


def new_remote(library: "Library", url: str, *, place: str | None = None) -> Remote:
    """The library's own new place in a store, or one that was begun; nothing is written yet."""
    return _remote(library, StoreRecord(checked_url(url), place or secrets.token_hex(8)))


def _adopted(library: "Library", url: str) -> Remote | None:
    if library.read_only:
        return None
    if not library.videos():
        remote = new_remote(library, url)
        marker = remote.record.marker()
        remote.objects.put(MARKER, marker, sha256=sha256_hex(marker))
        record_remote(library, remote.record)
        return remote
    library.add_notice(
        "This library's media and features are in its folder alone: VISIL_DASH_STORE is for new"
        " libraries. Move this one there: python -m visil_dash store send."
    )
    return None


def record_remote(library: "Library", record: StoreRecord) -> None:
    with library.catalogue.write() as connection:
        put_record(connection, library.folder, record)


def _remote(library: "Library", record: StoreRecord) -> Remote:
    settings = library.settings
    objects = ObjectStore(record.address, seconds=settings.store_seconds)

    def stored(path: Path) -> bool:
        """Whether the store holds this file of the folder, by the catalogue and by its size."""
        video_id = path.parent.name if path.name == "original" else path.stem
        extractor = None if path.name == "original" else path.parent.name
        with library.catalogue.read() as connection:
            keys = keys_of(connection, video_id, extractor=extractor)
        if not keys or not library.has_video(video_id):  # removed by another machine
            return time.time() - path.stat().st_ctime > _SETTLED_SECONDS
        try:
            held = objects.stat(keys[0])
        except StoreAway:  # it stays here until that is known
            return False
        return held is not None and held.bytes == path.stat().st_size

    cache = Cache(
        library.folder,
        settings.store_cache_bytes,
        free=lambda: library.free_bytes() - settings.min_free_bytes,
        stored=stored,
    )
    return Remote(record, objects, cache, catalogue=library.catalogue)
