"""Deleting the files of removed videos, and what a crash left behind."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.library import tables
from visil_dash.library.catalogue import quarantine
from visil_dash.library.paths import media_file, media_folder, safe_id
from visil_dash.library.remote.writing import sweep
from visil_dash.library.viewer import ASSETS

if TYPE_CHECKING:
    from visil_dash.library.store import Library


def finish_removal(library: "Library", video_id: str) -> None:
    """Deletes the files of a video whose rows are gone, then the note of its removal."""
    for path in library.folder.glob(f"features/*/{safe_id(video_id)}.safetensors"):
        path.unlink()
        library.step("delete:blob")
    shutil.rmtree(media_folder(library.folder, video_id), ignore_errors=True)
    library.step("delete:media")
    with library.catalogue.write() as connection:
        connection.execute(tables.removals.delete().where(tables.removals.c.video_id == video_id))
    sweep(library)
    library.step("delete:done")


def _drop_copies_without_row(library: "Library", of_jobs: set[str]) -> None:
    """Media of videos that another machine removed; the store has them no more either."""
    known = {video.video_id for video in library.videos()} | of_jobs
    for path in library.folder.glob("media/*/original"):
        if path.parent.name not in known:
            shutil.rmtree(path.parent, ignore_errors=True)
            library.step("sweep:media")


def set_media_aside(folder: Path, video_id: str) -> None:
    """Moves an altered media file to quarantine/ and deletes the pictures made of it."""
    original = media_file(folder, video_id)
    if original.exists():
        quarantine(original, folder / "quarantine")
    for name in ASSETS:
        original.with_name(name).unlink(missing_ok=True)


def clean_up_after_crash(library: "Library") -> None:
    """Finishes removals; deletes temporary files, and staged files that belong to no job."""
    with library.catalogue.read() as connection:
        half_removed = connection.execute(tables.removals.select()).scalars().all()
        jobs = connection.execute(tables.jobs.select()).mappings().all()
    for video_id in half_removed:
        finish_removal(library, video_id)
    for pattern in ("features/*/.*.tmp", "reductions/*/.*.tmp"):
        for temp in library.folder.glob(pattern):
            temp.unlink()
            library.step("sweep:temp")
    if library.remote is not None:
        library.remote.sweep()
        library.remote.cache.sweep()
        _drop_copies_without_row(library, {job["video_id"] for job in jobs})
    wanted = {Path(job["staged"]).parent.name for job in jobs if job["staged"]}
    for folder in library.folder.glob("incoming/*"):
        if folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)
            library.step("sweep:incoming")
