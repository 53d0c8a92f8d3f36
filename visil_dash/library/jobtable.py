"""Jobs as rows of the catalogue: every change is committed, so they survive the process."""

import secrets
from typing import Any

from visil_dash.errors import InputError, NotFound
from visil_dash.library import tables
from visil_dash.library.catalogue import Catalogue, next_count, now
from visil_dash.records import JobState

_Row = dict[str, Any]


class JobTable:
    """Rows are dicts by column; `source` is the path given, `staged` the copy in the library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, name: str, *, source: str, staged: str, most: int) -> _Row:
        """A new waiting job. Raises InputError where `most` jobs wait already."""
        with self._catalogue.write() as connection:
            waiting = connection.execute(
                tables.jobs.select().where(tables.jobs.c.state == JobState.RECEIVED.value)
            ).all()
            if len(waiting) >= most:
                raise InputError(
                    name,
                    f"{most} files are waiting already, which is the limit",
                    "add it when some are done",
                )
            row = {
                "job_id": secrets.token_hex(8),
                "position": next_count(connection, "job"),
                "name": name,
                "source": source,
                "staged": staged,
                "state": JobState.RECEIVED.value,
                "done": 0.0,
                "total": 0.0,
                "reason": "",
                "video_id": "",
                "duplicate_of": "",
                "attempts": 0,
                "updated": now(),
            }
            connection.execute(tables.jobs.insert().values(**row))
        return row

    def rows(self) -> list[_Row]:
        with self._catalogue.read() as connection:
            found = connection.execute(tables.jobs.select().order_by(tables.jobs.c.position))
            return [dict(row) for row in found.mappings()]

    def waiting(self) -> list[_Row]:
        return [row for row in self.rows() if row["state"] == JobState.RECEIVED]

    def row(self, job_id: str) -> _Row:
        """Raises NotFound."""
        with self._catalogue.read() as connection:
            query = tables.jobs.select().where(tables.jobs.c.job_id == job_id)
            found = connection.execute(query).mappings().first()
        if found is None:
            raise NotFound(f"{job_id}: no such job.")
        return dict(found)

    def update(self, job_id: str, **changes: Any) -> None:
        with self._catalogue.write() as connection:
            connection.execute(
                tables.jobs.update()
                .where(tables.jobs.c.job_id == job_id)
                .values(updated=now(), **changes)
            )

    def delete(self, job_id: str) -> None:
        with self._catalogue.write() as connection:
            connection.execute(tables.jobs.delete().where(tables.jobs.c.job_id == job_id))
