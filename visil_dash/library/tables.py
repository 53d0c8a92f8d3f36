"""The catalogue's tables and the numbered migrations that make them."""

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

metadata = MetaData()


def _keys(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, primary_key=True) for name in names]


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


videos = Table(
    "videos",
    metadata,
    *_keys("video_id"),
    *_texts("name", "info", "added", "tags", "row_check"),
    *_numbers("ordinal", "bytes", "frames"),
)
names = Table("names", metadata, *_keys("video_id", "name"), *_texts("added", "row_check"))
places = Table(
    "places", metadata, *_keys("video_id", "place"), *_texts("name", "added", "row_check")
)
in_place = Table(
    "in_place",
    metadata,
    *_keys("video_id", "place"),
    *_texts("seen", "added", "row_check"),
    *_numbers("bytes", "modified", "changed", "inode"),
)
features = Table(
    "features",
    metadata,
    *_keys("video_id", "extractor"),
    *_texts("sha256", "weights_sha256", "added", "row_check"),
    *_numbers("bytes", "frames", "regions", "dim"),
)
settings = Table("settings", metadata, *_keys("key"), *_texts("value", "updated", "row_check"))
counters = Table("counters", metadata, *_keys("name"), *_numbers("value"), *_texts("row_check"))
removals = Table("removals", metadata, *_keys("video_id"))
jobs = Table(
    "jobs",
    metadata,
    *_keys("job_id"),
    *_texts("name", "source", "staged", "state", "reason", "video_id", "duplicate_of", "updated"),
    *_numbers("position"),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_place", Integer, nullable=False),
)
reductions = Table(
    "reductions",
    metadata,
    *_keys("extractor", "reduction_id"),
    *_texts("method", "sha256", "added", "row_check"),
    *_numbers("input_dim", "dim"),
)
generations = Table(
    "generations",
    metadata,
    *_keys("extractor", "reduction_id"),
    Column("number", BigInteger, primary_key=True),
    *_texts("manifest_sha256", "added", "row_check"),
    *_numbers("frames", "dim"),
)
# A pair's ids are in order, so that it has one label; `query` says which of the two asked.
labels = Table(
    "labels",
    metadata,
    *_keys("first", "second"),
    *_texts("query", "verdict", "relation", "source", "updated", "row_check"),
)
label_notes = Table(
    "label_notes", metadata, *_keys("first", "second"), *_texts("note", "row_check")
)
migrations = Table(
    "migrations",
    metadata,
    Column("version", Integer, primary_key=True),
    *_texts("applied", "library_version"),
)

# What the tables above are: the newest of the scripts in migrations/versions.
SCHEMA = 7

# Closed, and never edited: every library began with these. A change of the tables is an Alembic
# script in migrations/versions. Plain SQL that PostgreSQL takes as well.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE videos (video_id TEXT PRIMARY KEY NOT NULL, ordinal BIGINT NOT NULL UNIQUE, "
        "name TEXT NOT NULL, bytes BIGINT NOT NULL, info TEXT NOT NULL, added TEXT NOT NULL, "
        "frames BIGINT NOT NULL, tags TEXT NOT NULL, row_check TEXT NOT NULL)",
        "CREATE TABLE names (video_id TEXT NOT NULL, name TEXT NOT NULL, added TEXT NOT NULL, "
        "row_check TEXT NOT NULL, PRIMARY KEY (video_id, name))",
        "CREATE TABLE features (video_id TEXT NOT NULL, extractor TEXT NOT NULL, "
        "sha256 TEXT NOT NULL, bytes BIGINT NOT NULL, frames BIGINT NOT NULL, "
        "regions BIGINT NOT NULL, dim BIGINT NOT NULL, weights_sha256 TEXT NOT NULL, "
        "added TEXT NOT NULL, row_check TEXT NOT NULL, PRIMARY KEY (video_id, extractor))",
        "CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, "
        "updated TEXT NOT NULL, row_check TEXT NOT NULL)",
        "CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value BIGINT NOT NULL, "
        "row_check TEXT NOT NULL)",
        "CREATE TABLE removals (video_id TEXT PRIMARY KEY NOT NULL)",
    ),
    (
        "CREATE TABLE jobs (job_id TEXT PRIMARY KEY NOT NULL, position BIGINT NOT NULL, "
        "name TEXT NOT NULL, source TEXT NOT NULL, staged TEXT NOT NULL, state TEXT NOT NULL, "
        "done DOUBLE PRECISION NOT NULL, total DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, "
        "video_id TEXT NOT NULL, duplicate_of TEXT NOT NULL, attempts INTEGER NOT NULL, "
        "updated TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE reductions (extractor TEXT NOT NULL, reduction_id TEXT NOT NULL, "
        "method TEXT NOT NULL, sha256 TEXT NOT NULL, input_dim BIGINT NOT NULL, "
        "dim BIGINT NOT NULL, added TEXT NOT NULL, row_check TEXT NOT NULL, "
        "PRIMARY KEY (extractor, reduction_id))",
        "CREATE TABLE generations (extractor TEXT NOT NULL, reduction_id TEXT NOT NULL, "
        "number BIGINT NOT NULL, manifest_sha256 TEXT NOT NULL, frames BIGINT NOT NULL, "
        "dim BIGINT NOT NULL, added TEXT NOT NULL, row_check TEXT NOT NULL, "
        "PRIMARY KEY (extractor, reduction_id, number))",
    ),
    (
        "CREATE TABLE labels (first TEXT NOT NULL, second TEXT NOT NULL, query TEXT NOT NULL, "
        "verdict TEXT NOT NULL, relation TEXT NOT NULL, source TEXT NOT NULL, "
        "updated TEXT NOT NULL, row_check TEXT NOT NULL, PRIMARY KEY (first, second))",
    ),
    (
        "CREATE TABLE places (video_id TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, "
        "added TEXT NOT NULL, row_check TEXT NOT NULL, PRIMARY KEY (video_id, place))",
    ),
    (
        "CREATE TABLE label_notes (first TEXT NOT NULL, second TEXT NOT NULL, note TEXT NOT NULL, "
        "row_check TEXT NOT NULL, PRIMARY KEY (first, second))",
    ),
    (
        "CREATE TABLE in_place (video_id TEXT NOT NULL, place TEXT NOT NULL, seen TEXT NOT NULL, "
        "bytes BIGINT NOT NULL, modified BIGINT NOT NULL, changed BIGINT NOT NULL, "
        "inode BIGINT NOT NULL, added TEXT NOT NULL, row_check TEXT NOT NULL, "
        "PRIMARY KEY (video_id, place))",
        "ALTER TABLE jobs ADD COLUMN in_place INTEGER NOT NULL DEFAULT 0",
    ),
)
