"""A damaged or lost catalogue is set aside and remade from its sound rows and the blobs.

Blobs check themselves and carry the name, size and media facts of their video, so a library
whose catalogue is gone loses only tags, later names, labels and settings.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.errors import NotFound, StoreDamaged, StoreError, StoreMismatch, StoreReadOnly
from visil_dash.library import tables
from visil_dash.library.blobs import (
    FeatureManifest,
    StepHook,
    decode_features,
    sha256_hex,
)
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    Catalogue,
    catalogue_engine,
    checked_rows,
    next_count,
    open_catalogue,
    put_row,
    quarantine,
)
from visil_dash.library.in_place.rows import UNKNOWN, FileInPlace, files_in_place, put_in_place
from visil_dash.library.names import put_place
from visil_dash.library.paths import media_file, path_of, safe_id
from visil_dash.library.postgres.opening import (
    Cluster,
    cluster_of,
    open_as_writer,
    open_to_read,
)
from visil_dash.library.remote.record import stored_record
from visil_dash.library.rows import put_feature_row
from visil_dash.library.verification import media_problem
from visil_dash.library.wal import wal_damage
from visil_dash.records import JobState
from visil_dash.settings import Settings

_Row = dict[str, Any]
# What is copied from a damaged catalogue, and what a user calls that which no other file holds.
_KEPT = {
    tables.videos: "tags",
    tables.names: "further names",
    tables.places: "the folders they were added from",
    tables.in_place: "the places of files in place",
    tables.settings: "settings with thresholds",
    tables.counters: "",
    tables.labels: "labels",
    tables.label_notes: "notes of labels",
}
_ALL = [what for what in _KEPT.values() if what]


def viewers_catalogue(folder: Path, *, settings: Settings) -> Catalogue:
    """Raises NotFound where there is none, and as open_catalogue does."""
    cluster = cluster_of(folder, settings)
    if cluster is not None:
        catalogue = open_to_read(folder, cluster)
        if catalogue is not None:
            return catalogue
    elif (folder / CATALOGUE_NAME).is_file():
        return open_catalogue(folder, read_only=True)
    raise NotFound(f"{folder}: no library here. Add a video to make one.")


def writers_catalogue(
    folder: Path, *, settings: Settings, notices: list[str], step: StepHook, must: bool
) -> tuple[Catalogue | None, str, bool]:
    """The writer's catalogue; None and the reason where another machine's process writes by it
    (then also True), or the disk has no room for its log, unless it `must` be opened."""
    cluster = cluster_of(folder, settings)
    if cluster is not None:
        try:
            return _open_in_cluster(folder, cluster, notices=notices, step=step), "", False
        except StoreReadOnly as error:
            return None, str(error), True
    if settings.catalogue.get_secret_value() and (folder / CATALOGUE_NAME).is_file():
        notices.append(
            f"This library's catalogue is still the file {CATALOGUE_NAME}: VISIL_DASH_CATALOGUE is"
            " for new libraries. Move it there: python -m visil_dash catalogue move."
        )
    try:
        return open_or_recover(folder, notices=notices, step=step), "", False
    except (StoreDamaged, StoreMismatch):
        raise
    except StoreError as error:
        if must or not (folder / CATALOGUE_NAME).is_file():
            raise
        return None, str(error), False


def open_or_recover(folder: Path, *, notices: list[str], step: StepHook) -> Catalogue:
    """The writer's way to the catalogue; appends to `notices` what was repaired."""
    path = folder / CATALOGUE_NAME
    _make_folders(folder)
    damage, salvaged, lost = "", dict[str, list[_Row]](), list[str]()
    if path.exists() and path.stat().st_size:
        damage = wal_damage(path)
    elif any((folder / "media").iterdir()):
        damage, lost = "it was missing", _ALL
        _quarantine_catalogue(path)
    try:
        catalogue = open_catalogue(folder, read_only=False, step=step)
    except StoreDamaged as error:
        damage = damage or str(error)
        salvaged, lost = _salvage(path)
        _quarantine_catalogue(path)
        catalogue = open_catalogue(folder, read_only=False, step=step)
    _bring_back(folder, catalogue, notices, damage, salvaged, lost)
    return catalogue


