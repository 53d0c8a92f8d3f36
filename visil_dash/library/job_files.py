"""The file of a job: its copy in the library, made when the job's turn comes, and its removal."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visil_dash.errors import MediaRefused, NotFound
from visil_dash.library.blobs import copy_hashed, sha256_file
from visil_dash.library.jobtable import JobTable
from visil_dash.library.paths import media_file, path_of, stored_path
from visil_dash.library.store import Library
from visil_dash.progress import Watch
from visil_dash.records import JobState

Check = Callable[[Path], None]  # raises MediaRefused


def accept_all(_path: Path) -> None:
    """A check that refuses nothing."""


def hashed_source(
    library: Library, row: dict[str, Any], *, check: Check, max_bytes: int, watch: Watch
) -> tuple[Path, str]:
    """The job's bytes within the library, copied there if they lie elsewhere, and their sha256;
    those of a file in place where it lies.

    Raises MediaRefused, NotFound, StoreError and Cancelled.
    """
    if row["in_place"]:
        return _in_place(library, row, check=check, watch=watch)
    staged = path_of(row["staged"]) if row["staged"] else None
    if staged is not None and staged.is_file():
        if staged.stat().st_size > max_bytes:
            raise MediaRefused(
                row["name"],
                f"it is larger than the limit of {max_bytes} bytes",
                "add a smaller file, or one of this machine in place",
            )
        check(staged)
        return staged, sha256_file(staged)[0]
    if row["video_id"]:  # a crash after the file was moved into the library
        moved = media_file(library.folder, row["video_id"])
        if moved.is_file() and sha256_file(moved)[0] == row["video_id"]:
            return moved, row["video_id"]
        if library.remote is not None and library.has_video(row["video_id"]):  # evicted since
            return library.media_path(row["video_id"]), row["video_id"]
    if not row["source"]:
        raise NotFound(f"{row['name']}: the upload is no longer there. Add it again.")
    return _copied(library, row, check=check, max_bytes=max_bytes, watch=watch)


def _in_place(
    library: Library, row: dict[str, Any], *, check: Check, watch: Watch
) -> tuple[Path, str]:
    source = path_of(row["source"])
    check(source)
    if source.resolve().is_relative_to(library.folder.resolve()):
        raise MediaRefused(row["name"], "it is a part of the library", "add a file outside it")
    return source, library.in_place.hashed(source, watch=watch)[0]


def _copied(
    library: Library, row: dict[str, Any], *, check: Check, max_bytes: int, watch: Watch
) -> tuple[Path, str]:
    source = path_of(row["source"])
    check(source)
    staged = library.stage(row["name"])
    JobTable(library.catalogue).update(row["job_id"], staged=stored_path(staged))
    try:
        library.check_disk(row["name"], need=_size(source))
        # Renamed when whole: after a crash half a copy must not pass for the file.
        half = staged.with_name("copying")
        video_id, _ = copy_hashed(source, half, max_bytes=max_bytes, watch=watch)
        library.step("copy:flushed")
        os.replace(half, staged)
    except BaseException:
        library.discard_staged(staged)
        raise
    return staged, video_id


def _size(path: Path) -> int:
    """0 where the file cannot be examined: opening it will raise the reason."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def discard_if_done(library: Library, row: dict[str, Any]) -> None:
    """Uploads stay for a retry after a failure; files with a path of their own need not."""
    over = row["state"] in (JobState.INDEXED, JobState.REFUSED)
    if over or (row["source"] and JobState(row["state"]).ended):
        discard(library, row)


def discard(library: Library, row: dict[str, Any]) -> None:
    """Deletes the job's staged copy, if there is one."""
    if row["staged"]:
        library.discard_staged(path_of(row["staged"]))
