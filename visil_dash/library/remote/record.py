"""Which store a library has: its catalogue notes it, and a file for the day that this is lost."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from visil_dash.errors import StoreDamaged
from visil_dash.library import tables
from visil_dash.library.blobs import write_atomic
from visil_dash.library.catalogue import Catalogue, checked_rows, now, put_row
from visil_dash.library.paths import safe_id

STORE_SETTING = "store"  # under which the catalogue has a StoreRecord
_FILE = "store.json"


@dataclass(frozen=True)
class StoreRecord:
    """Where a library's objects are: the URL of the store, and its own folder there."""

    url: str
    library: str

    @property
    def address(self) -> str:
        return f"{self.url}/{self.library}"

    def marker(self) -> bytes:
        return json.dumps({"library": self.library}).encode()


def stored_record(folder: Path, catalogue: Catalogue) -> StoreRecord | None:
    """None for a library whose files are in its folder alone. Raises StoreDamaged."""
    with catalogue.read() as connection:
        here = tables.settings.c.key == STORE_SETTING
        rows = checked_rows(connection, tables.settings, here)
    path = folder / _FILE
    try:
        if rows:
            return record_from(json.loads(rows[0]["value"]))
        return record_from(json.loads(path.read_bytes())) if path.is_file() else None
    except (OSError, KeyError, TypeError, ValueError) as error:
        remedy = "Restore the library from a backup."
        raise StoreDamaged(str(path), "the name of the store is damaged", remedy) from error


def record_from(kept: Any) -> StoreRecord:
    """Raises KeyError, TypeError and ValueError."""
    return StoreRecord(str(kept["url"]), safe_id(str(kept["library"])))


def put_record(connection: Connection, folder: Path, record: StoreRecord) -> None:
    """In a transaction of the catalogue."""
    text = json.dumps(vars(record), sort_keys=True)
    write_atomic(folder / _FILE, text.encode())
    row = {"key": STORE_SETTING, "value": text, "updated": now()}
    put_row(connection, tables.settings, row)
