"""Everything in a library against what the catalogue records of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visil_dash.errors import StoreError
from visil_dash.library.blobs import sha256_file
from visil_dash.library.paths import blob_file, media_file, media_folder

if TYPE_CHECKING:
    from visil_dash.library.viewer import Viewer

_AGAIN = "Remove the video and add it again."


@dataclass(frozen=True)
class Finding:
    """A problem: the artefact, what is wrong with it, the remedy."""

    artefact: str
    problem: str
    remedy: str


def verified(library: "Viewer") -> tuple[Finding, ...]:
    """Reads every media file and feature blob; reports damaged ones and files without a row."""
    return (*_media(library), *_features(library), *_without_row(library))


def _media(library: "Viewer") -> Iterator[Finding]:
    for video in library.videos():
        path = media_file(library.folder, video.video_id)
        if not path.is_file():
            yield Finding(str(path), "the media file is gone", _AGAIN)
        elif sha256_file(path) != (video.video_id, video.bytes):
            yield Finding(str(path), "the media file was altered", _AGAIN)


def _features(library: "Viewer") -> Iterator[Finding]:
    for extractor in library.extractors():
        for video_id in library.features_ids(extractor):
            try:
                library.features(video_id, extractor=extractor)
            except StoreError as error:
                path = blob_file(library.folder, extractor, video_id)
                yield Finding(str(path), str(error), _AGAIN)


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
