"""The objects of a library's store against what the catalogue records of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import StoreAway, StoreMismatch
from visil_dash.library import tables
from visil_dash.library.blobs import sha256_file
from visil_dash.library.catalogue import checked_rows
from visil_dash.library.paths import blob_file, media_file
from visil_dash.library.remote.keys import blob_key, hash_in, media_key
from visil_dash.library.remote.notes import reduction_keys
from visil_dash.library.remote.objects import StoredObject, etags
from visil_dash.library.remote.remote import MARKER, Remote

if TYPE_CHECKING:
    from visil_dash.library.viewer import Viewer

GONE, ALTERED = "the object is gone from the store", "the object was altered in the store"


@dataclass(frozen=True)
class WantedObject:
    """An object that a row names: its size, the file that is its copy here, and what it is of."""

    key: str
    bytes: int
    path: Path
    video_id: str
    extractor: str = ""


@dataclass(frozen=True)
class StoreReport:
    """What is wrong in a store: objects with their problem, how many no row names, and why nothing
    could be looked at."""

    problems: tuple[tuple[WantedObject, str], ...] = ()
    unknown: int = 0
    away: str = ""


def store_report(library: "Viewer", remote: Remote) -> StoreReport:
    """Reads what cannot be judged by size and ETag; nothing is added to the cache."""
    try:
        remote.check()
        held = remote.objects.listing()
        wanted = list(wanted_objects(library))
        in_place = {file.video_id for file in library.in_place.all()}
        problems = tuple(
            (each, problem)
            for each in wanted
            if not (each.key not in held and not each.extractor and each.video_id in in_place)
            and (problem := _problem(remote, each, held))
        )
    except (StoreAway, StoreMismatch) as error:
        return StoreReport(away=str(error))
    known = {MARKER, *(each.key for each in wanted), *remote.left_over()}
    with library.catalogue.read() as connection:
        for extractor in {row["extractor"] for row in checked_rows(connection, tables.reductions)}:
            known |= set(reduction_keys(connection, extractor).values())
    return StoreReport(problems, len(held.keys() - known))


def wanted_objects(library: "Viewer") -> Iterator[WantedObject]:
    for video in library.videos():
        path = media_file(library.folder, video.video_id)
        yield WantedObject(media_key(video.video_id), video.bytes, path, video.video_id)
    with library.catalogue.read() as connection:
        rows = checked_rows(connection, tables.features)
    for row in rows:
        extractor, video_id = row["extractor"], row["video_id"]
        path = blob_file(library.folder, extractor, video_id)
        key = blob_key(extractor, video_id, row["sha256"])
        yield WantedObject(key, row["bytes"], path, video_id, extractor)


def _problem(remote: Remote, wanted: WantedObject, held: Mapping[str, StoredObject]) -> str:
    stored, sha256 = held.get(wanted.key), hash_in(wanted.key)
    if stored is None:
        return GONE
    if stored.bytes != wanted.bytes:
        return ALTERED
    copy = wanted.path.is_file() and sha256_file(wanted.path)[0] == sha256
    if copy and stored.etag in etags(wanted.path):
        return ""
    try:
        return "" if remote.objects.hash_of(wanted.key) == sha256 else ALTERED
    except FileNotFoundError:  # deleted since the listing
        return GONE
