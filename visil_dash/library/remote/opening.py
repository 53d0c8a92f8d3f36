"""Which store a library has: a new one takes that of the settings, and a place of its own there."""

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.errors import StoreAway, StoreDamaged, StoreMismatch
from visil_dash.library.blobs import sha256_hex, write_atomic
from visil_dash.library.paths import safe_id
from visil_dash.library.remote.cache import Cache
from visil_dash.library.remote.connecting import checked_url
from visil_dash.library.remote.notes import keys_of
from visil_dash.library.remote.objects import ObjectStore
from visil_dash.library.remote.remote import MARKER, Remote, StoreRecord

if TYPE_CHECKING:
    from visil_dash.library.store import Library

STORE_SETTING = "store"  # under which the catalogue has a StoreRecord
STORE_NAME = "store.json"  # the same beside the catalogue, for the day on which that is lost


def opened_remote(library: "Library") -> Remote | None:
    """None for a library whose files are in its folder alone.

    Raises StoreMismatch where its store is not named by the settings, InputError for a bad URL,
    and StoreAway where a new library finds no store.
    """
    url = checked_url(library.settings.store)
    record = _recorded(library)
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
        _record(library, record)
    return remote


def adopt(library: "Library", url: str) -> Remote:
    """The library's own new place in a store; its files, if it has any, are not there yet."""
    record = StoreRecord(checked_url(url), secrets.token_hex(8))
    remote = _remote(library, record)
    marker = record.marker()
    remote.objects.put(MARKER, marker, sha256=sha256_hex(marker))
    _record(library, record)
    return remote


def _adopted(library: "Library", url: str) -> Remote | None:
    if library.read_only:
        return None
    if not library.videos():
        return adopt(library, url)
    library.add_notice(
        "This library's media and features are in its folder alone: VISIL_DASH_STORE is for new"
        " libraries."
    )
    return None


def _recorded(library: "Library") -> StoreRecord | None:
    """What the catalogue has, else the file beside it. Raises StoreDamaged."""
    path = library.folder / STORE_NAME
    kept = library.setting(STORE_SETTING)
    if kept is None and path.is_file():
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            remedy = "Restore it from a backup."
            raise StoreDamaged(str(path), "the file cannot be read", remedy) from error
    return None if kept is None else _from_json(kept, path)


def _from_json(kept: Any, path: Path) -> StoreRecord:
    try:
        return StoreRecord(str(kept["url"]), safe_id(str(kept["library"])))
    except (KeyError, TypeError, ValueError) as error:
        remedy = "Restore it from a backup."
        raise StoreDamaged(str(path), "it names no store", remedy) from error


def _record(library: "Library", record: StoreRecord) -> None:
    write_atomic(library.folder / STORE_NAME, json.dumps(vars(record)).encode())
    library.set_setting(STORE_SETTING, vars(record))


def _remote(library: "Library", record: StoreRecord) -> Remote:
    settings = library.settings
    objects = ObjectStore(record.address, seconds=settings.store_seconds)

    def stored(path: Path) -> bool:
        """Whether the store holds this file of the folder, by the catalogue and by its size."""
        video_id = path.parent.name if path.name == "original" else path.stem
        extractor = None if path.name == "original" else path.parent.name
        with library.catalogue.read() as connection:
            keys = keys_of(connection, video_id, extractor=extractor)
        if not keys or not library.has_video(video_id):
            return False
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
