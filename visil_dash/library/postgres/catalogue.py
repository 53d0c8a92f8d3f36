"""Transactions on a catalogue in a PostgreSQL schema, as on a file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from visil_dash.errors import StoreReadOnly
from visil_dash.library.catalogue import Catalogue
from visil_dash.library.postgres.address import CatalogueAddress
from visil_dash.library.postgres.errors import BUSY_SECONDS, postgres_errors
from visil_dash.library.postgres.lease import WriterLease, counted, lock_is_free, shared
from visil_dash.library.postgres.marker import Marker

# A search asks several hundred times whether rows in memory are still those of the catalogue.
_LOOK_SECONDS = 0.05
# A machine that lost its power holds the writer's lock for a minute, not for two hours.
_SESSION = (
    f"-c lock_timeout={BUSY_SECONDS}s -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10"
    " -c tcp_keepalives_count=3"
)
_CONNECTING = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds that a sent byte may stay unconfirmed
    "application_name": "visil_dash",
}


def postgres_engine(address: CatalogueAddress, schema: str) -> Engine:
    own = address.url.query.get("options", "")
    options = f"{own if isinstance(own, str) else ' '.join(own)} -c search_path={schema} {_SESSION}"
    return sa.create_engine(
        address.url.difference_update_query(["options"]),
        connect_args=_CONNECTING | {"options": options.strip()},
        pool_pre_ping=True,  # a server that was started again is no error
        hide_parameters=True,
    )


class PostgresCatalogue(Catalogue):
    """As Catalogue. A read sees one moment; changes come one after the other."""

    def __init__(self, address: CatalogueAddress, marker: Marker) -> None:
        super().__init__(postgres_engine(address, marker.schema))
        self._address, self._marker = address, marker
        self._lease: WriterLease | None = None
        self._watch: Connection | None = None
        self._seen = (0, -_LOOK_SECONDS)  # a count of commits, and when it was read
        self.kind = f"PostgreSQL at {address}, schema {marker.schema}"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with postgres_errors(self._address), self._engine.connect() as connection:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Commits on leaving, and the server has then flushed it; rolls back on any exception.

        Raises StoreReadOnly for a viewer, and where another process became the writer meanwhile.
        """
        if self._lease is None:
            raise StoreReadOnly(f"{self._address}: opened to be read; its writer makes changes.")
        with postgres_errors(self._address), self._lease.transaction() as connection:
            yield connection
        with self._watching:  # what this process changed, it sees at once
            self._seen = (0, -_LOOK_SECONDS)

    def take_lease(self, folder: Path) -> None:
        """Makes this process the writer. Raises StoreReadOnly where another one is."""
        lease = WriterLease(self._engine, self._marker.library, folder)
        with postgres_errors(self._address):
            lease.take()
        self._lease = lease

    def has_no_writer(self) -> bool:
        with postgres_errors(self._address):
            return lock_is_free(self._engine, self._marker.library)

    def changes(self) -> int:
        """As Catalogue.changes; those of other processes show after _LOOK_SECONDS at most."""
        with postgres_errors(self._address), self._watching:
            if time.monotonic() - self._seen[1] >= _LOOK_SECONDS:
                began = time.monotonic()
                self._seen = (self._commits(), began)
            return self._seen[0]

    def _commits(self) -> int:
        asked = sa.select(shared.c.commits)
        if self._watch is not None:
            try:
                return int(self._watch.execute(asked).scalar_one())
            except sa.exc.DBAPIError as error:
                self._forget_watch()
                if not error.connection_invalidated:
                    raise
        self._watch = self._engine.connect()
        self._watch.execution_options(isolation_level="AUTOCOMMIT")
        return int(self._watch.execute(asked).scalar_one())

    @contextmanager
    def beside(self, folder: Path) -> Iterator[Catalogue]:
        yield _Beside(self._address, self._engine)

    def close(self) -> None:
        if self._lease is not None:
            self._lease.release()
        with self._watching:
            self._forget_watch()
        super().close()

    def _forget_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None


class _Beside(Catalogue):
    """Changes by a process that is not the writer, on the connections of its viewer."""

    def __init__(self, address: CatalogueAddress, engine: Engine) -> None:
        super().__init__(engine)
        self._address = address

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with postgres_errors(self._address), self._engine.begin() as connection:
            counted(connection)
            yield connection
