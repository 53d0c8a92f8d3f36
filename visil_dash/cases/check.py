"""Checking a case file: that nothing in it was changed, and that the videos are still the same."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from visil_dash.cases.manifest import CaseManifest, CaseVideo, read_case, sha256_of
from visil_dash.library.blobs import sha256_file
from visil_dash.library.paths import media_file, path_of


@dataclass(frozen=True)
class CheckedVideo:
    """`path`: a file with the very bytes; None where there is none. `changed`: files that lie where
    the video lay and hold other bytes."""

    video: CaseVideo
    path: Path | None
    changed: tuple[Path, ...] = ()


@dataclass(frozen=True)
class CheckedCase:
    """`problems`: what was changed in the case itself, one sentence each."""

    manifest: CaseManifest
    manifest_sha256: str
    problems: tuple[str, ...]
    videos: tuple[CheckedVideo, ...]

    @property
    def holds(self) -> bool:
        """Whether the case is whole and every video of it was found unchanged."""
        whole = not self.problems and all(v.path is not None for v in self.videos)
        return whole and not any(v.changed for v in self.videos)


def check_case(
    path: Path, *, library: Path, files: Sequence[Path] = (), places: bool = True
) -> CheckedCase:
    """Reads every byte of the case and of its videos.

    Videos are looked for in the library, in `files` (files and folders) and, with `places`, where
    they lay when the case was made. Raises InputError for what is no case file.
    """
    manifest, members, digest = read_case(path)
    problems = [
        *(f"{name}: is missing" for name in manifest.files.keys() - members.keys()),
        *(
            f"{name}: does not belong to the case"
            for name in members.keys() - manifest.files.keys()
        ),
        *(
            f"{name}: was changed"
            for name, data in members.items()
            if name in manifest.files and manifest.files[name] != sha256_of(data)
        ),
        *_unnamed(manifest),
    ]
    given = list(_files_in(files))
    shown = manifest.videos if places else (replace(v, places=()) for v in manifest.videos)
    videos = tuple(_checked(video, library, given) for video in shown)
    return CheckedCase(manifest, digest, tuple(sorted(problems)), videos)


def _unnamed(manifest: CaseManifest) -> Iterator[str]:
    known = {video.sha256 for video in manifest.videos}
    for number, pair in enumerate(manifest.pairs, 1):
        for side in {pair.query, pair.reference} - known:
            yield f"pair {number}: its video {side[:12]} is not described"


def _checked(video: CaseVideo, library: Path, given: Iterable[Path]) -> CheckedVideo:
    places = [path_of(place) for place in video.places]
    named = [path for path in given if path.name == video.name]
    ours = [media_file(library, video.sha256)] if _is_id(video.sha256) else []
    # Files of other sizes cannot be it; those that lie where it lay are reported all the same.
    sized = [path for path in given if _size(path) == video.bytes]
    same = [path for path in dict.fromkeys([*ours, *places, *sized]) if _is(path, video)]
    suspects = dict.fromkeys(path for path in (*ours, *places, *named) if path.is_file())
    changed = tuple(path for path in suspects if path not in same)
    return CheckedVideo(video, same[0] if same else None, changed)


def _is(path: Path, video: CaseVideo) -> bool:
    return _size(path) == video.bytes and sha256_file(path)[0] == video.sha256


def _is_id(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _size(path: Path) -> int:
    """-1 where there is no such regular file."""
    return path.stat().st_size if path.is_file() else -1


def _files_in(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        else:
            yield path
