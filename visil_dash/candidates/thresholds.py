"""Distance thresholds: levels of a space, defaults, and what a threshold admits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visil_dash.records import Array, Candidate

_LEVEL_PAIRS = 20_000
# Vectors that stay in a core's cache: a search measures the levels anew after each change of the
# library, and all pairs in one array took five times as long.
_AT_ONCE = 256
_EVIDENCE_DIGITS = 6  # sums in another order differ beyond


@dataclass(frozen=True)
class DistanceLevels:
    """Where distances of a space lie, squared L2.

    `orthogonal`: mean squared distance of two frames that share nothing (sum of their mean
    squared norms). `unrelated`: median distance of frames of different videos.
    """

    orthogonal: float
    unrelated: float


def distance_levels(vectors: Array, owners: Array) -> DistanceLevels:
    """Levels of frame vectors `[N, D]` that belong to the videos `owners` `[N]`.

    Measured on random pairs from different videos; with one video only, `unrelated` is the
    orthogonal level.
    """
    norms = sum(
        float(np.einsum("nd,nd->", block, block))
        for block in np.array_split(vectors, -(-len(vectors) // _AT_ONCE))
    )
    orthogonal = 2.0 * norms / len(vectors)
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, len(vectors), (2, _LEVEL_PAIRS))
    different = owners[a] != owners[b]
    if not different.any():
        return DistanceLevels(orthogonal, orthogonal)
    a, b = a[different], b[different]
    distances = np.empty(len(a), np.float32)
    for first in range(0, len(a), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        apart = vectors[a[some]] - vectors[b[some]]
        distances[some] = np.einsum("nd,nd->n", apart, apart)
    return DistanceLevels(orthogonal, float(np.median(distances)))


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

    @cached_property
    def profile(self) -> "DistanceProfile":
        """The same distances, sorted once so that any threshold is answered in milliseconds."""
        return distance_profile(self)


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


@dataclass(frozen=True)
class DistanceProfile:
    """A query's distances made ready for any threshold.

    `ordered` `[Tq·N]`: all distances, those of video v in `starts[v]:starts[v + 1]`, ascending.
    `frame_nearest` `[Tq, V]`: nearest frame of each video to each query frame (inf: no frames).
    `query_nearest` `[Tq]` and `reference_nearest` `[N]`: ascending.
    `reference_frames`: per video, distances of its frames to their nearest query frame, ascending,
    laid out by `frame_starts` `[V + 1]`, as are `columns` `[N]`: the view's columns by video.
    """

    video_ids: tuple[str, ...]
    ordered: Array
    starts: Array
    frame_nearest: Array
    query_nearest: Array
    reference_nearest: Array
    reference_frames: Array
    frame_starts: Array
    columns: Array

    @cached_property
    def counted(self) -> tuple[Array, Array]:
        """The histogram of all distances, which no threshold changes."""
        return histogram(self)

    @cached_property
    def _counts(self) -> dict[tuple[float, int], "Counts"]:
        return {}

    def counts_up_to(self, top: float, places: int) -> "Counts":
        """`admitted_counts` at `places` + 1 thresholds from 0 to `top`, counted once."""
        if (top, places) not in self._counts:
            thresholds = np.linspace(0.0, top, places + 1)
            self._counts[top, places] = admitted_counts(self, thresholds)
        return self._counts[top, places]

    @property
    def nearest(self) -> Array:
        """Smallest distance of each video, `[V]`; inf where it has no frames."""
        return np.asarray(self.frame_nearest.min(0, initial=np.inf))

    @property
    def largest(self) -> float:
        """Largest distance of all; 0 when there is none."""
        return float(self.ordered.max(initial=0.0))


def distance_profile(view: QueryDistances) -> DistanceProfile:
    """Sort a query's distances by video and value: O(Tq·N log) once, a copy of `distances`."""
    frames, videos = len(view.query_times), len(view.video_ids)
    by_video = np.argsort(view.video, kind="stable")
    frame_starts = np.searchsorted(view.video[by_video], np.arange(videos + 1))
    ordered = np.empty(view.distances.size, np.float32)
    frame_nearest = np.full((frames, videos), np.inf, np.float32)
    reference_frames = np.full(len(view.video), np.inf, np.float32)
    for v in range(videos):
        first, last = frame_starts[v], frame_starts[v + 1]
        block = view.distances[:, by_video[first:last]]
        if not block.size:
            continue
        ordered[first * frames : last * frames] = np.sort(block, axis=None)
        frame_nearest[:, v] = block.min(1)
        reference_frames[first:last] = np.sort(block.min(0))
    return DistanceProfile(
        video_ids=view.video_ids,
        ordered=ordered,
        starts=frame_starts * frames,
        frame_nearest=frame_nearest,
        query_nearest=np.sort(frame_nearest.min(1, initial=np.inf)),
        reference_nearest=np.sort(reference_frames),
        reference_frames=reference_frames,
        frame_starts=frame_starts,
        columns=by_video,
    )


