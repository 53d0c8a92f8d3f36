"""Jobs as rows of the catalogue: every change is committed, so they survive the process."""

import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from visil_dash.errors import NotFound
from visil_dash.library import tables
from visil_dash.library.catalogue import Catalogue, next_count, now
from visil_dash.library.paths import utf8_text
from visil_dash.records import JobState

_Row = dict[str, Any]
_GOING = tables.jobs.c.state.not_in([state.value for state in JobState if state.ended])
_WAITING = tables.jobs.select().where(tables.jobs.c.state == JobState.RECEIVED.value)


class JobTable:
    """Rows are dicts by column; `source` is the path given, `staged` the copy in the library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, name: str, *, staged: str, most: int) -> _Row | None:
        """A new waiting job of an upload; None where `most` uploads wait already."""
        with self._catalogue.write() as connection:
            uploads = _WAITING.where(tables.jobs.c.source == "")
            if len(connection.execute(uploads).all()) >= most:
                return None
            row = _new(name, next_count(connection, "job"), staged=staged)
            connection.execute(tables.jobs.insert().values(**row))
        return row

    def add_sources(
        self, named: Sequence[tuple[str, str]], *, in_place: bool = False
    ) -> list[_Row]:
        """Waiting jobs for (name, path)s, all or none; a path whose job has not ended keeps it.

        `in_place`: the files are to stay where they lie.
        """
        with self._catalogue.write() as connection:
            going = connection.execute(tables.jobs.select().where(_GOING)).mappings()
            rows = {row["source"]: dict(row) for row in going if row["source"]}
            names = {source: name for name, source in named}
            fresh = [(name, source) for source, name in names.items() if source not in rows]
            if fresh:
                first = next_count(connection, "job")
                next_count(connection, "job", at_least=first + len(fresh) - 1)
                made = [
                    _new(name, first + number, source=source, in_place=in_place)
                    for number, (name, source) in enumerate(fresh)
                ]
                connection.execute(tables.jobs.insert(), made)
                rows |= {row["source"]: row for row in made}
        return [rows[source] for source in names]

    def rows(self) -> list[_Row]:
        with self._catalogue.read() as connection:
            found = connection.execute(tables.jobs.select().order_by(tables.jobs.c.position))
            return [dict(row) for row in found.mappings()]

    def unfinished(self) -> int:
        """How many jobs have not ended."""
        with self._catalogue.read() as connection:
            count = sa.select(sa.func.count()).select_from(tables.jobs).where(_GOING)
            return int(connection.execute(count).scalar_one())

    def next_waiting(self) -> _Row | None:
        """The job that waits longest."""
        with self._catalogue.read() as connection:
            query = _WAITING.order_by(tables.jobs.c.position).limit(1)
            found = connection.execute(query).mappings().first()
        return None if found is None else dict(found)

    def waiting(self, most: int) -> list[_Row]:
        """The jobs that wait longest."""
        with self._catalogue.read() as connection:
            query = _WAITING.order_by(tables.jobs.c.position).limit(most)
            return [dict(row) for row in connection.execute(query).mappings()]

    def row(self, job_id: str) -> _Row:
        """Raises NotFound."""
        with self._catalogue.read() as connection:
            query = tables.jobs.select().where(tables.jobs.c.job_id == job_id)
            found = connection.execute(query).mappings().first()
        if found is None:
            raise NotFound(f"{job_id}: no such job.")
        return dict(found)

    def update(self, job_id: str, **changes: Any) -> None:
        changes = {k: utf8_text(v) if isinstance(v, str) else v for k, v in changes.items()}
        with self._catalogue.write() as connection:
            connection.execute(
                tables.jobs.update()
                .where(tables.jobs.c.job_id == job_id)
                .values(updated=now(), **changes)
            )

    def delete(self, job_id: str) -> None:
        with self._catalogue.write() as connection:
            connection.execute(tables.jobs.delete().where(tables.jobs.c.job_id == job_id))


def _new(
    name: str, position: int, *, source: str = "", staged: str = "", in_place: bool = False
) -> _Row:
    return {
        "job_id": secrets.token_hex(8),
        "position": position,
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
        "in_place": int(in_place),
        "updated": now(),
    }
