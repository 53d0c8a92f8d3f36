"""Hub frames: library frames that are near frames of many videos that share no footage.

Hubness is a property of high-dimensional spaces (Radovanović, Nanopoulos, Ivanović, JMLR 2010):
some points are among the nearest neighbours of very many others. In videos these are black
pictures, slates, intros and logos. They make candidates of unrelated videos.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances

_ROWS_AT_ONCE = 512
_NEIGHBOURS = 10
_MOST_FRAMES = 200  # frames near the most videos, for which pairs of videos are compared

ShareFootage = Callable[[int, int], bool]  # of two positions of videos


@dataclass(frozen=True, eq=False)
class Nearness:
    """Which videos are near each frame. `owners` `[N]`: position of each frame's video, ascending.

    `near` `[N, V]` bool: another video with a frame within `threshold`. `occurrence` `[N]`:
    k-occurrence, the number of frames of other videos with this one among their 10 nearest.
    """

    owners: Array
    near: Array
    occurrence: Array
    threshold: float

    @property
    def videos(self) -> int:
        return int(self.near.shape[1])

    def pairs(self) -> Array:
        """`[V, V]` bool: the video of the column is a candidate for the video of the row."""
        starts = np.searchsorted(self.owners, np.arange(self.videos))
        return np.asarray(np.logical_or.reduceat(self.near, starts, axis=0))


@dataclass(frozen=True)
class Hub:
    """Consecutive frames of one video that are near the same unrelated `videos`.

    `rows`: the frames; `best`: the one that is near most of the videos; `occurrence`: the largest
    k-occurrence among them.
    """

    video: int
    rows: tuple[int, ...]
    best: int
    videos: tuple[int, ...]
    occurrence: int


@dataclass(frozen=True)
class Effect:
    """Effect of excluding frames on candidate generation, with all library videos as queries.

    `before`, `after`: number of candidate pairs (query, video); `queries`: number of queries.
    `matches`: candidate pairs that share footage; `lost`: those that would no longer be
    candidates; `unrelated`: number of other pairs that would no longer be.
    """

    before: int
    after: int
    queries: int
    matches: int
    lost: tuple[tuple[int, int], ...]
    unrelated: int


def nearness(
    vectors: Array,
    owners: Array,
    threshold: float,
    *,
    aside: Array | None = None,
    watch: Watch = UNWATCHED,
) -> Nearness:
    """Compares all frames `[N, d]` with each other, exactly. Raises Cancelled.

    `owners` `[N]`: ascending from 0 without a gap; `aside` `[N]` bool: frames that are never
    returned, but are still queries.
    """
    starts = np.searchsorted(owners, np.arange(int(owners.max()) + 1))
    near = np.empty((len(vectors), len(starts)), bool)
    occurrence = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        watch.count("Comparing all frames", start, len(vectors))
        rows = slice(start, start + _ROWS_AT_ONCE)
        distances = squared_distances(vectors[rows], vectors)
        distances[owners[rows][:, None] == owners[None]] = np.inf
        if aside is not None:
            distances[:, aside] = np.inf
        near[rows] = np.logical_or.reduceat(distances <= np.float32(threshold), starts, axis=1)
        k = min(_NEIGHBOURS, distances.shape[1])
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        reached = np.isfinite(np.take_along_axis(distances, nearest, 1))
        np.add.at(occurrence, nearest[reached], 1)
    return Nearness(owners, near, occurrence, threshold)


def find_hub_runs(nearness: Nearness, related: ShareFootage, *, least: int) -> tuple[Hub, ...]:
    """Runs of frames near at least `least` unrelated videos, those near most videos first.

    Only the 200 frames near most videos are considered, as `related` may be slow.
    """
    raw = nearness.near.sum(1)
    rows = np.argsort(-raw, kind="stable")[:_MOST_FRAMES]
    rows = np.sort(rows[raw[rows] >= least])
    unrelated_videos: dict[int, frozenset[int]] = {}
    for row in rows.tolist():
        owner = int(nearness.owners[row])
        others = np.flatnonzero(nearness.near[row]).tolist()
        unrelated = frozenset(o for o in others if not related(owner, o))
        if len(unrelated) >= least:
            unrelated_videos[row] = unrelated
    runs: list[list[int]] = []
    for row in sorted(unrelated_videos):
        last = runs[-1][-1] if runs else -2
        follows = row == last + 1 and nearness.owners[row] == nearness.owners[last]
        if follows and unrelated_videos[row] & unrelated_videos[last]:
            runs[-1].append(row)
        else:
            runs.append([row])
    hubs = []
    for run in runs:
        best = max(
            run, key=lambda row: (len(unrelated_videos[row]), int(nearness.occurrence[row]), -row)
        )
        hubs.append(
            Hub(
                video=int(nearness.owners[best]),
                rows=tuple(run),
                best=best,
                videos=tuple(
                    sorted(frozenset[int]().union(*(unrelated_videos[row] for row in run)))
                ),
                occurrence=int(nearness.occurrence[run].max()),
            )
        )
    return tuple(sorted(hubs, key=lambda hub: (-len(hub.videos), -hub.occurrence, hub.best)))


def similar_frames(vectors: Array, owners: Array, hub: Hub, threshold: float) -> Array:
    """The hub's rows and the rows of its `videos` within `threshold` of one of them, ascending."""
    close = squared_distances(vectors[list(hub.rows)], vectors).min(0) <= np.float32(threshold)
    close &= np.isin(owners, hub.videos)
    close[list(hub.rows)] = True
    return np.flatnonzero(close)


def pairs_without(near: Nearness, vectors: Array, gone: Array) -> Array:
    """`Nearness.pairs` once frames `gone` `[N]` bool are returned for no query, `[V, V]` bool.

    Only rows near a video that loses frames are compared again, with what is left of it.
    """
    left = near.near.copy()
    for video in np.unique(near.owners[gone]).tolist():
        rows = np.flatnonzero(near.near[:, video])
        kept = np.flatnonzero((near.owners == video) & ~gone)
        left[rows, video] = False
        for start in range(0, len(rows) if len(kept) else 0, _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            closest = squared_distances(vectors[part], vectors[kept]).min(1)
            left[part, video] = closest <= np.float32(near.threshold)
    return replace(near, near=left).pairs()


def effect(old: Array, new: Array, related: ShareFootage) -> Effect:
    """Compares the candidate pairs `[V, V]` before and after frames are excluded."""
    gone = [(int(q), int(v)) for q, v in np.argwhere(old & ~new)]
    lost = tuple(pair for pair in gone if related(*pair))
    matches = sum(related(int(q), int(v)) for q, v in np.argwhere(old))
    return Effect(
        before=int(old.sum()),
        after=int(new.sum()),
        queries=len(old),
        matches=matches,
        lost=lost,
        unrelated=len(gone) - len(lost),
    )
