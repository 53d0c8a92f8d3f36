"""The names of a video, and the places its file was added from.

A video is its bytes: the same file under several names, or in several folders, is one video that
keeps them all. Its first name is in the videos table, later ones in names; places hold every path.
"""

from sqlalchemy.engine import Connection

from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, next_count, now, put_row
from visil_dash.library.in_place.rows import drop_in_place, files_in_place
from visil_dash.library.paths import stored_path
from visil_dash.records import VideoRecord


def put_place(connection: Connection, video_id: str, name: str, place: str) -> None:
    """Notes the path (see paths.stored_path) that the video was added from; "" is none."""
    if place:
        row = {"video_id": video_id, "place": place, "name": name, "added": now()}
        put_row(connection, tables.places, row)


def put_name(connection: Connection, record: VideoRecord, name: str, place: str) -> None:
    """Adds a name and a place to those that the video has; what it has already stays as it is."""
    new_name = name not in (record.name, *record.other_names)
    new_place = place and place not in record.places
    if new_name:
        row = {"video_id": record.video_id, "name": name, "added": now()}
        put_row(connection, tables.names, row)
    if new_place:
        put_place(connection, record.video_id, name, place)
    if new_name or new_place:
        next_count(connection, "revision")


def move_place(connection: Connection, record: VideoRecord, former: str, place: str) -> None:
    """The video's file that lay at one place lies at another now."""
    table = tables.places
    of_it = table.c.video_id == record.video_id, table.c.place == former
    rows = checked_rows(connection, table, *of_it)
    connection.execute(table.delete().where(*of_it))
    name = rows[0]["name"] if rows else record.name
    put_place(connection, record.video_id, name, place)
    next_count(connection, "revision")


def delete_name(connection: Connection, record: VideoRecord, name: str) -> None:
    """Takes one of several names from a video, with its places; the next name becomes the first.

    ValueError where it is the only one: without a name there is no video.
    """
    if name not in (record.name, *record.other_names) or not record.other_names:
        raise ValueError(f"name: expected one of several, got {name!r} of {record.name!r}")
    gone = {name}
    if name == record.name:
        first = record.other_names[0]
        videos = tables.videos
        [row] = checked_rows(connection, videos, videos.c.video_id == record.video_id)
        put_row(connection, videos, row | {"name": first})
        gone.add(first)
    for table, lost in ((tables.names, gone), (tables.places, {name})):
        connection.execute(
            table.delete().where(table.c.video_id == record.video_id, table.c.name.in_(lost))
        )
    _forget_places(connection, record.video_id)
    next_count(connection, "revision")


def _forget_places(connection: Connection, video_id: str) -> None:
    """Files in place go with their places; the last one stays, as the video may have no other."""
    of_video = tables.places.c.video_id == video_id
    kept = {row["place"] for row in checked_rows(connection, tables.places, of_video)}
    files = files_in_place(connection, video_id)
    gone = [file for file in files if stored_path(file.path) not in kept]
    for file in gone if len(gone) < len(files) else gone[1:]:
        drop_in_place(connection, video_id, file.path)
