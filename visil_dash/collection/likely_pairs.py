"""Which pairs of a large collection are worth comparing, asked of the frame index.

All pairs of N videos are N·(N-1)/2 comparisons. Copies have frames near each other, so it is
enough to compare pairs of which some frame lies within a squared-L2 distance of a frame of the
other: for every frame its neighbours are looked up, and the videos they belong to are paired.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from visil_dash.index.ids import split_ids
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array

_FIRST_K = 32
_MOST_K = 1024  # neighbours of one frame that are looked at
_CHUNK = 2048  # query frames searched at once


class FrameView(Protocol):
    """Frames of a library with their neighbours; distances squared L2 and exact."""

    @property
    def ids(self) -> Array: ...

    @property
    def vectors(self) -> Array: ...

    def search(self, queries: Array, k: int) -> tuple[Array, Array]: ...


@dataclass(frozen=True)
class CandidatePairs:
    """Pairs of ordinals `first` < `second` `[P]` with their nearest frames' `distance` `[P]`.

    `frames`: frames whose neighbours were looked up. `capped`: those among them with more near
    neighbours than were looked at, so that a pair may be missing.
    """

    first: Array
    second: Array
    distance: Array
    threshold: float
    frames: int
    capped: int

    def __len__(self) -> int:
        return len(self.first)


def candidate_pairs(
    view: FrameView,
    threshold: float,
    *,
    first_k: int = _FIRST_K,
    most_k: int = _MOST_K,
    watch: Watch = UNWATCHED,
) -> CandidatePairs:
    """Pairs of videos with a frame of one within `threshold` of a frame of the other.

    k doubles for the frames whose farthest neighbour is still within the threshold, up to
    `most_k`: a still picture is near to hundreds of frames of its own video. A pair counts when
    it is met from either side. Raises Cancelled.
    """
    ids, vectors = view.ids, view.vectors
    total = len(ids)
    owners, _ = split_ids(ids)
    nearest: dict[tuple[int, int], float] = {}
    capped = 0
    for start in range(0, total, _CHUNK):
        watch.count("Looking up near frames", start, total)
        pending = np.arange(start, min(start + _CHUNK, total))
        k = min(first_k, total)
        while len(pending):
            watch.check()
            found, distances = view.search(vectors[pending], k)
            _keep(nearest, owners[pending], found, distances, threshold)
            more = distances[:, -1] <= threshold
            if k >= min(most_k, total):
                capped += int(more.sum()) if k < total else 0
                break
            pending = pending[more]
            k = min(2 * k, most_k, total)
    pairs = sorted(nearest)
    return CandidatePairs(
        first=np.array([a for a, _ in pairs], np.int64),
        second=np.array([b for _, b in pairs], np.int64),
        distance=np.array([nearest[pair] for pair in pairs], np.float32),
        threshold=threshold,
        frames=total,
        capped=capped,
    )


def _keep(
    nearest: dict[tuple[int, int], float],
    owners: Array,
    found: Array,
    distances: Array,
    threshold: float,
) -> None:
    """Adds the pairs of one lookup, each with its smallest distance."""
    others, _ = split_ids(found)
    own = np.broadcast_to(owners[:, None], others.shape)
    hit = (distances <= threshold) & (others != own)
    low, high = np.minimum(own[hit], others[hit]), np.maximum(own[hit], others[hit])
    near = distances[hit]
    order = np.lexsort((near, high, low))
    low, high, near = low[order], high[order], near[order]
    first = np.ones(len(low), bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    for a, b, distance in zip(
        low[first].tolist(), high[first].tolist(), near[first].tolist(), strict=True
    ):
        nearest[a, b] = min(distance, nearest.get((a, b), np.inf))
