"""What fewer dimensions and fewer bits keep, measured on a sample of a library's own frames.

Query frames come from videos that no reduction is fitted on, as those of an uploaded clip would;
a video's own frames are never its neighbours. The truth is exact search among full frame vectors.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.index.fitted import METHODS, fit
from visil_dash.matching.verdict import reaches
from visil_dash.metrics.ranking import average_precision
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.pca import FRAMES_PER_DIM, FULL, Reduction, identity
from visil_dash.reduction.quantisation import (
    Codes,
    Precision,
    bytes_per_frame,
    code_distances,
    encode,
)
from visil_dash.reduction.transfer import transfer

QUERY_SHARE = 1 / 3  # of the videos
MOST_QUERY_FRAMES = 400
MOST_QUERY_VIDEOS = 40
TIMES = 3  # a query's time is the best of so many: other work on the machine only adds
TOP = 10  # matches of which the order is compared

Score = Callable[[int, int], float]  # video-to-video similarity of query and reference positions


@dataclass(frozen=True, eq=False)
class FrameSample:
    """Full frame vectors `[N, D]` of whole videos; `owners` `[N]` are positions of their videos,
    `queries` `[Q]` rows of the query frames. `total`: frames of the library it was drawn from."""

    vectors: Array
    owners: Array
    queries: Array
    total: int

    @property
    def fitting(self) -> Array:
        """Vectors of the videos that ask nothing: what reductions are fitted on."""
        asking = np.unique(self.owners[self.queries])
        rest: Array = self.vectors[~np.isin(self.owners, asking)]
        return rest

    @property
    def valid(self) -> Array:
        """`[Q, N]` bool: pairs of frames of different videos."""
        other: Array = self.owners[self.queries][:, None] != self.owners[None]
        return other


def sample_of(vectors: Array, owners: Array, *, total: int, seed: int) -> FrameSample:
    """Draws the query videos, a third and one at least, and evenly spaced frames of them.

    Raises ValueError for fewer than two videos.
    """
    videos = np.unique(owners)
    if len(videos) < 2:
        raise ValueError(f"a study needs frames of two videos, got {len(videos)}")
    count = min(MOST_QUERY_VIDEOS, max(1, round(QUERY_SHARE * len(videos))))
    asking = np.random.default_rng(seed).permutation(videos)[:count]
    rows = np.flatnonzero(np.isin(owners, asking))
    if len(rows) > MOST_QUERY_FRAMES:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_QUERY_FRAMES).round().astype(int)]
    return FrameSample(np.asarray(vectors, np.float32), owners, rows, total)


def possible_dims(sample: FrameSample, dims: Sequence[int]) -> tuple[int, ...]:
    """Those of `dims` that can be fitted on this sample."""
    frames, width = sample.fitting.shape
    return tuple(d for d in sorted(set(dims)) if 0 < d < width and FRAMES_PER_DIM * d <= frames)


# ---- the experiment ----


@dataclass(frozen=True)
class SpaceResult:
    """One space (reduction and precision) against exact search in the full one.

    `recall`: share of the k nearest frames that are found again. `threshold` (`low`…`high`, 95 %)
    is the full space's, carried over; for binary it counts bits. At it: `candidate_recall`, share
    of the full space's candidate videos that are candidates again, `candidates` a query video,
    `overlap` of the best matches and `mean_ap` of the matches against the full space's ranking.
    None: nothing to compare. `build`: seconds to fit, reduce and encode; `query_ms`: milliseconds
    to reduce one query frame and compare it with every frame of the sample.
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
class Truth:
    """The full space's answers: distances `[Q, N]` (inf within a video), the k-th nearest `[Q]`,
    candidates `[Vq, V]`, and for each query video its matches by falling score."""

    distances: Array
    kth: Array
    threshold: float
    candidates: Array
    ranked: tuple[tuple[int, ...], ...]
    videos: Array


def nearest_videos(distances: Array, sample: FrameSample) -> tuple[Array, Array]:
    """Smallest distance `[Vq, V]` of each query video to each video, and the query videos."""
    asked = sample.owners[sample.queries]
    videos, place = np.unique(asked, return_inverse=True)
    out = np.full((len(videos), int(sample.owners.max()) + 1), np.inf, np.float32)
    rows = np.repeat(place, distances.shape[1])
    np.minimum.at(out, (rows, np.tile(sample.owners, len(asked))), distances.reshape(-1))
    return out, videos


