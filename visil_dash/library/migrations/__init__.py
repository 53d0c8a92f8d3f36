"""Alembic's scripts of the catalogue's tables, one a schema, on SQLite and PostgreSQL alike.

The first, 0007, is the schema at which the numbered migrations of library/tables.py ended. To
change the tables: append versions/schema_NNNN.py, change library/tables.py and its SCHEMA, and move
alembic to requirements.txt: up to 0007 a file is brought on without it.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import Connection

from visil_dash.errors import InputError
from visil_dash.library.catalogue import schema_version
from visil_dash.library.tables import MIGRATIONS

_HERE = Path(__file__).parent


def run_scripts(connection: Connection, *, further: Sequence[Path] = ()) -> None:
    """Brings the tables to the newest script, in the caller's transaction.

    `further`: folders of scripts beside versions/. Raises InputError where Alembic is missing.
    """
    try:
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
    except ImportError as error:
        raise InputError(
            "the catalogue's schema",
            "alembic cannot be imported, which brings it up to date",
            "pip install -r requirements-cluster.txt",
        ) from error
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "newline")
    folders = "\n".join(str(folder) for folder in (_HERE / "versions", *further))
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    config.attributes["connection"] = connection
    known = MigrationContext.configure(connection).get_current_revision()
    version = schema_version(connection)
    if known is None and version >= len(MIGRATIONS):
        command.stamp(config, f"{version:04}")  # a file that the numbered migrations made
    command.upgrade(config, "head")
