"""A damaged or lost catalogue is set aside and remade from its sound rows and the blobs.

Blobs check themselves and carry the name, size and media facts of their video, so a library
whose catalogue is gone loses only tags, later names and settings.
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
    checked_rows,
    next_count,
    open_catalogue,
    put_row,
    read_engine,
    set_aside,
)
from visil_dash.library.rows import put_feature_row
from visil_dash.library.wal import wal_damage


def open_or_recover(folder: Path, *, notices: list[str], step: Step) -> Catalogue:
    """The writer's way to the catalogue; appends to `notices` what was repaired."""
    path = folder / CATALOGUE_NAME
    for name in ("media", "features", "incoming"):
        (folder / name).mkdir(exist_ok=True)
    damage = wal_damage(path) if path.exists() else ""
    lost = not path.exists() and any((folder / "media").iterdir())
    salvaged: dict[str, list[dict[str, Any]]] = {}
    try:
        catalogue = open_catalogue(folder, read_only=False, step=step)
    except StoreDamaged as error:
        damage = damage or str(error)
        salvaged = _salvage(path)
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                set_aside(part, folder / "quarantine")
        catalogue = open_catalogue(folder, read_only=False, step=step)
    if damage or lost:
        try:
            restored = _restore(folder, catalogue, salvaged)
        except BaseException:
            catalogue.close()
            raise
        reason = f"was damaged ({damage})" if damage else "was gone"
        notices.append(
            f"The catalogue {reason} and was remade: {restored} videos were restored from their "
            "files. Check names, tags and settings."
        )
    return catalogue


def _salvage(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows whose checksums hold, as far as SQLite can still read them."""
    kept: dict[str, list[dict[str, Any]]] = {}
    engine = read_engine(path)
    try:
        for table in (tables.videos, tables.names, tables.settings, tables.counters):
            try:
                with Catalogue(engine).read() as connection:
                    kept[table.name] = checked_rows(connection, table, skip_damaged=True)
            except (StoreError, sa.exc.SQLAlchemyError):
                kept[table.name] = []
    finally:
        engine.dispose()
    return kept


def _restore(folder: Path, catalogue: Catalogue, salvaged: dict[str, list[dict[str, Any]]]) -> int:
    rows = {row["video_id"]: row for row in salvaged.get("videos", [])}
    blobs = []
    for path in sorted(folder.glob("features/*/*.safetensors")):
        data = path.read_bytes()
        try:
            features, manifest, origin = decode_features(data, name=str(path))
            if (features.extractor, features.video_id) != (path.parent.name, path.stem):
                continue
            row = {
                "video_id": features.video_id,
                "ordinal": int(str(origin["ordinal"])),
                "name": str(origin["name"]),
                "bytes": int(str(origin["bytes"])),
                "info": json.dumps(origin["info"], sort_keys=True),
                "added": str(origin["added"]),
                "frames": len(features),
                "tags": "[]",
            }
        except (StoreError, KeyError, ValueError):
            continue  # `verify` reports it; adding the video again remakes it
        rows.setdefault(safe_id(features.video_id), row)
        blobs.append((manifest, features.video_id, len(features), sha256_hex(data), len(data)))
    with catalogue.write() as connection:
        present = {row["video_id"]: row for row in checked_rows(connection, tables.videos)}
        removed = set(connection.execute(tables.removals.select()).scalars())
        used = {row["ordinal"] for row in present.values()}
        top = max([0, *used, *(row["ordinal"] for row in rows.values())])
        restored = 0
        for video_id, row in sorted(rows.items(), key=lambda item: item[1]["ordinal"]):
            media = folder / "media" / video_id / "original"
            if video_id in present or video_id in removed or not media.is_file():
                continue
            if sha256_file(media)[0] != video_id:
                continue
            if row["ordinal"] in used:
                top += 1
                row = row | {"ordinal": top}
            used.add(row["ordinal"])
            put_row(connection, tables.videos, row)
            present[video_id] = row
            restored += 1
        for name in ("names", "settings"):
            table = tables.metadata.tables[name]
            for row in salvaged.get(name, []):
                if name == "settings" or row["video_id"] in present:
                    put_row(connection, table, row)
        counts = {row["name"]: int(row["value"]) for row in salvaged.get("counters", [])}
        next_count(connection, "ordinal", at_least=max(top, counts.get("ordinal", 0)))
        next_count(connection, "revision", at_least=counts.get("revision", 0) + 1)
        have = {
            (row["video_id"], row["extractor"]) for row in checked_rows(connection, tables.features)
        }
        for manifest, video_id, frames, digest, size in blobs:
            if video_id in present and (video_id, manifest.extractor) not in have:
                put_feature_row(
                    connection,
                    manifest,
                    video_id=video_id,
                    frames=frames,
                    sha256=digest,
                    size=size,
                )
    return restored
