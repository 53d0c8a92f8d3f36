"""What lies within a distance of a query's frames, counted video by video.

What a search of the k nearest costs grows with k, and a distance threshold may admit any number.
One pass of matrix products over all frames costs the same whatever it admits, and misses nothing;
its hits are counted where they fall, so that millions of them need neither memory nor sorting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from visil_dash.index.ids import split_ids
from visil_dash.matching.compiled import compiled_reordered
from visil_dash.matching.products import product
from visil_dash.records import Array

BLOCK_CELLS = 1 << 18  # distances of a block: 1 MiB, which stays in the cache
# Share of |q|² + |v|²: below it, a distance from the product has lost digits that count; and how
# wrong the product may be, for those that are as far as the threshold.
_TOO_NEAR, _ROUNDING = np.float32(0.02), np.float32(4e-6)
_TWO, _ONE, _NONE, _FAR = np.float32(2), np.float32(1), np.float32(0), np.float32(1e30)


@dataclass(frozen=True)
class VideoCounts:
    """The videos with a hit: a frame within the threshold of a query's frame. All `[V]`.

    `hits`: pairs of frames. `query_frames`, `reference_frames`: frames of either side with a hit.
    `nearest`: squared L2 of the nearest. `evidence`: how far within the threshold the nearest frame
    to each query frame lies, summed. `in_step`: most hits at one offset of frame numbers.
    """

    ordinals: Array
    hits: Array
    query_frames: Array
    reference_frames: Array
    nearest: Array
    evidence: Array
    in_step: Array


@dataclass(frozen=True, eq=False)
class Rows:
    """Frames of which each video's lie together and in order: ids `[N]`, vectors `[N, d]`."""

    ids: Array
    vectors: Array

    @cached_property
    def norms(self) -> Array:
        return np.asarray(np.einsum("nd,nd->n", self.vectors, self.vectors))

    @cached_property
    def numbers(self) -> Array:
        """Frame numbers within the videos."""
        return split_ids(self.ids)[1]

    @cached_property
    def starts(self) -> Array:
        """The first row of each video, and the number of rows."""
        ordinals = split_ids(self.ids)[0]
        changes = np.flatnonzero(ordinals[1:] != ordinals[:-1]) + 1
        return np.concatenate([[0], changes, [len(ordinals)]]).astype(np.int64)

    def of(self, ordinals: Array) -> Array:
        """The rows of these videos, by row."""
        ends = self.starts
        here = np.flatnonzero(np.isin(split_ids(self.ids[ends[:-1]])[0], ordinals))
        parts = [np.arange(ends[video], ends[video + 1]) for video in here]
        return np.concatenate([np.empty(0, np.int64), *parts])


@dataclass(frozen=True)
class Hits:
    """Pairs that are known already: place of the query `[H]`, frame id `[H]`, squared L2 `[H]`."""

    query: Array
    ids: Array
    distance: Array


NO_HITS = Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def hits_together(parts: Sequence[Hits]) -> Hits:
    columns = zip(*((h.query, h.ids, h.distance) for h in (NO_HITS, *parts)), strict=True)
    return Hits(*(np.concatenate(column) for column in columns))


def tally_of_hits(hits: Hits, threshold: float, *, numbers: Array) -> VideoCounts:
    """The tally of hits alone; `numbers` `[Q]`: frame number of each query."""
    ids = np.unique(hits.ids)
    rows = Rows(ids, np.empty((len(ids), 1), np.float32))
    nobody = np.empty(0, np.int64)
    return tally(
        rows,
        np.empty((len(numbers), 1), np.float32),
        threshold,
        numbers,
        compared=nobody,
        hits=hits,
    )


