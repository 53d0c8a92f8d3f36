"""Making a case file of the pinned matches of a library."""

import json
import os
import sys
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import visil_dash
from visil_dash.cases.manifest import (
    MANIFEST,
    REPORT,
    CaseManifest,
    CasePair,
    CaseVideo,
    sha256_of,
)
from visil_dash.cases.pins import Pin, pinned_query, pins
from visil_dash.errors import InputError, MediaRefused, NotFound, StoreError
from visil_dash.exports.pages import page
from visil_dash.exports.search import comparison_as_dict
from visil_dash.library.catalogue import now
from visil_dash.library.paths import stored_path
from visil_dash.media.dependencies import bundled_libraries, ffmpeg_versions
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Comparison
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import QueryClip, file_of
from visil_dash.workbench.pictures import jpegs, proof_pictures
from visil_dash.workbench.proving import prove_pair

_SIDE = 640  # pixels of the longer side of a frame
_SPANS = 3  # matched segments of a pair that are shown
_PACKAGES = ("torch", "torchvision", "numpy", "av", "opencv-python-headless", "scipy")


@dataclass(frozen=True)
class _Frame:
    """A member with a picture, and what it shows."""

    member: str
    text: str
    jpeg: bytes


def make_case(
    bench: Workbench, file: Path, *, watch: Watch = UNWATCHED
) -> tuple[CaseManifest, str]:
    """Writes the pinned matches into a case file: the manifest, and its sha256.

    Every pair is compared and verified on the pixels anew. The file is whole or not there. Raises
    InputError where nothing is pinned, NotFound, MediaRefused, StoreError and Cancelled.
    """
    pinned = pins(bench)
    if not pinned:
        raise InputError("the case", "holds nothing yet", "pin a match: case pin CLIP VIDEO")
    videos: dict[str, CaseVideo] = {}
    pairs: list[CasePair] = []
    shown: list[tuple[CasePair, list[_Frame]]] = []
    members: dict[str, bytes] = {}
    for number, pin in enumerate(pinned, 1):
        watch.count("Comparing and verifying the pinned matches", number - 1, len(pinned))
        pair, sides = _compared(bench, pin)
        for clip in sides:
            videos[clip.query_id] = _described(bench, clip)
        frames = _frames(bench, pair, number)
        members |= {frame.member: frame.jpeg for frame in frames}
        result = comparison_as_dict(pair, match_score=bench.match_score(), model=bench.model.name)
        names = tuple(frame.member for frame in frames)
        pairs.append(CasePair(pair.query, pair.reference, pin.note, pin.by, pin.at, result, names))
        shown.append((pairs[-1], frames))
    manifest = CaseManifest(
        made=now(),
        made_with=versions(),
        model=_model(bench),
        videos=tuple(videos.values()),
        pairs=tuple(pairs),
    )
    members[REPORT] = _report(manifest, shown, videos).encode()
    files = {name: sha256_of(data) for name, data in members.items()}
    manifest = CaseManifest(**(vars(manifest) | {"files": files}))
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False, allow_nan=False).encode()
    _write(file, {MANIFEST: text} | members)
    return manifest, sha256_of(text)


def versions() -> dict[str, str]:
    """Of the program, Python, and the packages that decode and compute, FFmpeg inside them too."""
    found = {"visil_dash": visil_dash.__version__, "python": sys.version.split()[0]}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    for module in ("av", "cv2"):
        decoders = ffmpeg_versions(bundled_libraries(module)).values()
        found[f"FFmpeg of {module}"] = ", ".join(sorted(set(decoders)))
    return found


def _model(bench: Workbench) -> dict[str, Any]:
    model = bench.model
    return {
        "name": model.name,
        "extractor": model.extractor,
        "weights_sha256": model.weights_sha256,
        "weights_verified": model.verified,
        "frames_per_second": bench.settings.rate,
        "match_score": bench.match_score(),
        "frame_level": model.frame_level,
        "preprocess": asdict(model.preprocess),
    }


def _compared(bench: Workbench, pin: Pin) -> tuple[Comparison, tuple[QueryClip, QueryClip]]:
    query = pinned_query(pin)
    clip = bench.open_clip(query) if isinstance(query, Path) else bench.clip(query)
    pair = prove_pair(bench, bench.compare(clip.query_id, pin.reference))
    return pair, (clip, bench.clip(pin.reference))


def _described(bench: Workbench, clip: QueryClip) -> CaseVideo:
    """The video as it is; its places are a library video's, or where the clip lies."""
    path, info = file_of(clip, bench.library), clip.info
    try:
        places = bench.library.video(clip.query_id).places
    except NotFound:
        places = (stored_path(path.absolute()),)
    size = path.stat().st_size
    return CaseVideo(
        clip.query_id, clip.name, size, info.duration, info.width, info.height, info.codec, places
    )


def _frames(bench: Workbench, pair: Comparison, number: int) -> list[_Frame]:
    """Both sides at the middle of the longest segments, and the pictures of the proof."""
    frames: list[_Frame] = []

    def keep(text: str, jpeg: bytes) -> None:
        frames.append(_Frame(f"frames/{number}-{len(frames) + 1:02}.jpg", text, jpeg))

    longest = sorted(pair.segments, key=lambda s: s.query_start - s.query_end)[:_SPANS]
    for span in sorted(longest, key=lambda s: s.query_start):
        here = (span.query_start + span.query_end) / 2
        there = (span.reference_start + span.reference_end) / 2
        sides = ("query", pair.query, here), ("reference", pair.reference, there)
        with suppress(MediaRefused, NotFound, StoreError):  # a case without pictures is one still
            for what, video, at in sides:
                keep(f"{what}, {at:.2f} s", jpegs(bench, video, [at], long_side=_SIDE)[0])
    if pair.proof is not None:
        with suppress(MediaRefused, NotFound, StoreError):
            made = proof_pictures(bench, pair.query, pair.reference, pair.proof, long_side=_SIDE)
            if made is not None:
                keep("reference laid onto the query", made.registered)
                keep("difference, amplified: black where both agree", made.difference)
    return frames


def _report(
    manifest: CaseManifest,
    shown: Sequence[tuple[CasePair, Sequence[_Frame]]],
    videos: dict[str, CaseVideo],
) -> str:
    import base64

    return page(
        Path(__file__).with_name("case.html.jinja"),
        manifest=manifest,
        shown=shown,
        videos=videos,
        base64=lambda data: base64.b64encode(data).decode(),
    )


def _write(file: Path, members: dict[str, bytes]) -> None:
    """The archive, whole or not at all; the same members make the same bytes."""
    half = file.with_name(f".{file.name}.{os.getpid()}.half")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        os.replace(half, file)
    finally:
        half.unlink(missing_ok=True)
