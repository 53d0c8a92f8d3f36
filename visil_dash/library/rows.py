"""Between rows of the catalogue and records."""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.errors import NotFound, StoreMismatch
from visil_dash.library import tables
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.catalogue import checked_rows, next_count, now, put_row
from visil_dash.library.paths import utf8_text
from visil_dash.records import Decoded, MediaInfo, VideoRecord


@dataclass(frozen=True)
class FeatureRow:
    """A feature blob as recorded in the catalogue."""

    video_id: str
    ordinal: int
    frames: int
    regions: int
    dim: int
    sha256: str
    weights_sha256: str


def clean_name(name: str) -> str:
    """A file name fit to be shown: no folders, control or bidirectional characters, ≤ 200 long.

    Bytes that are not UTF-8 stay apart from each other, as %E9.
    """
    last = utf8_text(re.split(r"[/\\]", name)[-1])
    kept = "".join(
        c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    return kept.strip()[:200] or "unnamed"


def _info_from_json(text: str) -> MediaInfo:
    fields = json.loads(text)
    return MediaInfo(**(fields | {"verdict": Decoded(fields["verdict"])}))


def video_records(
    connection: Connection, *, video_id: str | None = None
) -> tuple[VideoRecord, ...]:
    """Videos by ordinal; with `video_id` only that one, if it is there."""
    some = video_id is not None
    rows = checked_rows(
        connection, tables.videos, *([tables.videos.c.video_id == video_id] if some else [])
    )
    others = checked_rows(
        connection, tables.names, *([tables.names.c.video_id == video_id] if some else [])
    )
    places = checked_rows(
        connection, tables.places, *([tables.places.c.video_id == video_id] if some else [])
    )
    named, placed = _by_video(others, "name"), _by_video(places, "place")
    rows.sort(key=lambda row: row["ordinal"])
    return tuple(
        _record(row, named.get(row["video_id"], []), placed.get(row["video_id"], []))
        for row in rows
    )


def _by_video(rows: list[dict[str, Any]], column: str) -> dict[str, list[str]]:
    """Values of a column in the order of their arrival, by video."""
    values: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row["added"], row[column])):
        values.setdefault(row["video_id"], []).append(row[column])
    return values


def _record(row: dict[str, Any], others: list[str], places: list[str]) -> VideoRecord:
    return VideoRecord(
        video_id=row["video_id"],
        ordinal=row["ordinal"],
        name=row["name"],
        other_names=tuple(name for name in others if name != row["name"]),
        bytes=row["bytes"],
        info=_info_from_json(row["info"]),
        added=row["added"],
        frames=row["frames"],
        tags=tuple(json.loads(row["tags"])),
        places=tuple(places),
    )


def feature_rows(
    connection: Connection,
    extractor: str,
    video_id: str | None = None,
    *,
    most: int | None = None,
) -> list[FeatureRow]:
    """By ordinal; with `video_id` only that one, with `most` at most that many, whichever."""
    where = [tables.features.c.extractor == extractor]
    if video_id is not None:
        where.append(tables.features.c.video_id == video_id)
    rows = checked_rows(connection, tables.features, *where, most=most)
    known = tables.videos.select().with_only_columns(
        tables.videos.c.video_id, tables.videos.c.ordinal
    )
    if (
        len(rows) <= 100
    ):  # SQLite's parameters are limited, and for more rows the whole table is faster
        known = known.where(tables.videos.c.video_id.in_([row["video_id"] for row in rows]))
    ordinals = {found.video_id: found.ordinal for found in connection.execute(known)}
    made = [
        FeatureRow(
            row["video_id"],
            ordinals[row["video_id"]],
            row["frames"],
            row["regions"],
            row["dim"],
            row["sha256"],
            row["weights_sha256"],
        )
        for row in rows
        if row["video_id"] in ordinals
    ]
    return sorted(made, key=lambda row: row.ordinal)


def put_feature_row(
    connection: Connection,
    manifest: FeatureManifest,
    *,
    video_id: str,
    frames: int,
    sha256: str,
    size: int,
) -> None:
    """Records a blob as the video's features, in the caller's transaction. Raises NotFound."""
    row = {
        "video_id": video_id,
        "extractor": manifest.extractor,
        "sha256": sha256,
        "bytes": size,
        "frames": frames,
        "regions": manifest.regions,
        "dim": manifest.dim,
        "weights_sha256": manifest.weights_sha256,
        "added": now(),
    }
    put_row(connection, tables.features, row)
    video = checked_rows(connection, tables.videos, tables.videos.c.video_id == video_id)
    if not video:
        raise NotFound(f"{video_id}: the video was removed meanwhile.")
    put_row(connection, tables.videos, video[0] | {"frames": frames})
    next_count(connection, "revision")


def refuse_other_making(connection: Connection, manifest: FeatureManifest) -> None:
    """Raises StoreMismatch where other weights or shapes made this extractor's features."""
    expected = (manifest.weights_sha256, manifest.regions, manifest.dim)
    for peer in feature_rows(connection, manifest.extractor, most=1):
        if (peer.weights_sha256, peer.regions, peer.dim) != expected:
            raise StoreMismatch(
                f"{manifest.extractor}: the library holds its features with weights "
                f"{peer.weights_sha256[:8]} as {peer.regions}×{peer.dim}, these are "
                f"{expected[0][:8]} as {expected[1]}×{expected[2]}. Use another extractor id."
            )


def origin_of(record: VideoRecord, in_place: Iterable[str]) -> dict[str, object]:
    """The video's row as a feature blob keeps it, so that a lost catalogue can be remade."""
    return {
        "name": record.name,
        "bytes": record.bytes,
        "info": asdict(record.info),
        "added": record.added,
        "ordinal": record.ordinal,
        "in_place": list(in_place),
    }


def put_new_video(
    connection: Connection, video_id: str, name: str, size: int, info: MediaInfo
) -> None:
    """A video's row, under the next ordinal."""
    row = {
        "video_id": video_id,
        "ordinal": next_count(connection, "ordinal", at_least=_highest(connection) + 1),
        "name": name,
        "bytes": size,
        "info": json.dumps(asdict(info), sort_keys=True),
        "added": now(),
        "frames": 0,
        "tags": "[]",
    }
    put_row(connection, tables.videos, row)
    connection.execute(tables.removals.delete().where(tables.removals.c.video_id == video_id))
    next_count(connection, "revision")


def _highest(connection: Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(tables.videos.c.ordinal))).scalar() or 0)
