"""Labels of pairs as rows: one for an unordered pair, gone with either of its videos."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.errors import NotFound
from visil_dash.labels.label import Label, pair_of
from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, next_count, now, put_row

COUNTER = "labels"  # grows with each change of a label


def put_label(connection: Connection, label: Label) -> None:
    """Adds the pair's label or replaces it. Raises NotFound for an unknown video."""
    for video_id in label.pair:
        known = tables.videos.c.video_id == video_id
        if connection.execute(sa.select(tables.videos.c.video_id).where(known)).first() is None:
            raise NotFound(f"{video_id}: no such video, so no label. Add the video first.")
    first, second = label.pair
    row = {
        "first": first,
        "second": second,
        "query": label.query,
        "verdict": label.verdict,
        "relation": label.relation,
        "source": label.source,
        "updated": now(),
    }
    put_row(connection, tables.labels, row)
    _delete(connection, tables.label_notes, first, second)
    if label.note:
        note = {"first": first, "second": second, "note": label.note}
        put_row(connection, tables.label_notes, note)


def label_records(connection: Connection) -> tuple[Label, ...]:
    notes = {
        (row["first"], row["second"]): row["note"]
        for row in checked_rows(connection, tables.label_notes)
    }
    return tuple(
        Label(
            query=row["query"],
            reference=row["second"] if row["query"] == row["first"] else row["first"],
            verdict=row["verdict"],
            relation=row["relation"],
            source=row["source"],
            updated=row["updated"],
            note=notes.get((row["first"], row["second"]), ""),
        )
        for row in checked_rows(connection, tables.labels)
    )


def delete_label(connection: Connection, query: str, reference: str) -> None:
    for table in (tables.labels, tables.label_notes):
        _delete(connection, table, *pair_of(query, reference))


def _delete(connection: Connection, table: sa.Table, first: str, second: str) -> None:
    connection.execute(table.delete().where(table.c.first == first, table.c.second == second))


def delete_labels_of(connection: Connection, video_id: str) -> None:
    gone = 0
    for table in (tables.labels, tables.label_notes):
        either = (table.c.first == video_id) | (table.c.second == video_id)
        gone += connection.execute(table.delete().where(either)).rowcount
    if gone:
        next_count(connection, COUNTER)