def _open_in_cluster(
    folder: Path, cluster: Cluster, *, notices: list[str], step: StepHook
) -> Catalogue:
    """As open_or_recover. A damaged catalogue is not set aside: its server has dumps of it."""
    _make_folders(folder)
    lost = cluster.marker is None and any((folder / "media").iterdir())
    catalogue = open_as_writer(folder, cluster, step=step)
    damage, what = ("it was missing", _ALL) if lost else ("", [])
    _bring_back(folder, catalogue, notices, damage, {}, what)
    return catalogue


def _make_folders(folder: Path) -> None:
    for name in ("media", "features", "incoming"):
        (folder / name).mkdir(exist_ok=True)


def _bring_back(
    folder: Path,
    catalogue: Catalogue,
    notices: list[str],
    damage: str,
    salvaged: dict[str, list[_Row]],
    lost: list[str],
) -> None:
    """Restores what the catalogue lacks, with a notice; closes it on any error."""
    try:
        blobs = _blobs_without_row(folder, catalogue)
        in_store = stored_record(folder, catalogue) is not None
        if in_store and not damage:  # copies of what another machine removed, or of no commit
            for path in blobs:
                path.unlink(missing_ok=True)
            return
        if damage or blobs:
            restored = _restore(folder, catalogue, blobs, salvaged, in_store=in_store)
            if damage or restored:
                notices.append(
                    f"The catalogue was damaged ({damage or 'its last changes were missing'}); "
                    f"{restored} videos were restored from their files. {_fate(lost)}"
                )
    except BaseException:
        catalogue.close()
        raise


def _fate(lost: list[str]) -> str:
    """What became of that which only the catalogue holds."""
    if not lost:
        return "Check names, tags, labels and settings: their last changes may be missing."
    return (
        f"Lost, wholly or in part: {', '.join(lost)}. A backup brings them back: python -m "
        "visil_dash restore; what was damaged is kept in quarantine/."
    )


