"""Distance thresholds: levels of a space, defaults, and what a threshold admits."""

from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array


@dataclass(frozen=True)
class DistanceLevels:
    """Where distances of a space lie, squared L2.

    `orthogonal`: mean squared distance of two frames that share nothing (sum of their mean
    squared norms). `unrelated`: median distance of frames of different videos.
    """

    orthogonal: float
    unrelated: float


def distance_levels(
    vectors: Array, owners: Array, *, pairs: int = 20_000, seed: int = 0
) -> DistanceLevels:
    """Levels of frame vectors `[N, D]` that belong to the videos `owners` `[N]`.

    Measured on random pairs from different videos; with one video only, `unrelated` is the
    orthogonal level.
    """
    orthogonal = 2.0 * float((vectors.astype(np.float64) ** 2).sum(1).mean())
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, len(vectors), (2, pairs))
    different = owners[a] != owners[b]
    if not different.any():
        return DistanceLevels(orthogonal, orthogonal)
    a, b = a[different], b[different]
    distances = ((vectors[a] - vectors[b]) ** 2).sum(1)
    return DistanceLevels(orthogonal, float(np.median(distances)))


def pairwise_distances(queries: Array, vectors: Array) -> Array:
    """Squared L2 distances `[Q, N]` of `[Q, D]` and `[N, D]`, never negative."""
    q = queries.astype(np.float32)
    v = vectors.astype(np.float32)
    out: Array = (q * q).sum(1)[:, None] + (v * v).sum(1)[None] - 2 * (q @ v.T)
    return np.maximum(out, 0, out=out)


@dataclass(frozen=True)
class QueryDistances:
    """All distances of one query's frames to a library's frames: what the slider filters.

    `distances` `[Tq, N]` squared L2; `video` `[N]` position in `video_ids`; `frame` `[N]` frame
    number within its video; `times` `[N]` seconds; `query_times` `[Tq]` seconds.
    """

    video_ids: tuple[str, ...]
    names: tuple[str, ...]
    distances: Array
    video: Array
    frame: Array
    times: Array
    query_times: Array
    levels: DistanceLevels


@dataclass(frozen=True)
class Admission:
    """What one threshold lets through.

    `pairs`: admitted (query frame, library frame) pairs; `query_frames`, `reference_frames`:
    frames on either side in at least one such pair. Arrays run over `video_ids` of the query's
    distances: `hits` `[V]` pairs, `nearest` `[V]` smallest distance.
    """

    threshold: float
    pairs: int
    query_frames: int
    reference_frames: int
    hits: Array
    nearest: Array

    @property
    def candidates(self) -> int:
        return int((self.hits > 0).sum())


def admit(view: QueryDistances, threshold: float) -> Admission:
    """Count what `threshold` (squared L2, inclusive) admits."""
    inside = view.distances <= threshold
    videos = len(view.video_ids)
    per_frame = inside.sum(0)
    nearest = np.full(videos, np.inf, np.float32)
    if view.distances.size:
        np.minimum.at(nearest, view.video, view.distances.min(0))
    return Admission(
        threshold=threshold,
        pairs=int(per_frame.sum()),
        query_frames=int(inside.any(1).sum()),
        reference_frames=int((per_frame > 0).sum()),
        hits=np.bincount(view.video, weights=per_frame, minlength=videos).astype(np.int64),
        nearest=nearest,
    )


def neighbour_table(
    view: QueryDistances, query_frame: int, *, count: int = 20
) -> tuple[Array, Array]:
    """Nearest library frames of one query frame: (columns `[K]` of the view, distances `[K]`)."""
    row = view.distances[query_frame]
    k = min(count, len(row))
    columns = np.argpartition(row, k - 1)[:k] if k < len(row) else np.arange(len(row))
    order = columns[np.argsort(row[columns], kind="stable")]
    return order, row[order]
