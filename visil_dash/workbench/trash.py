"""Removing videos so that it can be undone: into the trash of their library, until it is emptied.

    <library>/trash/<batch>/batch.json               what was removed: names, places, tags, labels
    <library>/trash/<batch>/media/<video id>         the library's copy, where it has one
    <library>/trash/<batch>/features/<extractor>/…   features of every model
    <library>/trash/<batch>/outside/<n>-<name>       files elsewhere, where that was asked for

A file outside the library is moved only where its bytes are still those that were added, and it
lies in a folder that the caller allows.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from visil_dash.errors import NotFound, StoreDamaged
from visil_dash.labels.label import Label
from visil_dash.library.blobs import (
    copy_hashed,
    decode_features,
    fsync_folder,
    sha256_file,
    write_atomic,
    writing,
)
from visil_dash.library.catalogue import now
from visil_dash.library.in_place.rows import UNKNOWN, FileInPlace
from visil_dash.library.paths import blob_file, media_file, path_of, stored_path
from visil_dash.library.rows import clean_name
from visil_dash.library.store import Library
from visil_dash.records import Decoded, MediaInfo, VideoRecord
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.beside import remove_everywhere, sharing

_NOTE = "batch.json"
_FOLDER = "trash"


@dataclass(frozen=True)
class Trashed:
    """Videos that were removed together. `bytes`: what emptying it frees.

    `moved`: files outside the library that are in the trash too. `left`: those that were to be
    moved and stayed, with the reason.
    """

    batch: str
    at: str
    names: tuple[str, ...]
    bytes: int
    moved: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def move_to_trash(
    bench: Workbench,
    others: Sequence[Workbench],
    video_ids: Iterable[str],
    *,
    outside: Sequence[Path] = (),
) -> Trashed:
    """Removes videos from the library, its index and those of `others` that share it.

    `outside`: folders from which the files that the videos were added from are moved to the trash
    as well; none: no file outside the library is touched.

    Raises NotFound and StoreReadOnly before anything is changed, StoreError when the disk is full.
    """
    library = bench.library
    library.require_writer()
    records = [library.video(video_id) for video_id in dict.fromkeys(video_ids)]
    batch = f"{now()[:23].replace(':', '').replace('.', '-')}-{secrets.token_hex(3)}"
    folder = library.folder / _FOLDER / batch
    moves, left = _moves(library, records, outside)
    ids = {record.video_id for record in records}
    note = {
        "at": now(),
        "videos": [asdict(record) for record in records],
        "labels": [asdict(v) for v in library.labels() if {v.query, v.reference} & ids],
        "in_place": [
            (file.video_id, stored_path(file.path))
            for video_id in sorted(ids)
            for file in library.in_place.all(video_id)
        ],
        "files": moves,
        "left": left,
    }
    folder.mkdir(parents=True)
    for record in records:
        _keep_files(library, record.video_id, folder)
    write_atomic(folder / _NOTE, json.dumps(note, indent=1).encode())
    for record in records:
        remove_everywhere(bench, others, record.video_id)
    for source, name in moves:
        _move(path_of(source), folder / name)
    return _trashed(folder)


def trash_of(bench: Workbench) -> tuple[Trashed, ...]:
    """What lies in the library's trash, the latest first."""
    folders = (bench.library.folder / _FOLDER).glob(f"*/{_NOTE}")
    return tuple(_trashed(note.parent) for note in sorted(folders, reverse=True))


def restore(
    bench: Workbench, others: Sequence[Workbench], batch: str, *, outside: Sequence[Path] = ()
) -> Trashed:
    """Puts a batch back as it was, files outside the library included; its record.

    A file whose place is taken, or not in one of the folders `outside`, stays in the trash.
    Raises NotFound and StoreReadOnly.
    """
    library = bench.library
    library.require_writer()
    folder = _batch_folder(library, batch)
    was, note = _trashed(folder), _read(folder)
    in_place = note.get("in_place", ())  # older batches have none
    for entry in note["videos"]:
        was_in_place = [path for video_id, path in in_place if video_id == entry["video_id"]]
        record = _restored(library, folder, _record(entry), was_in_place)
        for path in folder.glob(f"features/*/{record.video_id}.safetensors"):
            features, manifest, _ = decode_features(path.read_bytes(), name=str(path))
            library.put_features(features, manifest)
            for each in (bench, *sharing(bench, others)):
                if each.extractor == manifest.extractor:
                    each.space.add_video(record.ordinal, features.frame_vectors)
    known = {video.video_id for video in library.videos()}
    labels = [Label(**entry) for entry in note["labels"]]
    library.set_label(*(v for v in labels if {v.query, v.reference} <= known))
    stuck = [entry for entry in note["files"] if not _moved_back(folder, entry, outside)]
    if stuck:
        emptied = note | {"videos": [], "labels": [], "files": stuck}
        shutil.rmtree(folder / "media", ignore_errors=True)
        shutil.rmtree(folder / "features", ignore_errors=True)
        write_atomic(folder / _NOTE, json.dumps(emptied, indent=1).encode())
        reason = "its place is taken or cannot be written"
        return replace(was, left=tuple((source, reason) for source, _ in stuck))
    shutil.rmtree(folder)
    return replace(was, left=())


