"""Everything in a library against what the catalogue records of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import StoreDamaged, StoreError
from visil_dash.library.blobs import REMAKE, sha256_file
from visil_dash.library.in_place.files import PUT_BACK
from visil_dash.library.in_place.rows import FileInPlace
from visil_dash.library.paths import blob_file, media_file, media_folder
from visil_dash.library.remote.verification import StoreReport, store_report

if TYPE_CHECKING:
    from visil_dash.library.viewer import Viewer

BRING_BACK = "Add the same file again: that brings it back, and labels, tags and names stay."


@dataclass(frozen=True)
class Finding:
    """A problem: the artefact, what is wrong with it, the remedy; as text, one sentence each.

    `video_id` and `extractor` where features of that video are what is damaged, `media_of` where
    its media file is; `in_store` where the artefact is no file of the library's folder, `unread`
    where nothing in it could be checked.
    """

    artefact: str
    problem: str
    remedy: str = ""
    video_id: str = ""
    extractor: str = ""
    media_of: str = ""
    in_store: bool = False
    unread: bool = False

    def __str__(self) -> str:
        return f"{self.artefact}: {self.problem}. {self.remedy}".rstrip()


def verified(library: "Viewer") -> tuple[Finding, ...]:
    """Reads every media file and feature blob, those of a store too; reports damaged ones and files
    without a row."""
    if library.remote is None:
        return (*_media(library), *_features(library), *_without_row(library))
    stored = _stored(library, store_report(library, library.remote), library.remote.name)
    return (*stored, *_copies(library), *_without_row(library))


def media_problem(path: Path, video_id: str) -> str:
    """What is wrong with a stored media file, whose id is its sha256; empty when it is whole."""
    if not path.is_file():
        return "the media file is gone"
    try:
        return "" if sha256_file(path)[0] == video_id else "the media file was altered"
    except OSError as error:
        return f"the media file cannot be read ({error.strerror})"


def _stored(library: "Viewer", report: StoreReport, name: str) -> Iterator[Finding]:
    """What is wrong in the store, and of videos that lie elsewhere."""
    if report.away:
        yield Finding(name, "nothing there was checked", report.away, in_store=True, unread=True)
    for wanted, problem in report.problems:
        about = (
            (wanted.video_id, wanted.extractor, "")
            if wanted.extractor
            else ("", "", wanted.video_id)
        )
        remedy = REMAKE if wanted.extractor else BRING_BACK
        yield Finding(f"{name}/{wanted.key}", problem, remedy, *about, in_store=True)
    if report.unknown:
        remedy = (
            "They are of a copy of this library, or of rows that were lost; delete none unseen."
        )
        yield Finding(
            name, f"no row knows {report.unknown:,} of its objects", remedy, in_store=True
        )
    for files in _by_video(library).values():
        yield from _media_in_place(library, files)


def _copies(library: "Viewer") -> Iterator[Finding]:
    """Files of the cache that are not what the store holds."""
    remedy = "Delete it, or let doctor --repair move it away: it is fetched again."
    for video in library.videos():
        path = media_file(library.folder, video.video_id)
        if path.is_file() and (problem := media_problem(path, video.video_id)):
            yield Finding(str(path), problem, remedy)
    for extractor in library.extractors():
        for row in library.feature_rows(extractor):
            path = blob_file(library.folder, extractor, row.video_id)
            if path.is_file() and sha256_file(path)[0] != row.sha256:
                yield Finding(str(path), "the feature file was altered", remedy)


def _media(library: "Viewer") -> Iterator[Finding]:
    outside = _by_video(library)
    for video in library.videos():
        video_id, path = video.video_id, media_file(library.folder, video.video_id)
        if video_id in outside and not path.is_file():
            yield from _media_in_place(library, outside[video_id])
        elif problem := media_problem(path, video_id):
            yield Finding(str(path), problem, BRING_BACK, media_of=video_id)


def _by_video(library: "Viewer") -> dict[str, list[FileInPlace]]:
    outside: dict[str, list[FileInPlace]] = {}
    for file in library.in_place.all():
        outside.setdefault(file.video_id, []).append(file)
    return outside


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
    paths = sorted([*folder.glob("media/*"), *folder.glob("features/*/*.safetensors")])
    in_hand = library.in_hand()
    known = {media_folder(folder, video.video_id) for video in library.videos()} | {
        blob_file(folder, extractor, video_id)
        for extractor in library.extractors()
        for video_id in library.features_ids(extractor)
    }
    # Before and after: what was being added has its row now, and rows go before their files.
    in_hand |= library.in_hand()
    for path in paths:
        its_video = path.name.removesuffix(".safetensors")
        if path not in known and its_video not in in_hand and path.exists():
            yield Finding(str(path), "no row knows it", "Add the video again or delete it.")
