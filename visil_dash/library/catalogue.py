"""The catalogue: SQLAlchemy Core tables on SQLite, numbered migrations, checked rows.

WAL with synchronous=FULL: a transaction that returned is on disk. SQLite does not checksum its
pages, so each row that matters carries the checksum of its own columns in `row_check`; a changed
byte is either seen by SQLite's integrity check, by a row's checksum, or lies where nothing is
stored.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import PoolProxiedConnection

import visil_dash
from visil_dash.errors import (
    DiskFull,
    StoreDamaged,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.library.blobs import StepHook, no_step
from visil_dash.library.tables import (
    MIGRATIONS,
    SCHEMA,
    counters,
    features,
    generations,
    label_notes,
    labels,
    migrations,
    names,
    places,
    reductions,
    settings,
    videos,
)

CATALOGUE_NAME = "catalogue.db"
_CHECKED = (
    videos,
    names,
    places,
    features,
    settings,
    counters,
    reductions,
    generations,
    labels,
    label_notes,
)
_BUSY_SECONDS = 30.0  # neither a viewer's read nor a writer's commit takes this long


def now() -> str:
    """UTC in ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Catalogue:
    """Transactions on one catalogue file. Safe to share between threads."""

    kind = f"SQLite, {CATALOGUE_NAME}"  # as shown to people

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watcher: PoolProxiedConnection | None = None
        self._watching = Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _translated_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Commits on leaving and has then reached the disk; rolls back on any exception."""
        with (
            _translated_errors(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def changes(self) -> int:
        """A number that is another one after each commit, by whichever thread or process."""
        with _translated_errors(), self._watching:
            if self._watcher is None:
                self._watcher = self._engine.raw_connection()
            cursor = self._watcher.cursor()
            try:
                cursor.execute("PRAGMA data_version")
                [(version,)] = cursor.fetchall()
                return int(version)
            finally:
                cursor.close()

    @contextmanager
    def beside(self, folder: Path) -> Iterator["Catalogue"]:
        """Lasts for one change by a process that is not the library's writer."""
        if not (folder / CATALOGUE_NAME).is_file():
            raise StoreReadOnly(f"{folder}: its catalogue was moved. Open the library again.")
        own = Catalogue(catalogue_engine(folder / CATALOGUE_NAME, read_only=False))
        try:
            yield own
        finally:
            own.close()

    def has_no_writer(self) -> bool:
        """Whether a process that holds the lock of the folder may write by it."""
        return True

    def close(self) -> None:
        with self._watching:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
        self._engine.dispose()


