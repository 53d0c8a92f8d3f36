"""A PostgreSQL server of Debian's package that tests start, kill and start again."""

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import sqlalchemy as sa

from tests.support.servers import Server

USER, PASSWORD = "visil", "a secret that no message shows"
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'visil_dash_%%' ORDER BY nspname"
# It refuses to run as root: it runs as user 1000 of a name space in which nobody else is.
_NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def program(name: str) -> str:
    """Raises RuntimeError where PostgreSQL is not installed: these tests are never skipped."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None
    )
    if found is None:
        raise RuntimeError(f"PostgreSQL's {name} is missing: apt-get install postgresql")
    return found


class PostgresServer(Server):
    """On loopback, with a password. Each of its processes has a group of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = folder / "data"
        command = [
            *(*_NOT_ROOT, program("postgres"), "-D", str(self.data), "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
            *("-c", "max_connections=200"),
        ]
        super().__init__(command, folder=folder, ready=partial(_answers, self.url("postgres")))

    def make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        command = [
            *(*_NOT_ROOT, program("initdb"), "-D", str(self.data), "-U", USER, "-N"),
            *("--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C"),
        ]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr[-1000:]}")

    def kill(self) -> None:
        if self.process is not None:
            everyone = [psutil.Process(self.process.pid)]
            everyone += everyone[0].children(recursive=True)
            for each in everyone:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        super().kill()

    def url(self, database: str, *, password: str = PASSWORD, user: str = USER) -> str:
        url = sa.URL.create("postgresql+psycopg", user, password, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def new_database(self) -> str:
        """The address of an empty one."""
        name = f"test_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, statement: str, *, url: str | None = None) -> list[tuple[object, ...]]:
        """What an operator does by hand."""
        engine = sa.create_engine(url or self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.exec_driver_sql(statement)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder)
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _answers(url: str) -> bool:
    engine = sa.create_engine(url)
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()
    return True
