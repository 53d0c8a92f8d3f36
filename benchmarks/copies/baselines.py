"""The baselines: frame hashes, and an ImageNet network without further training."""

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.copies.evaluate import QueryResult
from benchmarks.copies.hashing import matched_share, video_hashes
from benchmarks.copies.output import Log, save_json
from benchmarks.copies.truth import TRUTH_FILE, Truth
from visil_dash.errors import InputError, MediaRefused
from visil_dash.matching.alignment import AlignOptions, segments
from visil_dash.matching.similarity import chamfer, frame_to_frame_both
from visil_dash.media.decode import sample_frames
from visil_dash.records import Array, Preprocess, Segment
from visil_dash.settings import Settings
from visil_dash.workbench.ingest import flat_frames

SIDE = 224  # pixels, the input size of ImageNet networks
WHITENED_DIM = 512
PHOTOS = 2500  # number on which the whitening is fitted
HASHES, TEACHER = "frame hashes (PDQ)", "MobileNetV2 whitened, Chamfer"
_VERSION = 1  # increase when the same files would give other results
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

Extract = Callable[[Array], Array]  # uint8 RGB [n, side, side, 3] → whitened regions [n, 9, D]


@dataclass(frozen=True)
class Look:
    """One video for the baselines: frame hashes `[n, 256]`, and its regions if a network ran."""

    hashes: Array
    regions: Array | None
    times: Array


def look(path: Path, *, extract: Extract | None, settings: Settings) -> Look:
    """Hashes and region vectors of frames sampled as the product does. Raises MediaRefused."""
    hashes, regions, times = [], [], []
    with sample_frames(
        path, preprocess=Preprocess(SIDE), rate=settings.rate, settings=settings
    ) as sampled:
        for batch in sampled:
            hashes.append(video_hashes(batch.frames))
            times.append(batch.timestamps)
            if extract is not None:
                vectors = extract(batch.frames)
                vectors[flat_frames(batch.frames)] = 0
                regions.append(vectors.astype(np.float16))
    return Look(
        np.concatenate(hashes),
        np.concatenate(regions) if extract is not None else None,
        np.concatenate(times),
    )


def whitened_teacher(weights: Path, photos: Path) -> Extract:
    """MobileNetV2's region vectors, PCA-whitened on photos. Raises InputError."""
    import torch

    from visil_dash.models.whitening import fit_whitening
    from visil_dash.training.teachers import MobileNetV2Teacher

    teacher = MobileNetV2Teacher(weights)

    def raw(frames: Array) -> torch.Tensor:
        parts = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).split(16)
        return torch.cat([teacher(part.float() / 255) for part in parts])

    examples = [raw(photo[None]) for photo in spread_photos(photos, PHOTOS)]
    vectors = torch.cat(examples)
    whitening = fit_whitening(vectors.flatten(0, 1), WHITENED_DIM)

    def extract(frames: Array) -> Array:
        regions: Array = whitening(raw(frames)).numpy()
        return regions

    return extract


def spread_photos(source: Path, count: int) -> Iterator[Array]:
    """About `count` photos, evenly spread over a folder or tar archive, resized to SIDE × SIDE RGB.

    Raises InputError when the source does not exist or contains no photo.
    """
    if not source.exists():
        raise InputError(str(source), "it does not exist", "give a folder or a .tar of photos")
    seen = 0
    for data in photo_bytes(source, count):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            seen += 1
            resized = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            yield np.ascontiguousarray(resized[..., ::-1])
    if not seen:
        raise InputError(str(source), "no readable photo in it", "give .jpg, .png or .webp files")


