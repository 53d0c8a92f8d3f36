"""Questions to a library beside the one ranked list: the nearest videos, one frame, several clips.

Functions of a Workbench; the answers are records.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

import visil_dash
from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.generation import candidate_videos, frames_within
from visil_dash.candidates.nearest import nearest_frames
from visil_dash.errors import Cancelled, MediaRefused, NotFound, StoreError, VisilDashError
from visil_dash.exports.report import Evidence, ReportFacts, html_report
from visil_dash.matching.rerank import rerank
from visil_dash.matching.verdict import verdict_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE, Array, Candidate, Match, SearchResult, VideoRecord
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.search import sure

Inside = Literal["never", "auto", "always"]
NEAREST = "nearest"  # SearchResult.mode
JPEG_QUALITY = 85
EVIDENCE_SIDE = 480  # pixels of a picture in a report


# ---- the nearest videos ----


def search_nearest(
    bench: Workbench,
    query_id: str,
    *,
    most: int,
    threshold: float | None = None,
    watch: Watch = UNWATCHED,
) -> SearchResult:
    """The `most` videos with the nearest frames, compared in full: always an answer.

    Candidates are nearest videos by squared L2 distance of frames, whether within `threshold`
    (None: the library's) or not; the notices say when none of them is. Raises NotFound, Cancelled.
    """
    clip = bench.clip(query_id)
    limit = bench.threshold() if threshold is None else threshold
    records = bench.videos()
    names = {v.video_id: v.name for v in records}
    videos = {v.ordinal: v.video_id for v in records}
    start = time.perf_counter()
    view = bench.space.view()
    vectors = _seen_vectors(clip.features.regions, clip.features.frame_vectors, view.reduction)
    aside = aside_ids(bench.library, clip.features.extractor, videos)
    hits = frames_within(view, vectors, limit, videos=videos, exclude=clip.query_id, aside=aside)
    within = {c.video_id: c for c in candidate_videos(hits)}
    kept = ~np.isin(view.ids, aside)
    nearest = nearest_frames(
        view.ids[kept],
        view.vectors[kept],
        vectors,
        videos=videos,
        most=most,
        exclude=clip.query_id,
    )
    candidates = {
        f.video_id: within.get(f.video_id, Candidate(f.video_id, f.distance, 0, 0, 0))
        for f in nearest
    }
    found_in = time.perf_counter() - start
    watch.step("Candidates found", 0.1)
    start = time.perf_counter()
    matches, skipped = rerank(
        {WHOLE: clip.features},
        {WHOLE: tuple(candidates)},
        load=lambda video_id: bench.library.features(video_id, extractor=bench.extractor),
        names=names,
        candidates=candidates,
        compare=bench.model.compare,
        symmetric=bench.model.symmetric,
        options=bench.options,
        watch=watch.part(0.1, 1.0),
    )
    for video_id in set(names) - set(bench.library.features_ids(bench.extractor)):
        skipped[video_id] = f"no features of the model {bench.model.name} yet"
    status = bench.space.status()
    notices = [n for n in (status.notice, clip.info.reason) if n]
    if candidates and not within:
        notices.insert(
            0,
            f"Nothing lies within the distance threshold {limit:.3g}: these are the"
            f" {len(candidates)} nearest videos instead, however far they are.",
        )
    matches, level = sure(matches, bench.model.evidence, among=len(names))
    result = SearchResult(
        query=clip.name,
        query_id=clip.query_id,
        matches=matches,
        candidates=tuple(candidates.values()),
        mode=NEAREST,
        threshold=limit,
        library_videos=len(names),
        timings={"candidates": found_in, "reranking": time.perf_counter() - start},
        model=bench.model.name,
        extractor=bench.extractor,
        index=f"{status.state}, generation {status.generation}, {status.reduction}",
        skipped=skipped,
        notices=tuple(notices),
        background=level,
    )
    return bench.judged(result)


def _seen_vectors(regions: Array, vectors: Array, reduction: Callable[[Array], Array]) -> Array:
    """Reduced vectors of the frames that show something; flat ones have no direction."""
    return reduction(vectors[regions.any((1, 2))])


# ---- one frame ----


@dataclass(frozen=True)
class FrameFound:
    """A library frame near the query's frame. `time` seconds, `distance` squared L2."""

    video_id: str
    name: str
    frame: int
    time: float
    distance: float


@dataclass(frozen=True)
class FrameResult:
    """The nearest videos of one sampled frame, each with its nearest frames, nearest first.

    `time`: of the sampled frame, seconds. `empty`: it shows nothing (black, a fade), so nothing
    can be near it.
    """

    query_id: str
    frame: int
    time: float
    videos: tuple[tuple[FrameFound, ...], ...]
    threshold: float
    empty: bool = False


def search_frame(
    bench: Workbench, query_id: str, at: float, *, most: int, per_video: int = 3
) -> FrameResult:
    """Library frames nearest to the query's sampled frame that is nearest to `at` seconds.

    Raises NotFound.
    """
    features = bench.clip(query_id).features
    frame = int(np.abs(features.timestamps - at).argmin())
    records = {v.video_id: v for v in bench.videos()}
    regions = features.regions[frame : frame + 1]
    limit, when = bench.threshold(), float(features.timestamps[frame])
    if not regions.any():
        return FrameResult(query_id, frame, when, (), limit, empty=True)
    view = bench.space.view()
    near = nearest_frames(
        view.ids,
        view.vectors,
        view.reduction(features.frame_vectors[frame : frame + 1]),
        videos={v.ordinal: v.video_id for v in records.values()},
        most=most,
        per_video=per_video,
        exclude=query_id,
    )
    found: dict[str, list[FrameFound]] = {}
    for hit in near:
        try:
            times = bench.library.features(hit.video_id, extractor=bench.extractor).timestamps
        except (NotFound, StoreError):
            continue  # removed, or damaged: verification tells
        told = FrameFound(
            hit.video_id,
            records[hit.video_id].name,
            hit.frame,
            float(times[hit.frame]),
            hit.distance,
        )
        found.setdefault(hit.video_id, []).append(told)
    return FrameResult(query_id, frame, when, tuple(map(tuple, found.values())), limit)


# ---- several queries ----


@dataclass(frozen=True)
class Answer:
    """What came of one of several queries: its `result`, or the `error` that left it without."""

    query: str | Path
    result: SearchResult | None
    error: VisilDashError | None = None


def search_many(
    bench: Workbench,
    queries: Sequence[str | Path],
    *,
    threshold: float | None = None,
    exhaustive: bool = False,
    inside: Inside = "never",
    top: int | None = None,
    watch: Watch = UNWATCHED,
) -> Iterator[Answer]:
    """One search a query, in their order, each told as soon as it is there (see Workbench.search).

    `inside`: whether parts of the picture are searched for as well; "auto": where the whole
    picture finds no match. A path is a file to read, text names a library video or an opened clip.
    A query that cannot be read or found is told with its error and does not hold up the others.
    Raises Cancelled.
    """
    for number, query in enumerate(queries):
        done = number / len(queries)
        one = watch.part(
            done, done + 1 / len(queries), prefix=f"Query {number + 1} of {len(queries)}: "
        )
        try:
            if isinstance(query, Path):
                clip = bench.open_clip(query, watch=one.part(0.0, 0.5))
            else:
                clip = bench.clip(query)
            search = partial(
                bench.search,
                clip.query_id,
                threshold=threshold,
                exhaustive=exhaustive,
                top=top,
                watch=one.part(0.5, 1.0),
            )
            result = search(inside=inside == "always")
            if inside == "auto" and not has_match(result):
                result = search(inside=True)
        except Cancelled:
            raise
        except VisilDashError as error:
            yield Answer(query, None, error)
        else:
            yield Answer(query, result)


def has_match(result: SearchResult) -> bool:
    """Whether one of the videos is a match."""
    return any(verdict_of(match).is_match for match in result.matches)


# ---- pictures ----


def jpegs(
    bench: Workbench, query_id: str, times: Sequence[float], *, long_side: int
) -> tuple[bytes, ...]:
    """Pictures at these times as JPEG. Raises MediaRefused, NotFound."""
    return tuple(jpeg(p) for p in bench.frames(query_id, list(times), long_side=long_side))


def jpeg(picture: Array) -> bytes:
    """uint8 RGB `[height, width, 3]` as JPEG."""
    done, data = cv2.imencode(
        ".jpg",
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    )
    if not done:
        raise StoreError(f"A picture of {picture.shape} could not be written as JPEG.")
    return bytes(data)


def strip_times(timestamps: Array, count: int) -> list[float]:
    """At most `count` of the sampled times `[T]`, evenly spread, first and last frame included."""
    picked = np.unique(np.linspace(0, len(timestamps) - 1, min(count, len(timestamps))).round())
    return [float(t) for t in timestamps[picked.astype(int)]]


# ---- the report ----


def search_report(
    bench: Workbench,
    result: SearchResult,
    *,
    matches: int,
    spans: int,
    watch: Watch = UNWATCHED,
) -> str:
    """The result as one HTML page: its first `matches` with frames of their `spans` longest spans.

    A video whose pictures cannot be read has none in the report. Raises NotFound, Cancelled.
    """
    result = bench.judged(result)
    records = {v.video_id: v for v in bench.videos()}
    query = bench.clip(result.query_id)
    lengths = {m.video_id: _seconds(records.get(m.video_id)) for m in result.matches}
    found = result.matches[:matches]
    evidence: dict[str, list[Evidence]] = {}
    for number, match in enumerate(found):
        watch.step(f"Frames of {match.name}", number / len(found))
        with suppress(MediaRefused, NotFound, StoreError):
            evidence[match.video_id] = _evidence(bench, result.query_id, match, spans)
    facts = ReportFacts(
        query_seconds=query.info.duration,
        reference_seconds=lengths,
        verified=bench.model.verified,
        version=visil_dash.__version__,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    return html_report(result, found, evidence, facts)


def _seconds(video: VideoRecord | None) -> float:
    return 0.0 if video is None else video.info.duration


def _evidence(bench: Workbench, query_id: str, match: Match, spans: int) -> list[Evidence]:
    longest = sorted(match.segments, key=lambda s: s.query_start - s.query_end)[:spans]
    chosen = sorted(longest, key=lambda s: s.query_start)
    # The middle of a span is the middle of its counterpart, also when that plays backwards.
    there = [(s.query_start + s.query_end) / 2 for s in chosen]
    here = [(s.reference_start + s.reference_end) / 2 for s in chosen]
    if not chosen:
        return []
    ours = jpegs(bench, query_id, there, long_side=EVIDENCE_SIDE)
    theirs = jpegs(bench, match.video_id, here, long_side=EVIDENCE_SIDE)
    return [Evidence(*pair) for pair in zip(there, ours, here, theirs, strict=True)]
