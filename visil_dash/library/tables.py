"""The catalogue's tables and the numbered migrations that make them."""

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

metadata = MetaData()
videos = Table(
    "videos",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("info", Text, nullable=False),
    Column("added", Text, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("tags", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
names = Table(
    "names",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("added", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
features = Table(
    "features",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("extractor", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("regions", BigInteger, nullable=False),
    Column("dim", BigInteger, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("added", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("row_check", Text, nullable=False),
)
removals = Table("removals", metadata, Column("video_id", Text, primary_key=True))
jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("staged", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("duplicate_of", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("updated", Text, nullable=False),
)
reductions = Table(
    "reductions",
    metadata,
    Column("extractor", Text, primary_key=True),
    Column("reduction_id", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("input_dim", BigInteger, nullable=False),
    Column("dim", BigInteger, nullable=False),
    Column("added", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
generations = Table(
    "generations",
    metadata,
    Column("extractor", Text, primary_key=True),
    Column("reduction_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("manifest_sha256", Text, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("dim", BigInteger, nullable=False),
    Column("added", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
labels = Table(
    "labels",
    metadata,
    Column("first", Text, primary_key=True),  # the pair's ids in order: one label for a pair
    Column("second", Text, primary_key=True),
    Column("query", Text, nullable=False),  # which of the two asked
    Column("verdict", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("row_check", Text, nullable=False),
)
migrations = Table(
    "migrations",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied", Text, nullable=False),
    Column("library_version", Text, nullable=False),
)

# Never edit a published migration: append one. Plain SQL that PostgreSQL takes as well.
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
)
