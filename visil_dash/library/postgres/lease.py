"""One writer per catalogue: an advisory lock that the server frees when its holder dies.

The lock belongs to the connection by which the writer makes its changes. If that is lost, another
process may become the writer: whoever does counts `epoch` up, and a change of any earlier epoch is
refused by the same statement that begins it.
"""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RootTransaction

from visil_dash.errors import StoreError, StoreReadOnly
from visil_dash.library.postgres.errors import BUSY_SECONDS

# Beside the tables of every catalogue: one row of what several processes share. `commits` is
# another number after each change; `holder` and `folder` describe the last writer.
shared = sa.Table(
    "shared",
    sa.MetaData(),
    sa.Column("library", sa.Text, primary_key=True),
    sa.Column("commits", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
)


def counted(connection: Connection) -> int:
    """Counts a change, the first statement of it; waits for others to end. Returns the epoch."""
    change = shared.update().values(commits=shared.c.commits + 1).returning(shared.c.epoch)
    return int(connection.execute(change).scalar_one())


def lock_is_free(engine: Engine, library: str) -> bool:
    """Without taking the lock even for a moment, which would turn a new writer away."""
    key = _key(library) % 2**64
    held = sa.text(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1"
        " AND classid::bigint = :high AND objid::bigint = :low"
    )
    with engine.connect() as connection, connection.begin():
        values = {"high": key >> 32, "low": key % 2**32}
        return int(connection.execute(held, values).scalar_one()) == 0


class WriterLease:
    """Held from `take` to `release` or the end of the process. Safe to share between threads."""

    def __init__(self, engine: Engine, library: str, folder: Path) -> None:
        self._engine, self._library, self._folder = engine, library, folder
        self._connection: Connection | None = None
        self._epoch = 0
        self._one = Lock()

    def take(self) -> None:
        """Raises StoreReadOnly where another process holds it."""
        connection = self._locked()
        try:
            with connection.begin():
                taken = shared.update().values(
                    commits=shared.c.commits + 1,
                    epoch=shared.c.epoch + 1,
                    holder=f"{_process()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
                    folder=str(self._folder),
                )
                asked = taken.returning(shared.c.epoch)
                self._epoch = int(connection.execute(asked).scalar_one())
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One change. Raises StoreReadOnly where another process became the writer meanwhile."""
        if not self._one.acquire(timeout=BUSY_SECONDS):
            raise StoreError(f"The catalogue was busy for {BUSY_SECONDS} seconds. Try again.")
        try:
            begun = self._begun()
            with begun:
                yield begun.connection
        finally:
            self._one.release()

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # ends the session, and with it the lock
            connection.close()

    def _begun(self) -> RootTransaction:
        """A transaction, which has counted itself, of the connection that holds the lock. A server
        that was started again costs one more try."""
        if self._connection is not None and self._connection.invalidated:
            self.release()
        if self._connection is not None:
            try:
                return self._first(self._connection)
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self.release()
        self._connection = self._locked()
        return self._first(self._connection)

    def _first(self, connection: Connection) -> RootTransaction:
        begun = connection.begin()
        try:
            epoch = counted(connection)
            if epoch != self._epoch:
                raise StoreReadOnly(
                    f"The connection to the catalogue's server was lost, and {holder(connection)}"
                    " became the writer meanwhile. Make changes there, or close it and open the"
                    " library again."
                )
        except BaseException:
            begun.close()
            raise
        return begun

    def _locked(self) -> Connection:
        connection = self._engine.connect()
        try:
            with connection.begin():
                asked = sa.select(sa.func.pg_try_advisory_lock(_key(self._library)))
                if not connection.execute(asked).scalar_one():
                    raise StoreReadOnly(
                        f"another visil_dash ({holder(connection)}) is the writer of this"
                        " catalogue. Make changes there, or close it and open this one again."
                    )
        except BaseException:
            connection.close()
            raise
        return connection


def holder(connection: Connection) -> str:
    """Who the last writer is or was."""
    row = connection.execute(sa.select(shared.c.holder, shared.c.folder)).one()
    return f"{row.holder}, folder {row.folder}"


def _process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _key(library: str) -> int:
    """The number of the library's advisory lock."""
    digest = hashlib.sha256(f"visil_dash writer {library}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