def truth_of(sample: FrameSample, *, k: int, threshold: float, score: Score) -> Truth:
    """Exact search among full frame vectors; `threshold` is squared L2 there."""
    queries = sample.vectors[sample.queries]
    distances = code_distances(queries, encode(sample.vectors, Precision.FP32))
    distances[~sample.valid] = np.inf
    near, videos = nearest_videos(distances, sample)
    candidates = near <= np.float32(threshold)
    k = min(k, int(sample.valid.sum(1).min()))
    return Truth(
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
    found = np.flatnonzero(candidates).tolist()
    return tuple(sorted(found, key=lambda other: (-score(query, other), other)))


def frame_recall(distances: Array, truth: Truth, *, k: int) -> float:
    """Share of the k frames nearest by `distances` `[Q, N]` that truly are among the k nearest.

    Frames as far as the k-th nearest count as it does: copies of one picture are all alike.
    """
    k = min(k, distances.shape[1])
    found = np.argpartition(distances, k - 1, axis=1)[:, :k]
    far = np.take_along_axis(truth.distances, found, 1)
    limit = truth.kth[:, None]
    slack = 1e-5 * np.maximum(1, limit)  # rounding of |q|² + |v|² − 2qv
    return float((far <= limit + slack).mean())


def measured(
    sample: FrameSample,
    truth: Truth,
    reduction: Reduction,
    precision: Precision,
    *,
    k: int,
    match_score: float,
    score: Score,
    fitting: float = 0.0,
    seed: int = 0,
) -> SpaceResult:
    """One row: the space of `reduction` and `precision`; `fitting` seconds were spent before."""
    start = time.perf_counter()
    codes = encode(reduction(sample.vectors), precision)
    build = fitting + time.perf_counter() - start
    queries = sample.vectors[sample.queries]
    distances, query_ms = _timed_distances(queries, reduction, codes)
    distances[~sample.valid] = np.inf
    limits: tuple[float | None, ...] = (None, None, None)
    effect: tuple[float | None, ...] = (None, None, None, None)
    if reduction.method == FULL and precision is Precision.FP32:  # the space compared with
        limits = (truth.threshold,) * 3
        effect = _effect(truth, truth.candidates, match_score, score)
    elif carried := transfer(
        truth.distances, distances, truth.threshold, valid=sample.valid, seed=seed
    ):
        limits = carried.threshold, carried.low, carried.high
        near, _ = nearest_videos(distances, sample)
        effect = _effect(truth, near <= np.float32(carried.threshold), match_score, score)
    return SpaceResult(
        method=reduction.method.rstrip("0123456789"),
        dim=reduction.dim,
        precision=precision,
        recall=frame_recall(distances, truth, k=k),
        candidate_recall=effect[0],
        candidates=effect[1],
        overlap=effect[2],
        mean_ap=effect[3],
        threshold=limits[0],
        low=limits[1],
        high=limits[2],
        bytes=bytes_per_frame(precision, reduction.dim),
        build=build,
        query_ms=query_ms,
    )


def _timed_distances(queries: Array, reduction: Reduction, codes: Codes) -> tuple[Array, float]:
    best = np.inf
    for _ in range(TIMES):
        start = time.perf_counter()
        distances = code_distances(reduction(queries), codes)
        best = min(best, time.perf_counter() - start)
    return distances, 1000 * best / len(queries)


def _effect(
    truth: Truth, candidates: Array, match_score: float, score: Score
) -> tuple[float | None, ...]:
    """Candidate recall, candidates a query, overlap of the best, mAP; None where undefined."""
    known = truth.candidates.sum()
    recall = float((candidates & truth.candidates).sum() / known) if known else None
    overlaps, precisions = [], []
    for query, row, before in zip(truth.videos.tolist(), candidates, truth.ranked, strict=True):
        now = _ranked(query, row, score)
        best = set(before[:TOP])
        if best:
            overlaps.append(len(best & set(now[:TOP])) / len(best))
        relevant = {other for other in before if reaches(score(query, other), match_score)}
        if relevant:
            hit = np.array([other in relevant for other in now], bool)
            scores = np.array([score(query, other) for other in now], float)
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
    """Every method at every possible dim in every precision, the full space first.

    Raises Cancelled.
    """
    watch.step("Searching exactly, ranking its candidates", 0.0)
    truth = truth_of(sample, k=k, threshold=threshold, score=score)
    spaces = [FULL, *(f"{m}{d}" for d in possible_dims(sample, dims) for m in METHODS)]
    fitting, rows = sample.fitting, []
    for done, space in enumerate(spaces):
        watch.count(f"Measuring {space}", done, len(spaces))
        start = time.perf_counter()
        reduction = identity(fitting.shape[1]) if space == FULL else fit(space, fitting)
        spent = time.perf_counter() - start
        for precision in Precision:
            rows.append(
                measured(
                    sample,
                    truth,
                    reduction,
                    precision,
                    k=k,
                    match_score=match_score,
                    score=score,
                    fitting=spent,
                    seed=seed,
                )
            )
    return tuple(rows)
