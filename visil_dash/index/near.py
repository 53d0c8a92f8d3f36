"""All vectors within a distance, by one pass of matrix products over them.

What a search of the k nearest costs grows with k, and a distance threshold may admit any number.
One pass costs the same whatever it admits, and misses nothing.
"""

from dataclasses import dataclass

import numpy as np

from visil_dash.matching.compiled import compiled
from visil_dash.matching.products import product
from visil_dash.records import Array

BLOCK_CELLS = 1 << 19  # distances of a block: 2 MiB, which stay in the cache
_GATHERED = 1 << 21  # floats of vectors whose distances are taken from differences at once
# Share of |q|² + |v|²: below it, a distance from the product has lost digits that count; and how
# wrong the product may be, for those that are as far as the threshold.
_TOO_NEAR, _ROUNDING = 0.02, 4e-6

_Hits = tuple[Array, Array, Array]  # number of the query, frame, distance
NOTHING: _Hits = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True)
class Near:
    """Frames near queries: number of the query `[H]`, frame id `[H]` and squared L2 `[H]` of each
    hit; `nearest` `[Q]`: distance of each query's nearest frame, a hit or not, inf without."""

    query: Array
    ids: Array
    distance: Array
    nearest: Array


def rows_within(
    vectors: Array, norms: Array, queries: Array, threshold: float, *, passed_over: Array
) -> tuple[Array, Array, Array, Array]:
    """Hits of `queries` `[Q, D]` among `vectors` `[N, D]` within squared L2 `threshold`: number of
    the query, row and distance, each `[H]`; and the nearest distance of each query `[Q]`.

    `norms` `[N]`: squared lengths of the vectors. `passed_over` bool `[N]`: rows that do not count.
    Distances are those of differences where the product is too rough (see exact.py).
    """
    count = len(queries)
    own = np.einsum("qd,qd->q", queries, queries)
    best, which = np.full(count, np.inf, np.float32), np.full(count, -1, np.int64)
    step = max(1, BLOCK_CELLS // max(1, count))
    room = np.empty(BLOCK_CELLS + count, np.int64), np.empty(BLOCK_CELLS + count, np.int64)
    far = np.empty(BLOCK_CELLS + count, np.float32)
    found, limit = [NOTHING], np.float32(threshold)
    for start in range(0, len(vectors), step):
        block = slice(start, start + step)
        dots = product(queries, vectors[block])
        gone = passed_over[block]
        hits = _hits(dots, own, norms[block], gone, limit, start, best, which, *room, far)
        found.append((room[0][:hits].copy(), room[1][:hits].copy(), far[:hits].copy()))
    query, row, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    sums = own[query] + norms[row]
    rough = (distance < _TOO_NEAR * sums) | (np.abs(distance - threshold) <= _ROUNDING * sums)
    distance[rough] = _from_differences(vectors, queries, row[rough], query[rough])
    within = distance <= threshold
    near = which >= 0
    best[near] = _from_differences(vectors, queries, which[near], np.flatnonzero(near))
    return query[within], row[within], distance[within], best


def _from_differences(vectors: Array, queries: Array, rows: Array, query: Array) -> Array:
    out = np.empty(len(rows), np.float32)
    step = max(1, _GATHERED // max(1, vectors.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        gap = vectors[rows[part]] - queries[query[part]]
        out[part] = np.einsum("hd,hd->h", gap, gap)
    return out


@compiled
def _hits(
    dots: Array,
    own: Array,
    norms: Array,
    passed_over: Array,
    threshold: np.float32,
    first: int,
    best: Array,
    which: Array,
    query: Array,
    row: Array,
    far: Array,
) -> int:
    """Writes the hits of one block `[Q, B]`, rounding allowed for, and returns their number."""
    count = 0
    for i in range(dots.shape[0]):
        nearest, place = best[i], which[i]
        for j in range(dots.shape[1]):
            if passed_over[j]:
                continue
            sums = own[i] + norms[j]
            distance = max(sums - np.float32(2) * dots[i, j], np.float32(0))
            if distance < nearest:
                nearest, place = distance, first + j
            if distance <= threshold + np.float32(_ROUNDING) * sums:
                query[count], row[count], far[count] = i, first + j, distance
                count += 1
        best[i], which[i] = nearest, place
    return count
