"""Backups of a library, and libraries made of them.

    BACKUP/objects/<first two of sha256>/<sha256>     each file once, whatever backups hold it
    BACKUP/snapshots/<UTC time>.json                  the files of a backup: path and sha256 of each

Files of a library never change once they are committed, so one that was copied before is not copied
again. The catalogue is copied by SQLite's own backup, or row by row from a database, both as of one
moment while videos are added; in a backup, and in what is restored of it, it is a file.
The index, pictures of videos and files that are still coming in are derived or not yet the
library's: they are left out, and so are files in place, of which a backup holds path and hash.
A snapshot is written last, and whole: without it there is no backup.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import visil_dash
from visil_dash.errors import DiskFull, InputError, StoreDamaged
from visil_dash.index.frames import open_frame_space
from visil_dash.library.blobs import (
    copy_hashed,
    fsync_folder,
    sha256_file,
    sha256_hex,
    write_atomic,
    writing,
)
from visil_dash.library.catalogue import CATALOGUE_NAME, catalogue_engine
from visil_dash.library.paths import blob_file, media_file, safe_id
from visil_dash.library.postgres.moving import copy_catalogue
from visil_dash.library.postgres.opening import cluster_of
from visil_dash.library.remote.fetching import Fetch, fetcher_of
from visil_dash.library.sharing.lock import require_library
from visil_dash.library.store import open_library
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.settings import Settings

_FORMAT = 1
_LARGEST = 2**63
_MISSING = "Where it was not removed meanwhile, run python -m visil_dash doctor and back up again."


@dataclass(frozen=True)
class Stored:
    """A file of a backup: where it lies in the library, and what it must be."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Backup:
    """One backup. `copied`: files that no earlier backup in the folder held, and their bytes."""

    name: str
    videos: int
    files: tuple[Stored, ...]
    copied: int = 0
    copied_bytes: int = 0
    left_out: tuple[str, ...] = ()  # a reason each: damaged or missing in the library
    in_place: int = 0  # videos whose files lie outside the library, and are not in the backup

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


# ---- making ----


def make_backup(
    library: Path, folder: Path, *, settings: Settings, watch: Watch = UNWATCHED
) -> Backup:
    """Copies the library into the backup folder; earlier backups in it stay.

    Needs no lock: it may run while another process adds videos, and then holds those that were
    indexed when it began. What is damaged in the library is left out, with the reason.

    Raises NotFound without a library, InputError for a folder of something else, DiskFull,
    StoreError and Cancelled; no snapshot is written then, and the next backup goes on from there.
    """
    require_library(library)
    _prepare(folder)
    catalogue = folder / "catalogue.part"
    try:
        cluster = cluster_of(library, settings)
        if cluster is None:
            _copy_catalogue(library / CATALOGUE_NAME, catalogue)
        else:
            copy_catalogue(library, cluster, catalogue)
        wanted, videos, outside = _files_of(catalogue, library)
        fetch = _fetch_of(catalogue, settings)
        digest, size = sha256_file(catalogue)
        files = [Stored(CATALOGUE_NAME, digest, size)]
        copied = _take_in(folder, catalogue, files[0])
    finally:
        catalogue.unlink(missing_ok=True)
    left_out: list[str] = []
    copied_bytes = size if copied else 0
    for number, file in enumerate(wanted):
        watch.count("Copying", number, len(wanted))
        problem, new = _copied(library, folder, file, fetch)
        if problem:
            left_out.append(problem)
            continue
        files.append(file)
        copied += new
        copied_bytes += file.bytes if new else 0
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = tuple(files)
    snapshot = Backup(name, videos, kept, copied, copied_bytes, tuple(left_out), outside)
    _write(folder, snapshot)
    return snapshot


def _prepare(folder: Path) -> None:
    inside = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if inside and "snapshots" not in inside:
        raise InputError(str(folder), "it is not empty and holds no backups", "name a new folder")
    with writing(folder):
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        (folder / "objects").mkdir(exist_ok=True)
    for left in folder.glob("objects/*/*.part"):
        left.unlink()


def _copy_catalogue(source: Path, target: Path) -> None:
    """A copy of one moment, whatever is written meanwhile."""
    engine = catalogue_engine(source, read_only=True)
    copy = sqlite3.connect(target)
    try:
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.backup(copy)
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise DiskFull(f"{target}: the disk is full. Free some space.") from error
        raise StoreDamaged(
            str(source),
            f"the catalogue cannot be copied ({error})",
            "Run: python -m visil_dash doctor",
        ) from error
    finally:
        copy.close()
        engine.dispose()


