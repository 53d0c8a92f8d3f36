"""Sending to a store what it lacks: all of a library that moves there, or what was lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import InputError
from visil_dash.library import tables
from visil_dash.library.blobs import sha256_file, sha256_hex
from visil_dash.library.catalogue import checked_rows
from visil_dash.library.paths import safe_id
from visil_dash.library.remote.keys import hash_in, reduction_key
from visil_dash.library.remote.opening import new_remote, record_remote
from visil_dash.library.remote.remote import MARKER, Remote
from visil_dash.library.remote.verification import wanted_objects
from visil_dash.progress import UNWATCHED, Watch

if TYPE_CHECKING:
    from visil_dash.library.store import Library

_MOVING = "store_moving"  # setting: the place of a move that is not complete


@dataclass(frozen=True)
class Sent:
    """How a sending ended: objects that were sent, those that were there, and what is in neither
    place whole, a sentence each."""

    name: str
    sent: int
    there: int
    lacking: tuple[str, ...]


def send_all(library: "Library", *, watch: Watch = UNWATCHED) -> Sent:
    """Sends every file of the library that its store lacks; a library without one moves to that of
    the settings, once everything is there, and goes on from where an earlier move stopped.

    Raises InputError where the settings name no store, StoreReadOnly, StoreAway and Cancelled.
    """
    library.require_writer()
    remote = library.remote or _place_of_move(library)
    marker = remote.record.marker()
    remote.objects.put(MARKER, marker, sha256=sha256_hex(marker))
    held = remote.objects.listing()
    files = [*_files(library)]
    sent, there, lacking = 0, 0, list[str]()
    for number, (key, path) in enumerate(files):
        watch.count("Sending", number, len(files))
        if _is_whole(path, key):
            known = key in held
            remote.objects.put(key, path, sha256=hash_in(key))
            sent, there = sent + (not known), there + known
        elif key in held and remote.objects.hash_of(key) == hash_in(key):
            there += 1
        else:
            lacking.append(f"{path}: it is whole neither here nor in the store.")
    if library.remote is None and not lacking:
        record_remote(library, remote.record)
        library.remote = remote
    return Sent(remote.name, sent, there, tuple(lacking))


def _place_of_move(library: "Library") -> Remote:
    url = library.settings.store
    if not url:
        raise InputError("VISIL_DASH_STORE", "it names no store", "set it to one, as s3://BUCKET")
    begun = library.setting(_MOVING)
    remote = new_remote(library, url, place=begun)
    if begun != remote.record.library:
        library.set_setting(_MOVING, remote.record.library)
    return remote


def _files(library: "Library") -> Iterator[tuple[str, Path]]:
    """The key of each object that a row names, and the file that holds the same bytes here. Media
    of files in place are none of the library's."""
    in_place = {file.video_id for file in library.in_place.all()}
    for wanted in wanted_objects(library):
        if wanted.extractor or wanted.path.is_file() or wanted.video_id not in in_place:
            yield wanted.key, wanted.path
    with library.catalogue.read() as connection:
        rows = checked_rows(connection, tables.reductions)
    for row in rows:
        extractor, reduction_id = safe_id(row["extractor"]), safe_id(row["reduction_id"])
        path = library.folder / "reductions" / extractor / f"{reduction_id}.safetensors"
        yield reduction_key(extractor, reduction_id, row["sha256"]), path


def _is_whole(path: Path, key: str) -> bool:
    return path.is_file() and sha256_file(path)[0] == hash_in(key)
