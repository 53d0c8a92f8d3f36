"""Retrieval with fewer dimensions and fewer bits, measured on a sample of a library's frames.

Query frames come from videos on which no reduction is fitted, like those of an uploaded clip; a
video's own frames are never its neighbours. The baseline is exact search on full frame vectors.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.index.fitted import METHODS, fit_reduction
from visil_dash.matching.verdict import reaches
from visil_dash.metrics.ranking import average_precision
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import FRAMES_PER_DIM, FULL, Reduction, identity
from visil_dash.reduction.quantisation import (
    Codes,
    Precision,
    bytes_per_frame,
    code_distances,
    encode,
)
from visil_dash.reduction.transfer import transfer
from visil_dash.reduction.unit import unit_length

_QUERY_SHARE = 1 / 3  # of the videos
_MOST_QUERY_FRAMES = 400
_MOST_QUERY_VIDEOS = 40
_TIMING_REPEATS = 3  # the best time counts: other work on the machine only adds
_TOP = 10  # matches whose overlap is measured

Score = Callable[[int, int], float]  # video-to-video similarity of query and reference positions


@dataclass(frozen=True, eq=False)
class FrameSample:
    """Full frame vectors `[N, D]` of whole videos, drawn from the `total` frames of a library.

    `owners` `[N]`: position of each frame's video; `queries` `[Q]`: rows of the query frames.
    """

    vectors: Array
    owners: Array
    queries: Array
    total: int

    @property
    def fitting(self) -> Array:
        """Vectors of the other videos, on which reductions are fitted."""
        query_videos = np.unique(self.owners[self.queries])
        return np.asarray(self.vectors[~np.isin(self.owners, query_videos)])

    @property
    def valid(self) -> Array:
        """`[Q, N]` bool: pairs of frames of different videos."""
        return np.asarray(self.owners[self.queries][:, None] != self.owners[None])


def sample_of(vectors: Array, owners: Array, *, total: int, seed: int) -> FrameSample:
    """Draws a third of the videos (at least one) as queries, and evenly spaced frames of them.

    The vectors `[N, D]` are scaled to unit length, as in the index.

    Raises ValueError for fewer than two videos.
    """
    videos = np.unique(owners)
    if len(videos) < 2:
        raise ValueError(f"a study needs frames of at least two videos, got {len(videos)}")
    count = min(_MOST_QUERY_VIDEOS, max(1, round(_QUERY_SHARE * len(videos))))
    query_videos = np.random.default_rng(seed).permutation(videos)[:count]
    rows = np.flatnonzero(np.isin(owners, query_videos))
    if len(rows) > _MOST_QUERY_FRAMES:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_QUERY_FRAMES).round().astype(int)]
    return FrameSample(unit_length(vectors), owners, rows, total)


def possible_dims(sample: FrameSample, dims: Sequence[int]) -> tuple[int, ...]:
    """The `dims` for which the sample has enough frames to fit a reduction."""
    frames, width = sample.fitting.shape
    return tuple(d for d in sorted(set(dims)) if 0 < d < width and FRAMES_PER_DIM * d <= frames)


# ---- the experiment ----


@dataclass(frozen=True)
class SpaceResult:
    """One space (a reduction and a precision) against exact search in the full space.

    `recall`: share of the k nearest frames that are retrieved. `threshold` (95 % interval
    `low`…`high`): the full space's, carried over; for binary codes it counts bits. At that
    threshold: `candidate_recall`, the share of the full space's candidate videos that are
    candidates here; `candidates` per query video; `overlap` of the ten best matches; `mean_ap` of
    the ranking, with the full space's matches as relevant. None where undefined. `build`: seconds
    to fit, reduce and encode; `query_ms`: milliseconds to reduce one query frame and compare it
    with every frame of the sample.
    """

    method: str
    dim: int
    precision: Precision
    recall: float
    candidate_recall: float | None
    candidates: float | None
    overlap: float | None
    mean_ap: float | None
    threshold: float | None
    low: float | None
    high: float | None
    bytes: int
    build: float
    query_ms: float


@dataclass(frozen=True, eq=False)
class ExactResults:
    """Exact search in the full space: distances `[Q, N]` (inf within a video), the k-th nearest
    `[Q]`, candidates `[Vq, V]`, and the candidates of each query video ranked by score."""

    distances: Array
    kth: Array
    threshold: float
    candidates: Array
    ranked: tuple[tuple[int, ...], ...]
    videos: Array


def _nearest_videos(distances: Array, sample: FrameSample) -> tuple[Array, Array]:
    """Smallest distance `[Vq, V]` of query videos to videos, and the query videos `[Vq]`."""
    query_owners = sample.owners[sample.queries]
    videos, place = np.unique(query_owners, return_inverse=True)
    out = np.full((len(videos), int(sample.owners.max()) + 1), np.inf, np.float32)
    rows = np.repeat(place, distances.shape[1])
    np.minimum.at(out, (rows, np.tile(sample.owners, len(query_owners))), distances.reshape(-1))
    return out, videos


def exact_results(sample: FrameSample, *, k: int, threshold: float, score: Score) -> ExactResults:
    """Exact search on full frame vectors; `threshold` is a squared-L2 distance between them."""
    queries = sample.vectors[sample.queries]
    distances = squared_distances(queries, sample.vectors)
    distances[~sample.valid] = np.inf
    near, videos = _nearest_videos(distances, sample)
    candidates = near <= np.float32(threshold)
    k = min(k, int(sample.valid.sum(1).min()))
    return ExactResults(
        distances=distances,
        kth=np.partition(distances, k - 1, axis=1)[:, k - 1],
        threshold=threshold,
        candidates=candidates,
        ranked=tuple(
            _ranked(int(v), row, score) for v, row in zip(videos, candidates, strict=True)
        ),
        videos=videos,
    )


def _ranked(query: int, candidates: Array, score: Score) -> tuple[int, ...]:
    videos = np.flatnonzero(candidates).tolist()
    return tuple(sorted(videos, key=lambda other: (-score(query, other), other)))


def _frame_recall(distances: Array, exact: ExactResults, *, k: int) -> float:
    """Share of the k frames nearest by `distances` `[Q, N]` that are among the exact k nearest.

    Ties with the k-th nearest frame count as hits: identical pictures are interchangeable.
    """
    k = min(k, distances.shape[1])
    nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
    true_distances = np.take_along_axis(exact.distances, nearest, 1)
    limit = exact.kth[:, None]
    slack = 1e-5 * np.maximum(1, limit)  # rounding of |q|² + |v|² − 2qv
    return float((true_distances <= limit + slack).mean())


def _measure_space(
    sample: FrameSample,
    exact: ExactResults,
    reduction: Reduction,
    precision: Precision,
    *,
    k: int,
    match_score: float,
    score: Score,
    fitting: float = 0.0,
    seed: int = 0,
) -> SpaceResult:
    """Measures the space of `reduction` and `precision`; `fitting`: seconds spent to fit it."""
    start = time.perf_counter()
    codes = encode(reduction(sample.vectors), precision)
    build = fitting + time.perf_counter() - start
    queries = sample.vectors[sample.queries]
    distances, query_ms = _timed_distances(queries, reduction, codes)
    distances[~sample.valid] = np.inf
    limits: tuple[float | None, ...] = (None, None, None)
    quality: tuple[float | None, ...] = (None, None, None, None)
    if reduction.method == FULL and precision is Precision.FP32:  # the baseline itself
        limits = (exact.threshold,) * 3
        quality = _ranking_quality(exact, exact.candidates, match_score, score)
    elif carried := transfer(
        exact.distances, distances, exact.threshold, valid=sample.valid, seed=seed
    ):
        limits = carried.threshold, carried.low, carried.high
        near, _ = _nearest_videos(distances, sample)
        quality = _ranking_quality(exact, near <= np.float32(carried.threshold), match_score, score)
    return SpaceResult(
        method=reduction.method.rstrip("0123456789"),
        dim=reduction.dim,
        precision=precision,
        recall=_frame_recall(distances, exact, k=k),
        candidate_recall=quality[0],
        candidates=quality[1],
        overlap=quality[2],
        mean_ap=quality[3],
        threshold=limits[0],
        low=limits[1],
        high=limits[2],
        bytes=bytes_per_frame(precision, reduction.dim),
        build=build,
        query_ms=query_ms,
    )


def _timed_distances(queries: Array, reduction: Reduction, codes: Codes) -> tuple[Array, float]:
    best = np.inf
    for _ in range(_TIMING_REPEATS):
        start = time.perf_counter()
        distances = code_distances(reduction(queries), codes)
        best = min(best, time.perf_counter() - start)
    return distances, 1000 * best / len(queries)


def _ranking_quality(
    exact: ExactResults, candidates: Array, match_score: float, score: Score
) -> tuple[float | None, ...]:
    """Candidate recall, candidates per query, overlap of the best, mAP; None if undefined."""
    expected = exact.candidates.sum()
    recall = float((candidates & exact.candidates).sum() / expected) if expected else None
    overlaps, precisions = [], []
    for query, row, before in zip(exact.videos.tolist(), candidates, exact.ranked, strict=True):
        ranked = _ranked(query, row, score)
        best = set(before[:_TOP])
        if best:
            overlaps.append(len(best & set(ranked[:_TOP])) / len(best))
        relevant = {other for other in before if reaches(score(query, other), match_score)}
        if relevant:
            hit = np.array([other in relevant for other in ranked], bool)
            scores = np.array([score(query, other) for other in ranked], float)
            lost = len(relevant) - int(hit.sum())
            precisions.append(average_precision(scores, hit, missed=lost))
    mean = [float(np.mean(values)) if values else None for values in (overlaps, precisions)]
    return recall, float(candidates.sum(1).mean()), mean[0], mean[1]


def compare_spaces(
    sample: FrameSample,
    *,
    dims: Sequence[int],
    k: int,
    threshold: float,
    match_score: float,
    score: Score,
    watch: Watch = UNWATCHED,
    seed: int = 0,
) -> tuple[SpaceResult, ...]:
    """Every reduction method, at every possible dim, in every precision; the full space first.

    Raises Cancelled.
    """
    watch.step("Searching exactly and ranking the candidates", 0.0)
    exact = exact_results(sample, k=k, threshold=threshold, score=score)
    spaces = [FULL, *(f"{m}{d}" for d in possible_dims(sample, dims) for m in METHODS)]
    fitting, rows = sample.fitting, []
    for done, space in enumerate(spaces):
        watch.count(f"Measuring {space}", done, len(spaces))
        start = time.perf_counter()
        reduction = identity(fitting.shape[1]) if space == FULL else fit_reduction(space, fitting)
        seconds = time.perf_counter() - start
        for precision in Precision:
            rows.append(
                _measure_space(
                    sample,
                    exact,
                    reduction,
                    precision,
                    k=k,
                    match_score=match_score,
                    score=score,
                    fitting=seconds,
                    seed=seed,
                )
            )
    return tuple(rows)