def _files_of(catalogue: Path, library: Path) -> tuple[list[Stored], int, int]:
    """Media, feature and reduction files that a copy of a catalogue knows; how many videos there
    are, and how many of them are in place."""
    reader = sqlite3.connect(f"{catalogue.absolute().as_uri()}?mode=ro", uri=True)
    try:
        videos = reader.execute("SELECT video_id, bytes FROM videos ORDER BY ordinal").fetchall()
        features = reader.execute(
            "SELECT extractor, video_id, sha256, bytes FROM features ORDER BY extractor, video_id"
        ).fetchall()
        reductions = reader.execute(
            "SELECT extractor, reduction_id, sha256 FROM reductions ORDER BY added"
        ).fetchall()
        outside = _in_place(reader)
    finally:
        reader.close()
    here = Path()
    outside = {video for video in outside if not media_file(library, video).is_file()}
    owned = [(video, size) for video, size in videos if video not in outside]
    media = [Stored(media_file(here, v).as_posix(), v, int(size)) for v, size in owned]
    blobs = [Stored(blob_file(here, e, v).as_posix(), s, int(size)) for e, v, s, size in features]
    fitted = []  # thresholds belong to a reduction, so the very same one is kept
    for extractor, reduction_id, sha256 in reductions:
        path = Path("reductions") / safe_id(extractor) / f"{safe_id(reduction_id)}.safetensors"
        if (library / path).is_file():  # else it is fitted anew
            fitted.append(Stored(path.as_posix(), sha256, (library / path).stat().st_size))
    return [*media, *blobs, *fitted], len(videos), len(outside)


def _fetch_of(catalogue: Path, settings: Settings) -> Fetch | None:
    """How files are got that are in the library's store alone."""
    reader = sqlite3.connect(f"{catalogue.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return fetcher_of(reader, settings)
    finally:
        reader.close()


def _in_place(reader: sqlite3.Connection) -> set[str]:
    """Videos that have a file in place; an older catalogue has none."""
    if not reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'in_place'").fetchone():
        return set()
    return {video for (video,) in reader.execute("SELECT video_id FROM in_place")}


def _copied(library: Path, folder: Path, file: Stored, fetch: Fetch | None) -> tuple[str, int]:
    """Why the file is not in the backup (empty: it is), and whether it was copied now (1 or 0)."""
    target = _object(folder, file.sha256)
    if target.is_file() and target.stat().st_size == file.bytes:
        return "", 0
    source = library / file.path
    if not source.is_file():
        if fetch is None:
            return f"{source}: it is gone. {_MISSING}", 0
        if problem := fetch(file.path, file.sha256, _part_of(target)):
            return f"{problem} {_MISSING}", 0
        _publish(_part_of(target), target)
        return "", 1
    part = _part_of(target)
    digest, size = copy_hashed(source, part, max_bytes=_LARGEST)
    if (digest, size) != (file.sha256, file.bytes):
        part.unlink()
        return f"{source}: it was altered. {_MISSING}", 0
    _publish(part, target)
    return "", 1


def _take_in(folder: Path, source: Path, file: Stored) -> int:
    target = _object(folder, file.sha256)
    if target.is_file():
        return 0
    part = _part_of(target)
    copy_hashed(source, part, max_bytes=_LARGEST)
    _publish(part, target)
    return 1


def _part_of(target: Path) -> Path:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f"{target.name}.part")


def _publish(part: Path, target: Path) -> None:
    with writing(target):
        os.replace(part, target)
        fsync_folder(target.parent)


def _object(folder: Path, sha256: str) -> Path:
    return folder / "objects" / sha256[:2] / sha256


def _write(folder: Path, snapshot: Backup) -> None:
    body = {"format": _FORMAT, "library_version": visil_dash.__version__, **asdict(snapshot)}
    text = json.dumps(body, sort_keys=True)
    sealed = {"sha256": sha256_hex(text.encode()), "backup": text}
    data = json.dumps(sealed).encode()
    write_atomic(folder / "snapshots" / f"{snapshot.name}.json", data)


# ---- reading ----


def backups(folder: Path) -> tuple[str, ...]:
    """Names of the backups in the folder, the oldest first. Raises InputError without any."""
    names = sorted(path.stem for path in folder.glob("snapshots/*.json"))
    if not names:
        raise InputError(str(folder), "it holds no backup", "make one: python -m visil_dash backup")
    return tuple(names)


