"""Notes of objects that may be in the store although no row of the catalogue names them.

A note is committed before an upload begins and goes with the commit of the row; one of a removal is
committed with the deletion of the row and goes when the object is gone. So whatever a crash leaves
in the store is known, and deleted later.
"""

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, now, put_row
from visil_dash.library.remote.keys import blob_key, media_key, reduction_key

_NOTE = "store_loose:"


def note(connection: Connection, keys: Iterable[str]) -> None:
    for key in keys:
        row = {"key": f"{_NOTE}{key}", "value": "null", "updated": now()}
        put_row(connection, tables.settings, row)


def forget(connection: Connection, key: str) -> None:
    connection.execute(tables.settings.delete().where(tables.settings.c.key == f"{_NOTE}{key}"))


def noted(connection: Connection) -> list[str]:
    """The keys of all notes."""
    rows = checked_rows(connection, tables.settings, tables.settings.c.key.startswith(_NOTE))
    return [str(row["key"]).removeprefix(_NOTE) for row in rows]


def is_named(connection: Connection, key: str) -> bool:
    """Whether a committed row names the object."""
    kind, *parts = key.split("/")
    if kind == "media":
        of_it = [tables.videos.c.video_id == parts[0]]
        return bool(checked_rows(connection, tables.videos, *of_it))
    sha256 = parts[2].removesuffix(".safetensors")
    table = tables.features if kind == "features" else tables.reductions
    second = table.c.video_id if kind == "features" else table.c.reduction_id
    of_it = [table.c.extractor == parts[0], second == parts[1], table.c.sha256 == sha256]
    return bool(checked_rows(connection, table, *of_it))


def keys_of(connection: Connection, video_id: str, *, extractor: str | None = None) -> list[str]:
    """Objects of a video that rows name; with `extractor` its features alone."""
    where = [tables.features.c.video_id == video_id]
    if extractor is not None:
        where.append(tables.features.c.extractor == extractor)
    rows = checked_rows(connection, tables.features, *where)
    blobs = [blob_key(row["extractor"], video_id, row["sha256"]) for row in rows]
    return blobs if extractor is not None else [media_key(video_id), *blobs]


def reduction_keys(connection: Connection, extractor: str) -> dict[str, str]:
    """Objects of an extractor's fitted reductions, by their ids."""
    rows = checked_rows(connection, tables.reductions, tables.reductions.c.extractor == extractor)
    return {
        row["reduction_id"]: reduction_key(extractor, row["reduction_id"], row["sha256"])
        for row in rows
    }