def empty_trash(bench: Workbench, batches: Iterable[str]) -> None:
    """Deletes what lies in these batches, for good. Raises NotFound and StoreReadOnly."""
    bench.library.require_writer()
    for batch in batches:
        shutil.rmtree(_batch_folder(bench.library, batch))


# ---- into the trash ----


def _moves(
    library: Library, records: Iterable[VideoRecord], outside: Sequence[Path]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(source, name in the trash) of files to move; (source, reason) of those that stay."""
    moves: list[tuple[str, str]] = []
    left: list[tuple[str, str]] = []
    if not outside:
        return moves, left
    for record in records:
        for place in record.places:
            reason = _why_not(path_of(place), record.video_id, library, outside)
            if reason:
                left.append((place, reason))
            else:
                moves.append((place, f"outside/{len(moves)}-{clean_name(path_of(place).name)}"))
    return moves, left


def _why_not(path: Path, video_id: str, library: Library, outside: Sequence[Path]) -> str:
    """Why the file stays where it is; empty where it may be moved."""
    if path.is_symlink() or not path.is_file():
        return "there is no such file any more"
    real = path.resolve()
    if real.is_relative_to(library.folder.resolve()):
        return "it is a part of the library"
    if not any(real.is_relative_to(folder.resolve()) for folder in outside):
        return "it is outside the folders that the dashboard may change"
    if sha256_file(path)[0] != video_id:
        return "it has changed since it was added"
    return ""


def _keep_files(library: Library, video_id: str, folder: Path) -> None:
    """Second names for the video's files: the library deletes its own, and these stay. A file in
    place gets none: it is not the library's. What lies in a store alone is fetched."""
    media = media_file(library.folder, video_id)
    if not media.is_file() and not library.in_place.all(video_id):
        library.media_path(video_id)  # fetches it, or raises what is wrong
    if media.is_file():
        _link(media, folder / "media" / video_id)
    for extractor in library.extractors():
        blob = blob_file(library.folder, extractor, video_id)
        if library.remote is not None and library.has_features(video_id, extractor=extractor):
            with suppress(StoreDamaged):  # then they are made again, should the video come back
                library.features(video_id, extractor=extractor, anew=True)
        if blob.is_file():
            _link(blob, folder / "features" / extractor / blob.name)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing(target):
        try:
            os.link(source, target)
        except OSError:  # a file system without second names
            shutil.copyfile(source, target)
        fsync_folder(target.parent)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing(target):
        try:
            source.rename(target)
        except OSError:  # another file system
            copy_hashed(source, target, max_bytes=2**63)
            source.unlink()
        fsync_folder(target.parent)


# ---- out of the trash ----


def _restored(
    library: Library, folder: Path, was: VideoRecord, in_place: Sequence[str]
) -> VideoRecord:
    kept = folder / "media" / was.video_id
    if kept.is_file() or not in_place:
        _put_back_copy(library, kept, was)
        names: tuple[str, ...] = ()
    else:
        names = (was.name, *was.other_names)
    places = [path_of(place) for place in in_place]
    named = [(name, places[0]) for name in names] + [(clean_name(p.name), p) for p in places]
    for name, place in named:
        shown = name if name in (was.name, *was.other_names) else was.name
        file = FileInPlace(was.video_id, place, replace(UNKNOWN, bytes=was.bytes))
        library.put_in_place(file, name=shown, info=was.info)
    if was.tags:
        library.set_tags(was.video_id, was.tags)
    return library.video(was.video_id)


def _put_back_copy(library: Library, kept: Path, was: VideoRecord) -> None:
    if not library.has_video(was.video_id):
        staged = library.stage(was.name)
        _link(kept, staged)
        library.put_video(staged, name=was.name, info=was.info, video_id=was.video_id)
    names = (was.name, *was.other_names)
    named = [(clean_name(path_of(place).name), place) for place in was.places]
    for name, place in [*((name, "") for name in names), *named]:
        shown = name if name in names else was.name
        library.put_video(kept, name=shown, info=was.info, video_id=was.video_id, place=place)


def _moved_back(folder: Path, entry: Sequence[str], outside: Sequence[Path]) -> bool:
    source, kept = path_of(entry[0]), folder / entry[1]
    if not kept.is_file():
        return True  # it was never moved
    allowed = any(source.parent.resolve().is_relative_to(f.resolve()) for f in outside)
    if source.exists() or not source.parent.is_dir() or not allowed:
        return False
    _move(kept, source)
    return True


def _batch_folder(library: Library, batch: str) -> Path:
    folder = library.folder / _FOLDER / batch
    if Path(batch).name != batch or not (folder / _NOTE).is_file():
        raise NotFound(f"{batch}: there is nothing of this name in the trash.")
    return folder


def _read(folder: Path) -> dict[str, Any]:
    note: dict[str, Any] = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    return note


def _record(entry: dict[str, Any]) -> VideoRecord:
    info = entry["info"] | {"verdict": Decoded(entry["info"]["verdict"])}
    lists = {name: tuple(entry[name]) for name in ("other_names", "tags", "places")}
    return VideoRecord(**(entry | lists | {"info": MediaInfo(**info)}))


def _trashed(folder: Path) -> Trashed:
    note = _read(folder)
    return Trashed(
        batch=folder.name,
        at=note["at"],
        names=tuple(entry["name"] for entry in note["videos"]),
        bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        moved=tuple(source for source, name in note["files"] if (folder / name).is_file()),
        left=tuple((source, reason) for source, reason in note["left"]),
    )