def photo_bytes(source: Path, count: int) -> Iterator[bytes]:
    """About `count` encoded photos, evenly spread over a folder or tar archive."""
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in _SUFFIXES)
        for path in paths[:: max(1, len(paths) // count)]:
            yield path.read_bytes()
        return
    with tarfile.open(source) as archive:
        members = [m for m in archive if m.isfile() and Path(m.name).suffix.lower() in _SUFFIXES]
        for member in members[:: max(1, len(members) // count)]:
            stream = archive.extractfile(member)
            if stream is not None:
                yield stream.read()


def frame_level(looks: Mapping[str, Look]) -> float:
    """The frame similarity that one in twenty pairs of references reaches at most anywhere.

    Most pairs are unrelated, so frames above it are taken to be the same.
    """
    tops = []
    for a, b in combinations(looks.values(), 2):
        if a.regions is not None and b.regions is not None:
            forward, reverse = frame_to_frame_both(a.regions, b.regions)
            tops.append(((forward + reverse.T) / 2).max())
    return float(np.quantile(tops, 0.95)) if tops else 1.0


def hash_search(query: Look, references: Mapping[str, Look]) -> QueryResult:
    return QueryResult(
        {name: matched_share(query.hashes, r.hashes) for name, r in references.items()}
    )


def chamfer_search(
    query: Look, references: Mapping[str, Look], options: AlignOptions
) -> QueryResult:
    """Chamfer similarity of the frame-to-frame matrix, and segments by the product's alignment."""
    scores: dict[str, float] = {}
    aligned: dict[str, tuple[Segment, ...]] = {}
    for name, reference in references.items():
        if query.regions is None or reference.regions is None:
            raise ValueError("chamfer search needs looks with regions")
        forward, reverse = frame_to_frame_both(query.regions, reference.regions)
        scores[name] = chamfer(forward)
        symmetric = (forward + reverse.T) / 2
        aligned[name] = segments(symmetric, query.times, reference.times, options)
    return QueryResult(scores, aligned)


def baselines(
    bench: Path,
    videos: Path,
    truth: Truth,
    *,
    teacher: Path | None,
    photos: Path | None,
    settings: Settings,
    log: Log,
) -> dict[str, dict[str, QueryResult]]:
    """Results of every query by each baseline; cached in the set's folder.

    Raises InputError when a teacher comes without photos.
    """
    wanted = {HASHES: _key(bench)}
    if teacher is not None:
        if photos is None:
            raise InputError(teacher.name, "whitening needs photos", "give --photos as well")
        wanted[TEACHER] = _key(bench, teacher, photos)
    path = bench / "baselines.json"
    cache: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    missing = {system for system, key in wanted.items() if cache.get(system, {}).get("key") != key}
    if missing:
        extract = None
        if TEACHER in missing and teacher is not None and photos is not None:
            log("fitting the teacher's whitening")
            extract = whitened_teacher(teacher, photos)
        for system, results in _search_all(bench, videos, truth, extract, settings, log).items():
            plain = {file: _to_json(result) for file, result in results.items()}
            cache[system] = {"key": wanted[system], "found": plain}
        save_json(path, cache)
    return {
        system: {file: _from_json(plain) for file, plain in cache[system]["found"].items()}
        for system in wanted
    }


def _search_all(
    bench: Path,
    videos: Path,
    truth: Truth,
    extract: Extract | None,
    settings: Settings,
    log: Log,
) -> dict[str, dict[str, QueryResult]]:
    references: dict[str, Look] = {}
    for i, name in enumerate(truth.references):
        log(f"baselines: reference {i + 1} of {len(truth.references)}")
        try:
            references[name] = look(videos / name, extract=extract, settings=settings)
        except MediaRefused as error:
            log(str(error))
    systems: dict[str, dict[str, QueryResult]] = {HASHES: {}}
    options = None
    if extract is not None:
        systems[TEACHER] = {}
        options = AlignOptions(frame_level=frame_level(references))
    for i, query in enumerate(truth.queries):
        log(f"baselines: query {i + 1} of {len(truth.queries)}")
        seen = look(bench / query.file, extract=extract, settings=settings)
        systems[HASHES][query.file] = hash_search(seen, references)
        if options is not None:
            systems[TEACHER][query.file] = chamfer_search(seen, references, options)
    return systems


def _key(bench: Path, teacher: Path | None = None, photos: Path | None = None) -> list[str]:
    key = [str(_VERSION), hashlib.sha256((bench / TRUTH_FILE).read_bytes()).hexdigest()]
    if teacher is not None and photos is not None:
        key += [hashlib.sha256(teacher.read_bytes()).hexdigest(), str(photos.resolve())]
    return key


def _to_json(result: QueryResult) -> dict[str, Any]:
    aligned = result.segments
    return {
        "scores": dict(result.scores),
        "segments": None
        if aligned is None
        else {name: [asdict(s) for s in those] for name, those in aligned.items() if those},
    }


def _from_json(plain: dict[str, Any]) -> QueryResult:
    aligned = plain["segments"]
    if aligned is not None:
        aligned = {name: tuple(Segment(**s) for s in those) for name, those in aligned.items()}
    return QueryResult(plain["scores"], aligned)