def tally(
    rows: Rows,
    queries: Array,
    threshold: float,
    numbers: Array,
    *,
    compared: Array,
    passed_over: Array | None = None,
    hits: Hits = NO_HITS,
) -> VideoCounts:
    """Counts of the rows within squared L2 `threshold` of `queries` `[Q, d]`.

    `numbers` `[Q]`: frame numbers of the queries. `compared`: places of the queries to compare with
    all rows but those `passed_over` (bool `[N]`); of the others, `hits` are counted. Distances are
    those of differences where the product is too rough (see exact.py).
    """
    first = compared[::-1]  # hits of falling frame numbers are counted side by side
    order = np.concatenate([first, np.setdiff1d(np.arange(len(queries)), compared)])
    some = np.ascontiguousarray(queries[first], np.float32)
    norms = rows.norms if passed_over is None else np.where(passed_over, _FAR, rows.norms)
    counts = _Counts.of(len(rows.starts) - 1)
    state = _State(
        numbers=np.ascontiguousarray(numbers[order], np.int64),
        near=np.full(len(order), np.inf, np.float32),
        offsets=np.zeros(int(rows.numbers.max(initial=0) + numbers.max(initial=0)) + 1, np.float32),
        far=np.empty(len(some), np.float32),
        at=np.zeros(2, np.int64),
    )
    library = _Library(rows.vectors, norms, rows.numbers, rows.starts)
    limits = np.float32(threshold), float(threshold)
    known = _known(hits, rows.ids, np.argsort(order))
    own = np.einsum("qd,qd->q", some, some)
    step = max(1, BLOCK_CELLS // len(some)) if len(some) else max(1, len(rows.ids))
    for start in range(0, len(rows.ids), step):
        block = rows.vectors[start : start + step]
        dots = product(block, some) if len(some) else np.empty((len(block), 0), np.float32)
        _count(dots, start, library, _Queries(some, own), known, limits, state, counts)
    met = np.flatnonzero(counts.hits)
    ordinals = split_ids(rows.ids[rows.starts[:-1][met]])[0]
    return VideoCounts(ordinals, *(column[met] for column in counts))


def joined(tallies: Sequence[VideoCounts]) -> VideoCounts:
    """The tallies of different videos as one."""
    columns = zip(*(tuple(vars(one).values()) for one in tallies), strict=True)
    return VideoCounts(*(np.concatenate(column) for column in columns))


def _known(hits: Hits, ids: Array, place: Array) -> tuple[Array, Array, Array]:
    """Row, place of the query and distance of the hits among the rows `ids`, by row."""
    row = np.minimum(np.searchsorted(ids, hits.ids), max(0, len(ids) - 1))
    here = np.flatnonzero(ids[row] == hits.ids) if len(ids) else np.empty(0, np.int64)
    here = here[np.argsort(row[here], kind="stable")]
    return row[here], place[hits.query[here]], hits.distance[here].astype(np.float32)


# ---- compiled: one row of the library after the other ----


class _Library(NamedTuple):
    vectors: Array
    norms: Array  # of rows that do not count, farther than any threshold
    numbers: Array
    starts: Array


class _Queries(NamedTuple):
    vectors: Array
    norms: Array


class _State(NamedTuple):
    """Of the video that is being counted: `near` `[Q]`, distance of the nearest frame to each query
    (those compared with all rows first); `offsets`, hits by frame number less the query's, from the
    least possible on. `numbers` `[Q]` of the queries; `far`: room for a row's distances; `at`: the
    video, and the next of the known hits."""

    numbers: Array
    near: Array
    offsets: Array
    far: Array
    at: Array


class _Counts(NamedTuple):
    """Of each video, in the order of VideoCounts."""

    hits: Array
    query_frames: Array
    reference_frames: Array
    nearest: Array
    evidence: Array
    in_step: Array

    @classmethod
    def of(cls, videos: int) -> "_Counts":
        return cls(
            hits=np.zeros(videos, np.int64),
            query_frames=np.zeros(videos, np.int64),
            reference_frames=np.zeros(videos, np.int64),
            nearest=np.full(videos, np.inf, np.float32),
            evidence=np.zeros(videos),
            in_step=np.zeros(videos, np.int64),
        )


@compiled_reordered
def _count(
    dots: Array,
    first: int,
    library: _Library,
    queries: _Queries,
    known: tuple[Array, Array, Array],
    limits: tuple[np.float32, float],
    state: _State,
    counts: _Counts,
) -> None:
    """Counts the hits of one block of rows, from row `first` on, by their products `[B, Q]`."""
    threshold = limits[0]
    numbers, near, offsets, far, at = state  # once: looking up a field in the loop is slow
    near_compared = near[: len(far)]
    highest = numbers.max() if len(numbers) else 0
    video, hit = at[0], at[1]
    for j in range(dots.shape[0]):
        row = first + j
        number, found = library.numbers[row] + highest, _NONE
        within, doubtful = _row_distances(
            dots[j], library.norms[row], queries.norms, threshold, far
        )
        if doubtful > 0:
            _settle(row, library, queries, threshold, far, near)
        if within > 0:
            _keep_least(far, near_compared)
            found = _count_within(far, threshold, numbers, number, offsets)
        while hit < len(known[0]) and known[0][hit] == row:
            query, distance = known[1][hit], known[2][hit]
            if distance <= threshold:
                found += _ONE
                near[query] = min(near[query], distance)
                offsets[number - numbers[query]] += _ONE
            hit += 1
        if found > 0:
            counts.hits[video] += int(found)
            counts.reference_frames[video] += 1
        if row + 1 == library.starts[video + 1]:
            if counts.hits[video]:
                least = library.numbers[library.starts[video]]
                _close(video, offsets[least : number + 1], limits, near, counts)
            near[:] = np.inf
            video += 1
    at[0], at[1] = video, hit


@compiled_reordered
def _row_distances(
    line: Array, norm: np.float32, norms: Array, threshold: np.float32, far: Array
) -> tuple[np.float32, np.float32]:
    """Writes a row's distances `[Q]` of its products; how many may be within the threshold, and how
    many the product is too rough for."""
    within = doubtful = _NONE
    for i in range(len(far)):
        total = norms[i] + norm
        distance = total - _TWO * line[i]
        room = _ROUNDING * total
        far[i] = distance
        within += _ONE if distance - room <= threshold else _NONE
        doubt = (abs(distance - threshold) <= room) | (distance < _TOO_NEAR * total)
        doubtful += _ONE if doubt else _NONE
    return within, doubtful


@compiled_reordered
def _settle(
    row: int,
    library: _Library,
    queries: _Queries,
    threshold: np.float32,
    far: Array,
    near: Array,
) -> None:
    """Takes from differences what the product is too rough for: distances at the threshold, and
    small ones that may be the nearest of a query."""
    norm = library.norms[row]
    for i in range(len(far)):
        total = queries.norms[i] + norm
        room = _ROUNDING * total
        small = far[i] < _TOO_NEAR * total and near[i] > 0 and far[i] - _TWO * room <= near[i]
        if small or abs(far[i] - threshold) <= room:
            distance = _NONE
            for d in range(queries.vectors.shape[1]):
                gap = library.vectors[row, d] - queries.vectors[i, d]
                distance += gap * gap
            far[i] = distance


# Loops of one thing each: more in one would not be made of vector instructions.


@compiled_reordered
def _keep_least(far: Array, near: Array) -> None:
    for i in range(len(far)):
        near[i] = far[i] if far[i] < near[i] else near[i]


@compiled_reordered
def _count_within(
    far: Array, threshold: np.float32, numbers: Array, number: int, offsets: Array
) -> np.float32:
    """How many distances are within the threshold; adds them to their offsets."""
    found, count = _NONE, len(far)
    if numbers[0] - numbers[count - 1] == count - 1:  # no number is left out
        least = number - numbers[0]
        for i in range(count):
            hit = _ONE if far[i] <= threshold else _NONE
            offsets[least + i] += hit
            found += hit
        return found
    for i in range(count):
        hit = _ONE if far[i] <= threshold else _NONE
        offsets[number - numbers[i]] += hit
        found += hit
    return found


@compiled_reordered
def _close(
    video: int,
    offsets: Array,
    limits: tuple[np.float32, float],
    near: Array,
    counts: _Counts,
) -> None:
    """Sums up a video that has hits and makes ready for the next."""
    for i in range(len(near)):
        if near[i] <= limits[0]:
            counts.query_frames[video] += 1
            counts.evidence[video] += max(0.0, limits[1] - float(near[i]))
            counts.nearest[video] = min(counts.nearest[video], near[i])
    most = _NONE
    for x in range(len(offsets)):
        most = max(most, offsets[x])
        offsets[x] = 0
    counts.in_step[video] = int(most)
