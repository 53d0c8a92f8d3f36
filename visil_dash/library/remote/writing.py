"""What the writer of a library does with its store, if the library has one."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    from visil_dash.library.viewer import Viewer


def upload(library: "Viewer", key: str, source: Path | bytes) -> None:
    """Before the row is committed: whole in the store on return. Raises StoreAway."""
    if library.remote is not None:
        library.remote.upload(key, source)


def confirm(library: "Viewer", connection: Connection, key: str) -> None:
    """In the transaction that commits the row."""
    if library.remote is not None:
        library.remote.confirm(connection, key)


def count_cached(library: "Viewer", path: Path) -> None:
    """Afterwards: the file is one of the cache, which keeps to its budget."""
    if library.remote is not None:
        library.remote.cache.added(path, path.stat().st_size)
        library.remote.cache.make_room()


def note_removed(library: "Viewer", connection: Connection, keys: Iterable[str]) -> None:
    """In the transaction that deletes the rows of these objects."""
    if library.remote is not None:
        library.remote.note_removed(connection, keys)


def sweep(library: "Viewer") -> None:
    """Afterwards: what no row names is deleted from the store, later where that is away."""
    if library.remote is not None:
        library.remote.sweep()