def _within(ordered: Array, threshold: float) -> int:
    """How many of ascending float32 values the threshold admits."""
    # Searching for a float64 would copy the whole array to float64 first.
    return int(np.searchsorted(ordered, np.float32(threshold), side="right"))


def admit(profile: DistanceProfile, threshold: float) -> Admission:
    """Count what `threshold` (squared L2, inclusive) admits, by binary search."""
    blocks = zip(profile.starts[:-1], profile.starts[1:], strict=True)
    hits = np.array([_within(profile.ordered[a:b], threshold) for a, b in blocks], np.int64)
    return Admission(
        threshold=threshold,
        pairs=int(hits.sum()),
        query_frames=_within(profile.query_nearest, threshold),
        reference_frames=_within(profile.reference_nearest, threshold),
        hits=hits,
        nearest=profile.nearest,
    )


# Of candidate videos, pairs, query frames and library frames.
Counts = tuple[Array, Array, Array, Array]


def admitted_counts(profile: DistanceProfile, thresholds: Array) -> Counts:
    """Of ascending `thresholds` `[S]`: candidate videos, pairs, query frames and library frames
    that each admits, `[S]`, as `admit` counts them one at a time."""
    limits = np.asarray(thresholds, np.float32)
    pairs = np.zeros(len(limits), np.int64)
    for a, b in zip(profile.starts[:-1], profile.starts[1:], strict=True):
        pairs += np.searchsorted(profile.ordered[a:b], limits, side="right")
    sides = np.sort(profile.nearest), profile.query_nearest, profile.reference_nearest
    videos, queries, references = (np.searchsorted(s, limits, side="right") for s in sides)
    return videos, pairs, queries, references


def candidates_at(profile: DistanceProfile, threshold: float) -> tuple[Candidate, ...]:
    """The candidate videos of a threshold, ordered as candidate generation orders them."""
    admission = admit(profile, threshold)
    query_frames = (profile.frame_nearest <= np.float32(threshold)).sum(0)
    room = np.maximum(0.0, threshold - profile.frame_nearest.astype(np.float64))
    evidence = room.sum(0)
    found = [
        Candidate(
            video_id=profile.video_ids[v],
            min_distance=float(admission.nearest[v]),
            hits=int(admission.hits[v]),
            query_frames=int(query_frames[v]),
            reference_frames=_within(
                profile.reference_frames[profile.frame_starts[v] : profile.frame_starts[v + 1]],
                threshold,
            ),
            evidence=float(evidence[v]),
        )
        for v in np.flatnonzero(admission.hits).tolist()
    ]
    return tuple(sorted(found, key=by_evidence))


def by_evidence(candidate: Candidate) -> tuple[float, float, str]:
    """Sort key: the most evidence first, then the nearest frame."""
    return -round(candidate.evidence, _EVIDENCE_DIGITS), candidate.min_distance, candidate.video_id


def histogram(profile: DistanceProfile, *, bins: int = 80) -> tuple[Array, Array]:
    """All distances counted: edges `[bins + 1]` from 0 to the largest, counts `[bins]`.

    A bin holds its lower edge; the last one holds its upper edge too.
    """
    edges = np.linspace(0.0, profile.largest or 1.0, bins + 1).astype(np.float32)
    below = np.zeros(bins + 1, np.int64)
    for a, b in zip(profile.starts[:-1], profile.starts[1:], strict=True):
        below += np.searchsorted(profile.ordered[a:b], edges, side="left")
    below[-1] = len(profile.ordered)
    return edges, np.diff(below)


def nearest_of_rows(view: QueryDistances, rows: range, *, count: int = 10) -> tuple[Array, Array]:
    """Nearest library frames of the query frames `rows`, nearest first, whatever the threshold.

    Columns of the view `[len(rows), K]` and distances `[len(rows), K]`, K at most `count`.
    """
    k = min(count, len(view.video))
    columns = np.zeros((len(rows), k), np.int64)
    distances = np.zeros((len(rows), k), np.float32)
    if k:
        for i, row in enumerate(rows):
            among = _columns_of_nearest(view.profile, row, k)
            found, distances[i] = _smallest(view.distances[row, among], k)
            columns[i] = among[found]
    return columns, distances


def _columns_of_nearest(profile: DistanceProfile, row: int, k: int) -> Array:
    """Columns of the k videos nearest to a query frame: its k nearest frames are among them."""
    near = profile.frame_nearest[row]
    videos = np.argpartition(near, k - 1)[:k] if k < len(near) else np.arange(len(near))
    starts = profile.frame_starts
    return np.concatenate([profile.columns[starts[v] : starts[v + 1]] for v in videos.tolist()])


def _smallest(values: Array, k: int) -> tuple[Array, Array]:
    """Places and values of the k smallest, ascending."""
    found = np.argpartition(values, k - 1)[:k] if k < len(values) else np.arange(len(values))
    order = found[np.argsort(values[found], kind="stable")]
    return order, values[order]