def _quarantine_catalogue(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            quarantine(part, path.parent / "quarantine")


def _blobs_without_row(folder: Path, catalogue: Catalogue) -> list[Path]:
    """Feature blobs without a row that no removal has left and no job is about to commit."""
    with catalogue.read() as connection:
        known = {
            (row["extractor"], row["video_id"]) for row in checked_rows(connection, tables.features)
        }
        expected = set(connection.execute(tables.removals.select()).scalars())
        for job in connection.execute(tables.jobs.select()).mappings():
            if not JobState(job["state"]).ended:
                expected.add(job["video_id"])
    return [
        path
        for path in sorted(folder.glob("features/*/*.safetensors"))
        if (path.parent.name, path.stem) not in known and path.stem not in expected
    ]


def _salvage(path: Path) -> tuple[dict[str, list[_Row]], list[str]]:
    """Rows whose checksums hold, as far as SQLite can still read them, and what was lost."""
    kept, lost = dict[str, list[_Row]](), list[str]()
    engine = catalogue_engine(path, read_only=True)
    try:
        for table in _KEPT:
            try:
                with Catalogue(engine).read() as connection:
                    rows = checked_rows(connection, table, skip_damaged=True)
                    count = connection.execute(sa.select(sa.func.count()).select_from(table))
                    whole = len(rows) == count.scalar_one()
            except (StoreError, sa.exc.SQLAlchemyError):
                rows, whole = [], False
            kept[table.name] = rows
            lost += [_KEPT[table]] if _KEPT[table] and not whole else []
    finally:
        engine.dispose()
    return kept, lost


def _restore(
    folder: Path,
    catalogue: Catalogue,
    paths: list[Path],
    salvaged: dict[str, list[_Row]],
    *,
    in_store: bool,
) -> int:
    """Puts salvaged rows and the videos and features of sound blobs into the catalogue; with media
    `in_store` also of videos whose file is not here.

    Returns how many videos were restored, wholly or with their features alone.
    """
    blobs = [blob for blob in map(_sound_blob, paths) if blob is not None]
    wanted = {row["video_id"]: row for row in salvaged.get("videos", [])}
    for blob in blobs:
        wanted.setdefault(blob.video_id, blob.video_row)
    with catalogue.write() as connection:
        present = {row["video_id"] for row in checked_rows(connection, tables.videos)}
        outside = {row["video_id"] for row in salvaged.get("in_place", [])}
        outside |= {blob.video_id for blob in blobs if blob.in_place}
        outside |= {v for v in wanted if in_store and not media_file(folder, v).is_file()}
        restored = _restore_videos(connection, folder, wanted, salvaged, outside)
        known = present | restored
        _restore_names_and_places(connection, restored, salvaged, blobs)
        for row in salvaged.get("settings", []):
            put_row(connection, tables.settings, row)
        _restore_labels(connection, known, salvaged)
        for blob in blobs:
            if blob.video_id in known:
                put_feature_row(
                    connection,
                    blob.manifest,
                    video_id=blob.video_id,
                    frames=blob.video_row["frames"],
                    sha256=blob.sha256,
                    size=blob.bytes,
                )
                restored.add(blob.video_id)
    return len(restored)


def _restore_names_and_places(
    connection: Connection,
    restored: set[str],
    salvaged: dict[str, list[_Row]],
    blobs: "list[_Blob]",
) -> None:
    """Those of restored videos. Places of files in place are those that blobs name where the
    catalogue lost them; nothing is known of them until they are read."""
    for table in (tables.names, tables.places, tables.in_place):
        for row in salvaged.get(table.name, []):
            if row["video_id"] in restored:
                put_row(connection, table, row)
    for blob in blobs:
        known = files_in_place(connection, blob.video_id)
        for place in blob.in_place if blob.video_id in restored and not known else ():
            put_place(connection, blob.video_id, blob.video_row["name"], place)
            put_in_place(connection, FileInPlace(blob.video_id, path_of(place), UNKNOWN))


def _restore_labels(
    connection: Connection, known: set[str], salvaged: dict[str, list[_Row]]
) -> None:
    """Labels and notes of pairs whose videos are both there."""
    for table in (tables.labels, tables.label_notes):
        for row in salvaged.get(table.name, []):
            if row["first"] in known and row["second"] in known:
                put_row(connection, table, row)


def _restore_videos(
    connection: Connection,
    folder: Path,
    wanted: dict[str, _Row],
    salvaged: dict[str, list[_Row]],
    outside: set[str],
) -> set[str]:
    """Adds the rows of `wanted` whose media file is sound, under ordinals that are not in use.

    Those of files in place (`outside`) are added in any case: a disk may be away, and come back.
    The counters go on from the highest number ever given.
    """
    present = checked_rows(connection, tables.videos)
    ids = {row["video_id"] for row in present}
    used = {row["ordinal"] for row in present}
    top = max([0, *used, *(row["ordinal"] for row in wanted.values())])
    restored = set[str]()
    for video_id, row in sorted(wanted.items(), key=lambda item: int(item[1]["ordinal"])):
        media = media_file(folder, video_id)
        if video_id in ids:
            continue
        if video_id not in outside and media_problem(media, video_id):
            continue
        if row["ordinal"] in used:
            top += 1
            row = row | {"ordinal": top}
        used.add(row["ordinal"])
        put_row(connection, tables.videos, row)
        restored.add(video_id)
    counts = {row["name"]: int(row["value"]) for row in salvaged.get("counters", [])}
    next_count(connection, "ordinal", at_least=max(top, counts.get("ordinal", 0)))
    next_count(connection, "revision", at_least=counts.get("revision", 0) + 1)
    return restored


@dataclass(frozen=True)
class _Blob:
    """A sound feature blob with the row of its video as it was when the blob was written."""

    video_id: str
    manifest: FeatureManifest
    sha256: str
    bytes: int
    video_row: _Row
    in_place: tuple[str, ...] = ()


def _sound_blob(path: Path) -> _Blob | None:
    """None for a damaged blob: `verify` reports it, and adding the video again remakes it."""
    data = path.read_bytes()
    try:
        features, manifest, origin = decode_features(data, name=str(path))
        row = {
            "video_id": safe_id(features.video_id),
            "ordinal": int(str(origin["ordinal"])),
            "name": str(origin["name"]),
            "bytes": int(str(origin["bytes"])),
            "info": json.dumps(origin["info"], sort_keys=True),
            "added": str(origin["added"]),
            "frames": len(features),
            "tags": "[]",
        }
        in_place = origin.get("in_place", [])  # older blobs have none
    except (StoreError, KeyError, ValueError):
        return None
    if (features.extractor, features.video_id) != (path.parent.name, path.stem):
        return None
    places = tuple(map(str, in_place)) if isinstance(in_place, list) else ()
    return _Blob(features.video_id, manifest, sha256_hex(data), len(data), row, places)
