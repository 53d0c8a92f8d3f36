"""Hub frames: library frames that lie near frames of many videos that share no footage.

Hubness is a property of many dimensions (Radovanović, Nanopoulos, Ivanović, JMLR 2010): some
points are near neighbours of very many others. In videos they are black pictures, slates, intros
and logos. Each makes candidates of videos that have nothing to do with the query.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.quantisation import Precision, code_distances, encode

ROWS_AT_ONCE = 512
NEIGHBOURS = 10
JUDGED_FRAMES = 200  # frames of the most videos whose pairs of videos are compared in full

Related = Callable[[int, int], bool]  # positions of two videos: do they share footage?


@dataclass(frozen=True, eq=False)
class Nearness:
    """Frames of videos in order: `owners` `[N]` ascending positions. `near` `[N, V]` bool: the
    video holds a frame within the threshold, the frame's own video never does. `occurrence`
    `[N]`: how many frames of other videos count it among their 10 nearest (k-occurrence)."""

    owners: Array
    near: Array
    occurrence: Array
    threshold: float

    @property
    def videos(self) -> int:
        return int(self.near.shape[1])

    def pairs(self) -> Array:
        """`[V, V]` bool: the column's video is a candidate of the row's at this threshold."""
        starts = np.searchsorted(self.owners, np.arange(self.videos))
        out: Array = np.logical_or.reduceat(self.near, starts, axis=0)
        return out


@dataclass(frozen=True)
class Hub:
    """A run of frames `first`…`last` of one video that lie near the same unrelated `videos`.

    `best`: row of the frame that is near most of them; `rows`: the run's. `occurrence` is the
    largest k-occurrence in the run.
    """

    video: int
    rows: tuple[int, ...]
    best: int
    videos: tuple[int, ...]
    occurrence: int


@dataclass(frozen=True)
class Effect:
    """What setting frames aside does to candidate generation with library videos as queries.

    `before`, `after`: candidate pairs (query, video) in all; `queries`: how many videos ask.
    `matches`: candidate pairs whose similarity makes them matches; `lost`: those of them that
    would no longer be candidates; `unrelated`: other pairs that would not.
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
    """Exact, all frames `[N, d]` against all. `owners` `[N]` ascending from 0 without a gap;
    `aside` `[N]` bool: frames that nobody finds (they still ask). Raises Cancelled."""
    starts = np.searchsorted(owners, np.arange(int(owners.max()) + 1))
    near = np.empty((len(vectors), len(starts)), bool)
    occurrence = np.zeros(len(vectors), np.int64)
    codes = encode(vectors, Precision.FP32)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        watch.count("Comparing all frames", start, len(vectors))
        rows = slice(start, start + ROWS_AT_ONCE)
        distances = code_distances(vectors[rows], codes)
        distances[owners[rows][:, None] == owners[None]] = np.inf
        if aside is not None:
            distances[:, aside] = np.inf
        near[rows] = np.logical_or.reduceat(distances <= np.float32(threshold), starts, axis=1)
        k = min(NEIGHBOURS, distances.shape[1])
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        reached = np.isfinite(np.take_along_axis(distances, nearest, 1))
        np.add.at(occurrence, nearest[reached], 1)
    return Nearness(owners, near, occurrence, threshold)


def hubs(found: Nearness, related: Related, *, least: int) -> tuple[Hub, ...]:
    """Runs of frames near `least` unrelated videos or more, those of most videos first.

    Only pairs of videos of the JUDGED_FRAMES frames near most videos are asked whether they are
    related: a frame beyond them is near no more videos than any of these.
    """
    raw = found.near.sum(1)
    judged = np.argsort(-raw, kind="stable")[:JUDGED_FRAMES]
    judged = np.sort(judged[raw[judged] >= least])
    apart: dict[int, frozenset[int]] = {}
    for row in judged.tolist():
        owner = int(found.owners[row])
        others = np.flatnonzero(found.near[row]).tolist()
        unrelated = frozenset(o for o in others if not related(owner, o))
        if len(unrelated) >= least:
            apart[row] = unrelated
    runs: list[list[int]] = []
    for row in sorted(apart):
        last = runs[-1][-1] if runs else -2
        follows = row == last + 1 and found.owners[row] == found.owners[last]
        if follows and apart[row] & apart[last]:
            runs[-1].append(row)
        else:
            runs.append([row])
    out = []
    for run in runs:
        best = max(run, key=lambda row: (len(apart[row]), int(found.occurrence[row]), -row))
        out.append(
            Hub(
                video=int(found.owners[best]),
                rows=tuple(run),
                best=best,
                videos=tuple(sorted(frozenset[int]().union(*(apart[row] for row in run)))),
                occurrence=int(found.occurrence[run].max()),
            )
        )
    return tuple(sorted(out, key=lambda hub: (-len(hub.videos), -hub.occurrence, hub.best)))


def look_alikes(vectors: Array, owners: Array, hub: Hub, threshold: float) -> Array:
    """Rows, ascending: the hub's own and those of its `videos` within the threshold of them."""
    codes = encode(vectors, Precision.FP32)
    close = code_distances(vectors[list(hub.rows)], codes).min(0) <= np.float32(threshold)
    close &= np.isin(owners, hub.videos)
    close[list(hub.rows)] = True
    return np.flatnonzero(close)


def effect(before: Nearness, after: Nearness, related: Related) -> Effect:
    """What changes between the two; every pair that goes is asked whether it is related."""
    old, new = before.pairs(), after.pairs()
    gone = [(int(q), int(v)) for q, v in np.argwhere(old & ~new)]
    lost = tuple(pair for pair in gone if related(*pair))
    matches = sum(related(int(q), int(v)) for q, v in np.argwhere(old))
    return Effect(
        before=int(old.sum()),
        after=int(new.sum()),
        queries=before.videos,
        matches=matches,
        lost=lost,
        unrelated=len(gone) - len(lost),
    )
