"""Everything in a library against what the catalogue records of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import StoreDamaged, StoreError
from visil_dash.library.blobs import sha256_file
from visil_dash.library.in_place.files import PUT_BACK
from visil_dash.library.in_place.rows import FileInPlace
from visil_dash.library.paths import blob_file, media_file, media_folder

if TYPE_CHECKING:
    from visil_dash.library.viewer import Viewer

BRING_BACK = "Add the same file again: that brings it back, and labels, tags and names stay."


@dataclass(frozen=True)
class Finding:
    """A problem: the artefact, what is wrong with it, the remedy; as text, one sentence each.

    `video_id` and `extractor` where features of that video are what is damaged, `media_of` where
    its media file is.
    """

    artefact: str
    problem: str
    remedy: str
    video_id: str = ""
    extractor: str = ""
    media_of: str = ""

    def __str__(self) -> str:
        return f"{self.artefact}: {self.problem}. {self.remedy}".rstrip()


def verified(library: "Viewer") -> tuple[Finding, ...]:
    """Reads every media file and feature blob; reports damaged ones and files without a row."""
    return (*_media(library), *_features(library), *_without_row(library))


def media_problem(path: Path, video_id: str) -> str:
    """What is wrong with a stored media file, whose id is its sha256; empty when it is whole."""
    if not path.is_file():
        return "the media file is gone"
    try:
        return "" if sha256_file(path)[0] == video_id else "the media file was altered"
    except OSError as error:
        return f"the media file cannot be read ({error.strerror})"


def _media(library: "Viewer") -> Iterator[Finding]:
    outside: dict[str, list[FileInPlace]] = {}
    for file in library.in_place.all():
        outside.setdefault(file.video_id, []).append(file)
    for video in library.videos():
        video_id, path = video.video_id, media_file(library.folder, video.video_id)
        if video_id in outside and not path.is_file():
            yield from _media_in_place(library, outside[video_id])
        elif problem := media_problem(path, video_id):
            yield Finding(str(path), problem, BRING_BACK, media_of=video_id)


def _media_in_place(library: "Viewer", files: list[FileInPlace]) -> Iterator[Finding]:
    """Nothing is wrong as long as one of a video's files holds its bytes."""
    if any(library.in_place.holds(file, anew=True) for file in files):
        return
    for file in files:
        problem = library.in_place.problem(file)
        yield Finding(str(file.path), problem, PUT_BACK, media_of=file.video_id)


def _features(library: "Viewer") -> Iterator[Finding]:
    for extractor in library.extractors():
        for video_id in library.features_ids(extractor):
            path = str(blob_file(library.folder, extractor, video_id))
            try:
                library.features(video_id, extractor=extractor, anew=True)
            except StoreDamaged as error:
                yield Finding(path, error.reason, error.remedy, video_id, extractor)
            except StoreError as error:
                yield Finding(path, str(error).removesuffix("."), "", video_id, extractor)


def _without_row(library: "Viewer") -> Iterator[Finding]:
    folder = library.folder
    known = {media_folder(folder, video.video_id) for video in library.videos()} | {
        blob_file(folder, extractor, video_id)
        for extractor in library.extractors()
        for video_id in library.features_ids(extractor)
    }
    for path in sorted([*folder.glob("media/*"), *folder.glob("features/*/*.safetensors")]):
        if path not in known:
            yield Finding(str(path), "no row knows it", "Add the video again or delete it.")
