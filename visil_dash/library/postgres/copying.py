"""All rows of one catalogue to another, whatever each of them is kept in."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.library.tables import metadata

_ROWS = 1000  # at once


def copy_rows(source: Connection, sink: Connection) -> None:
    """Replaces the rows of every table by those of another catalogue, of the same schema."""
    for table in metadata.sorted_tables:
        sink.execute(table.delete())
        found = source.execute(sa.select(table).order_by(*table.primary_key)).mappings()
        while some := found.fetchmany(_ROWS):
            sink.execute(table.insert(), [dict(row) for row in some])
