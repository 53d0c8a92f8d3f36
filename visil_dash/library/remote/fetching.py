"""Objects of a library's store for a program that reads its catalogue from a copy."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from visil_dash.errors import StoreDamaged
from visil_dash.library.remote.connecting import checked_url
from visil_dash.library.remote.keys import blob_key, media_key, reduction_key
from visil_dash.library.remote.objects import ObjectStore
from visil_dash.library.remote.record import STORE_SETTING, StoreRecord, record_from
from visil_dash.settings import Settings

# Writes the object of a path within the library and a sha256 to a file; why it could not, or empty.
Fetch = Callable[[str, str, Path], str]


def fetcher_of(reader: sqlite3.Connection, settings: Settings) -> Fetch | None:
    """None where the catalogue names no store. Raises StoreDamaged and InputError."""
    query = "SELECT value FROM settings WHERE key = ?"
    row = reader.execute(query, (STORE_SETTING,)).fetchone()
    if row is None:
        return None
    try:
        record = record_from(json.loads(row[0]))
    except (KeyError, TypeError, ValueError) as error:
        text = "the name of the store is damaged"
        raise StoreDamaged(STORE_SETTING, text, "Restore the library from a backup.") from error
    url = checked_url(settings.store) or record.url
    address = StoreRecord(url, record.library).address
    objects = ObjectStore(address, seconds=settings.store_seconds)

    def fetch(path: str, sha256: str, target: Path) -> str:
        key = _key_of(path, sha256)
        try:
            objects.fetch(key, target, sha256=sha256)
        except FileNotFoundError:
            return f"{objects.name}/{key}: the object is gone from the store."
        except StoreDamaged as error:
            return str(error)
        return ""

    return fetch


def _key_of(path: str, sha256: str) -> str:
    kind, *parts = PurePosixPath(path).parts
    if kind == "media":
        return media_key(parts[0])
    make = blob_key if kind == "features" else reduction_key
    return make(parts[0], PurePosixPath(parts[1]).stem, sha256)