def read_backup(folder: Path, name: str = "") -> Backup:
    """The backup of that name, the latest by default. Raises InputError and StoreDamaged."""
    names = backups(folder)
    if name and name not in names:
        raise InputError(name, f"it is no backup of {folder}", f"name one of {', '.join(names)}")
    path = folder / "snapshots" / f"{name or names[-1]}.json"
    try:
        sealed = json.loads(path.read_bytes())
        if sha256_hex(sealed["backup"].encode()) != sealed["sha256"]:
            raise ValueError("it differs from its checksum")
        body = json.loads(sealed["backup"])
        if body["format"] > _FORMAT:
            raise InputError(str(path), "it was made by a newer visil_dash", "update visil_dash")
        files = tuple(Stored(**file) for file in body["files"])
        return Backup(
            body["name"],
            body["videos"],
            tuple(_inside(file) for file in files),
            body["copied"],
            body["copied_bytes"],
            tuple(body["left_out"]),
            body.get("in_place", 0),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreDamaged(
            str(path), f"the list of a backup is damaged ({error})", "Use another."
        ) from error


def _inside(file: Stored) -> Stored:
    """Raises ValueError for a path that leads out of the library that is made of the backup."""
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"path: expected one within a library, got {file.path!r}")
    return file


def verify_backup(folder: Path, snapshot: Backup, *, watch: Watch = UNWATCHED) -> tuple[str, ...]:
    """Reads every file of a backup against its hash; one sentence a problem."""
    return tuple(_problems(folder, snapshot, watch))


def _problems(folder: Path, snapshot: Backup, watch: Watch) -> Iterator[str]:
    for number, file in enumerate(snapshot.files):
        watch.count("Verifying", number, len(snapshot.files))
        path = _object(folder, file.sha256)
        if not path.is_file():
            yield f"{path}: a file of the backup is gone ({file.path})."
        elif sha256_file(path) != (file.sha256, file.bytes):
            yield f"{path}: a file of the backup was altered ({file.path})."


# ---- restoring ----


def restore_backup(
    folder: Path, library: Path, *, name: str = "", watch: Watch = UNWATCHED
) -> Backup:
    """Makes a library, in a folder that is absent or empty, of a backup; each file is verified.

    The folder appears whole or not at all, without an index: build_indexes makes it. Raises
    InputError, StoreDamaged where a file of the backup is not what it must be, DiskFull, Cancelled.
    """
    snapshot = read_backup(folder, name)
    if library.exists() and (not library.is_dir() or any(library.iterdir())):
        raise InputError(
            str(library), "it is not empty", "name a new folder, or move the old library away first"
        )
    library = library.absolute()
    part = library.with_name(f".{library.name}.restoring")
    shutil.rmtree(part, ignore_errors=True)  # of a restore that did not end
    with writing(part):
        part.mkdir(parents=True)
    try:
        _check_room(part, snapshot)
        for number, file in enumerate(snapshot.files):
            watch.count("Restoring", number, len(snapshot.files))
            _restored(folder, part, file)
        for path in (part, *(p for p in part.rglob("*") if p.is_dir())):
            fsync_folder(path)
        with writing(library):
            if library.exists():
                library.rmdir()
            os.replace(part, library)
            fsync_folder(library.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return snapshot


def build_indexes(folder: Path, *, settings: Settings) -> None:
    """Builds the index of every model in a restored library, as opening it would in time."""
    with open_library(folder, settings=settings, read_only=False) as library:
        for extractor in library.extractors():
            space = open_frame_space(library, extractor=extractor)
            space.wait()
            if space.verify():
                space.rebuild(background=False)


def _check_room(folder: Path, snapshot: Backup) -> None:
    free = shutil.disk_usage(folder).free
    if free < snapshot.bytes:
        raise DiskFull(
            f"{folder.parent}: {free / 2**20:,.0f} MiB of disk are free and the backup takes "
            f"{snapshot.bytes / 2**20:,.0f} MiB. Free some space, or restore elsewhere."
        )


def _restored(folder: Path, part: Path, file: Stored) -> None:
    source, target = _object(folder, file.sha256), part / file.path
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_file():
        raise StoreDamaged(
            str(source), f"{file.path} is missing from the backup", "Use another backup."
        )
    if copy_hashed(source, target, max_bytes=_LARGEST) != (file.sha256, file.bytes):
        raise StoreDamaged(
            str(source), f"{file.path} was altered in the backup", "Use another backup."
        )
