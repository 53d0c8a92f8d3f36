"""The file by which a library's folder names its catalogue in a PostgreSQL database."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from visil_dash.errors import StoreDamaged
from visil_dash.library.blobs import write_atomic

MARKER_NAME = "catalogue.json"
_LIBRARY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Marker:
    """`library`: 16 hex digits that name the schema. `database`: where it was made, for people."""

    library: str
    database: str

    @property
    def schema(self) -> str:
        return f"visil_dash_{self.library}"


def read_marker(folder: Path) -> Marker | None:
    """None where the catalogue is no database's. Raises StoreDamaged."""
    path = folder / MARKER_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        marker = Marker(str(found["library"]), str(found["database"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(path) from error
    if not _LIBRARY.fullmatch(marker.library):
        raise _unreadable(path)
    return marker


def write_marker(folder: Path, marker: Marker) -> None:
    """Flushed, whole or not at all."""
    write_atomic(folder / MARKER_NAME, json.dumps(asdict(marker), indent=1).encode())


def _unreadable(path: Path) -> StoreDamaged:
    return StoreDamaged(
        str(path),
        "it does not name the library's catalogue",
        'Put it back from a copy, or write it: {"library": the 16 digits that follow visil_dash_ '
        'in the name of the schema, "database": ""}.',
    )
