"""Rows of files in place: which video, where it lies, and what the file system knew of it."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, now, put_row
from visil_dash.library.paths import path_of, stored_path


@dataclass(frozen=True)
class Stamp:
    """What the file system knows of a file. While all of it stays, so do the bytes: every write
    moves `changed` (ctime), which programs cannot set; times are in ns."""

    bytes: int
    modified: int
    changed: int
    inode: int


UNKNOWN = Stamp(-1, 0, 0, -1)  # no file has it: the bytes are read


@dataclass(frozen=True)
class FileInPlace:
    """A place of a video, as it was last looked at. `seen`: same, changed or missing."""

    video_id: str
    path: Path
    stamp: Stamp
    seen: str = "same"


def stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def stamp_at(path: Path) -> Stamp | None:
    """None where there is no regular file; a link is none."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return None
    return stamp_of(status) if stat.S_ISREG(status.st_mode) else None


def files_in_place(connection: Connection, video_id: str | None = None) -> tuple[FileInPlace, ...]:
    """All of them, or those of one video, in the order of their arrival."""
    table = tables.in_place
    where = [] if video_id is None else [table.c.video_id == video_id]
    rows = checked_rows(connection, table, *where)
    return tuple(
        FileInPlace(
            row["video_id"],
            path_of(row["place"]),
            Stamp(row["bytes"], row["modified"], row["changed"], row["inode"]),
            row["seen"],
        )
        for row in sorted(rows, key=lambda row: (row["added"], row["place"]))
    )


def put_in_place(connection: Connection, file: FileInPlace) -> None:
    """A new place, or what was seen at one that is known."""
    table, place = tables.in_place, stored_path(file.path)
    of_it = table.c.video_id == file.video_id, table.c.place == place
    known = checked_rows(connection, table, *of_it)
    row = {
        "video_id": file.video_id,
        "place": place,
        "seen": file.seen,
        "added": known[0]["added"] if known else now(),
        **vars(file.stamp),
    }
    put_row(connection, table, row)


def drop_in_place(connection: Connection, video_id: str, path: Path) -> None:
    table = tables.in_place
    connection.execute(
        table.delete().where(table.c.video_id == video_id, table.c.place == stored_path(path))
    )