def open_catalogue(folder: Path, *, read_only: bool, step: StepHook = no_step) -> Catalogue:
    """Opens, checks and (writer only) migrates the catalogue of a data folder.

    Raises StoreDamaged when SQLite's integrity check or a row's checksum fails, StoreMismatch for
    a store made by a newer program, or by an older one when read-only.
    """
    path = folder / CATALOGUE_NAME
    catalogue = Catalogue(catalogue_engine(path, read_only=read_only))
    if read_only and not _opens(catalogue) and not _has_log(path):
        # A disk without room for SQLite's shared memory. Without a log the file holds everything.
        catalogue.close()
        catalogue = Catalogue(catalogue_engine(path, read_only=True, immutable=True))
    try:
        with catalogue.read() as connection:
            problems = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
            if list(problems) != ["ok"]:
                raise StoreDamaged(f"{path.name}: {'; '.join(map(str, problems))[:300]}")
            version = schema_version(connection)
        if is_older(folder, version, read_only=read_only):
            if version:
                _backup(path, path.with_name(f"{path.name}.schema{version}.backup"))
            migrate(catalogue, step=step)
        check_all_rows(catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def is_older(folder: Path, version: int, *, read_only: bool) -> bool:
    """Whether a catalogue must be brought up to date. Raises StoreMismatch where this program
    cannot do that."""
    if version > SCHEMA:
        raise StoreMismatch(
            f"{folder}: the library was made by a newer visil_dash (schema {version}, this "
            f"program knows {SCHEMA}). Update visil_dash; nothing was changed."
        )
    if version < SCHEMA and read_only:
        raise StoreMismatch(
            f"{folder}: the library has the older schema {version}. Open it once as its "
            "writer to bring it up to date."
        )
    return version < SCHEMA


def check_all_rows(catalogue: Catalogue) -> None:
    """Raises StoreDamaged for a row that was altered."""
    with catalogue.read() as connection:
        for table in _CHECKED:
            checked_rows(connection, table)


def _opens(catalogue: Catalogue) -> bool:
    try:
        with catalogue.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except StoreDamaged:
        return True  # the checks that follow say what is wrong
    except StoreError:
        return False
    return True


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def schema_version(connection: Connection) -> int:
    if not sa.inspect(connection).has_table(migrations.name):
        return 0
    return int(connection.execute(sa.select(sa.func.max(migrations.c.version))).scalar() or 0)


def migrate(catalogue: Catalogue, *, upto: int = SCHEMA, step: StepHook = no_step) -> None:
    """Brings the tables up to schema `upto`, each numbered migration in a transaction of its own,
    what comes after them (see migrations/) in one."""
    with catalogue.write() as connection:
        migrations.create(connection, checkfirst=True)
        version = schema_version(connection)
    for number in range(version + 1, min(upto, len(MIGRATIONS)) + 1):
        with catalogue.write() as connection:
            apply_numbered(connection, number, step=step)
            step("migrate:before-commit")
        step("migrate:committed")
    if upto > len(MIGRATIONS):
        from visil_dash.library.migrations import run_scripts

        with catalogue.write() as connection:
            run_scripts(connection)
            step("migrate:before-commit")
        step("migrate:committed")


def apply_numbered(connection: Connection, number: int, *, step: StepHook = no_step) -> None:
    """One of MIGRATIONS, counted from 1, in the caller's transaction."""
    for statement in MIGRATIONS[number - 1]:
        connection.exec_driver_sql(statement)
        step("migrate:statement")
    note_version(connection, number)


def note_version(connection: Connection, number: int) -> None:
    connection.execute(
        migrations.insert().values(
            version=number, applied=now(), library_version=visil_dash.__version__
        )
    )


def put_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Inserts or replaces the row with this primary key, with its checksum."""
    keys = [column.name for column in table.primary_key]
    connection.execute(table.delete().where(*(table.c[key] == row[key] for key in keys)))
    connection.execute(table.insert().values(**row, row_check=row_check(table, row)))


def checked_rows(
    connection: Connection,
    table: Table,
    *where: sa.ColumnElement[bool],
    skip_damaged: bool = False,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """Rows in primary-key order without their checksum, the first `most` or all; raises
    StoreDamaged for a changed row."""
    rows = []
    query = sa.select(table).where(*where).limit(most)
    for found in connection.execute(query).mappings():
        row = dict(found)
        if row.pop("row_check") == row_check(table, row):
            rows.append(row)
        elif not skip_damaged:
            raise StoreDamaged(f"{CATALOGUE_NAME}: a row of table {table.name} was altered")
    # By code points, whatever the order of texts is in a server's language.
    return sorted(rows, key=lambda row: [row[column.name] for column in table.primary_key])


def row_check(table: Table, row: Mapping[str, Any]) -> str:
    columns = [table.name, *sorted((key, value) for key, value in row.items())]
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]


def next_count(connection: Connection, name: str, *, at_least: int = 0) -> int:
    """The next number of a counter; none is given twice, not even after deletions."""
    rows = checked_rows(connection, counters, counters.c.name == name)
    value = max(int(rows[0]["value"]) + 1 if rows else 1, at_least)
    put_row(connection, counters, {"name": name, "value": value})
    return value


def current_count(connection: Connection, name: str) -> int:
    rows = checked_rows(connection, counters, counters.c.name == name)
    return int(rows[0]["value"]) if rows else 0


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turns SQLite's errors into those of this package, each with its remedy."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        text = str(error.orig)
        if "full" in text:
            raise DiskFull(
                "The disk is full: nothing was changed. Free some space and try again."
            ) from error
        if "disk I/O error" in text:  # of the device, not of what is stored on it
            raise StoreError(
                f"The catalogue cannot be read or written ({text}): nothing was changed. Check the "
                "disk and its free space, and try again."
            ) from error
        if "locked" in text or "busy" in text:
            raise StoreError(
                f"The catalogue was busy for {_BUSY_SECONDS:.0f} seconds. Try again."
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise StoreError(
                f"The catalogue cannot be opened ({text}). Check the folder's permissions."
            ) from error
        if isinstance(error, sa.exc.IntegrityError):
            raise
        raise StoreDamaged(f"{CATALOGUE_NAME}: {text}") from error
    except UnicodeDecodeError as error:
        raise StoreDamaged(f"{CATALOGUE_NAME}: a text is not UTF-8 ({error.reason})") from error


def catalogue_engine(path: Path, *, read_only: bool, immutable: bool = False) -> Engine:
    """An engine on a catalogue file, which may be damaged; the writer's makes a missing one.

    `immutable`: nothing is written beside it, and nobody else may change it.
    """
    writable = os.access(path.parent, os.W_OK) and not immutable

    def connect() -> sqlite3.Connection:
        # A viewer of a WAL database needs its shared-memory file, so it opens read-write with
        # queries only; a folder that cannot be written has no writer and is taken as immutable.
        mode = "rwc" if not read_only else "rw" if writable else "ro&immutable=1"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if read_only:
                connection.execute("PRAGMA query_only=ON")
            else:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.QueuePool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads and then writes must not lose a race in between.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _backup(source: Path, target: Path) -> None:
    reader = sqlite3.connect(source)
    writer = sqlite3.connect(target)
    try:
        reader.backup(writer)
    finally:
        writer.close()
        reader.close()


def quarantine(path: Path, folder: Path) -> Path:
    """Moves a damaged file or folder to the quarantine folder and returns its new path."""
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = folder / f"{stamp}-{path.name}"
    shutil.move(path, target)
    return target
