"""A damaged or lost catalogue is set aside and remade from its sound rows and the blobs.

Blobs check themselves and carry the name, size and media facts of their video, so a library
whose catalogue is gone loses only tags, later names, labels and settings.
"""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from visil_dash.errors import StoreDamaged, StoreError
from visil_dash.library import tables
from visil_dash.library.blobs import Step, decode_features, safe_id, sha256_file, sha256_hex
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    Catalogue,
    catalogue_engine,
    checked_rows,
    next_count,
    open_catalogue,
    put_row,
    set_aside,
)
from visil_dash.library.rows import put_feature_row
from visil_dash.library.wal import wal_damage
from visil_dash.records import JobState

Row = dict[str, Any]
KEPT = (tables.videos, tables.names, tables.settings, tables.counters, tables.labels)


def open_or_recover(folder: Path, *, notices: list[str], step: Step) -> Catalogue:
    """The writer's way to the catalogue; appends to `notices` what was repaired."""
    path = folder / CATALOGUE_NAME
    for name in ("media", "features", "incoming"):
        (folder / name).mkdir(exist_ok=True)
    damage, salvaged = "", dict[str, list[Row]]()
    if path.exists() and path.stat().st_size:
        damage = wal_damage(path)
    elif any((folder / "media").iterdir()):
        damage = "it was gone"
        _set_aside(path)
    try:
        catalogue = open_catalogue(folder, read_only=False, step=step)
    except StoreDamaged as error:
        damage = damage or str(error)
        salvaged = _salvage(path)
        _set_aside(path)
        catalogue = open_catalogue(folder, read_only=False, step=step)
    try:
        blobs = _blobs_without_row(folder, catalogue)
        if damage or blobs:
            restored = _restore(folder, catalogue, blobs, salvaged)
            if damage or restored:
                notices.append(
                    f"The catalogue was damaged ({damage or 'its last changes were missing'}); "
                    f"{restored} videos were restored from their files. Check names, tags and "
                    "settings."
                )
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _set_aside(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            set_aside(part, path.parent / "quarantine")


def _blobs_without_row(folder: Path, catalogue: Catalogue) -> list[Path]:
    """Feature blobs that no row knows, that no removal has left and no job is about to commit."""
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


def _salvage(path: Path) -> dict[str, list[Row]]:
    """Rows whose checksums hold, as far as SQLite can still read them."""
    kept: dict[str, list[Row]] = {}
    engine = catalogue_engine(path, read_only=True)
    try:
        for table in KEPT:
            try:
                with Catalogue(engine).read() as connection:
                    kept[table.name] = checked_rows(connection, table, skip_damaged=True)
            except (StoreError, sa.exc.SQLAlchemyError):
                kept[table.name] = []
    finally:
        engine.dispose()
    return kept


def _restore(
    folder: Path, catalogue: Catalogue, paths: list[Path], salvaged: dict[str, list[Row]]
) -> int:
    """Puts salvaged rows and the videos and features of whole blobs into the catalogue."""
    wanted = {row["video_id"]: row for row in salvaged.get("videos", [])}
    blobs = []
    for path in paths:
        data = path.read_bytes()
        try:
            features, manifest, origin = decode_features(data, name=str(path))
            row = _video_row(features.video_id, len(features), origin)
        except (StoreError, KeyError, ValueError):
            continue  # `verify` reports it; adding the video again remakes it
        if (features.extractor, features.video_id) != (path.parent.name, path.stem):
            continue
        wanted.setdefault(safe_id(features.video_id), row)
        blobs.append((manifest, features.video_id, len(features), sha256_hex(data), len(data)))
    with catalogue.write() as connection:
        present = {row["video_id"] for row in checked_rows(connection, tables.videos)}
        used = {row["ordinal"] for row in checked_rows(connection, tables.videos)}
        top = max([0, *used, *(row["ordinal"] for row in wanted.values())])
        restored = set[str]()
        for video_id, row in sorted(wanted.items(), key=lambda item: int(item[1]["ordinal"])):
            media = folder / "media" / video_id / "original"
            if video_id in present or not media.is_file() or sha256_file(media)[0] != video_id:
                continue
            if row["ordinal"] in used:
                top += 1
                row = row | {"ordinal": top}
            used.add(row["ordinal"])
            put_row(connection, tables.videos, row)
            restored.add(video_id)
        for table in (tables.names, tables.settings):
            for row in salvaged.get(table.name, []):
                if table is tables.settings or row["video_id"] in restored:
                    put_row(connection, table, row)
        there = present | restored
        for row in salvaged.get("labels", []):
            if row["first"] in there and row["second"] in there:
                put_row(connection, tables.labels, row)
        counts = {row["name"]: int(row["value"]) for row in salvaged.get("counters", [])}
        next_count(connection, "ordinal", at_least=max(top, counts.get("ordinal", 0)))
        next_count(connection, "revision", at_least=counts.get("revision", 0) + 1)
        for manifest, video_id, frames, digest, size in blobs:
            if video_id in there:
                put_feature_row(
                    connection,
                    manifest,
                    video_id=video_id,
                    frames=frames,
                    sha256=digest,
                    size=size,
                )
                restored.add(video_id)
    return len(restored)


def _video_row(video_id: str, frames: int, origin: dict[str, object]) -> Row:
    return {
        "video_id": video_id,
        "ordinal": int(str(origin["ordinal"])),
        "name": str(origin["name"]),
        "bytes": int(str(origin["bytes"])),
        "info": json.dumps(origin["info"], sort_keys=True),
        "added": str(origin["added"]),
        "frames": frames,
        "tags": "[]",
    }
