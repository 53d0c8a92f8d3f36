"""Exact nearest neighbours by matrix products, re-scored by differences."""

import numpy as np

from visil_dash.matching.products import product
from visil_dash.records import Array

_BLOCK_FLOATS = 8 * 1024**2  # 32 MiB of float32 at a time
_SLACK = 16  # extra neighbours kept by the rounded product before exact re-scoring


def nearest_rows(
    vectors: Array, queries: Array, k: int, *, alive: Array | None = None
) -> tuple[Array, Array]:
    """Rows `[Q, k]` and squared L2 distances `[Q, k]` of the k nearest, nearest first.

    `alive` `[N]` bool: rows that may be found (all when None); k is clamped to their number.
    Distances come from differences, not from |q|² + |v|² − 2qv, whose rounding hides near
    duplicates; the product only chooses k + _SLACK rows to re-score.
    """
    total = len(vectors) if alive is None else int(alive.sum())
    k = min(k, total)
    if k <= 0 or not len(queries):
        return np.empty((len(queries), max(k, 0)), np.int64), np.empty(
            (len(queries), max(k, 0)), np.float32
        )
    keep = min(k + _SLACK, total)
    norms = np.einsum("nd,nd->n", vectors, vectors)
    if alive is not None:
        norms = np.where(alive, norms, np.float32(np.inf))
    block = max(1, _BLOCK_FLOATS // len(vectors))
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        rough = norms - 2 * product(part, vectors)
        near = (
            np.argpartition(rough, keep - 1, axis=1)[:, :keep]
            if keep < rough.shape[1]
            else (np.broadcast_to(np.arange(rough.shape[1]), rough.shape))
        )
        near, exact = rescored(vectors, part, near)
        rows[start : start + block] = near[:, :k]
        distances[start : start + block] = exact[:, :k]
    return rows, distances


def rescored(vectors: Array, queries: Array, rows: Array) -> tuple[Array, Array]:
    """Rows `[Q, k]` in the order of their exact squared L2 distances `[Q, k]`, ties by row."""
    distances = np.empty(rows.shape, np.float32)
    block = max(1, _BLOCK_FLOATS // max(1, rows.shape[1] * vectors.shape[1]))
    rows = np.sort(rows, axis=1)
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        gap = vectors[rows[part]] - queries[part, None, :]
        distances[part] = np.einsum("qkd,qkd->qk", gap, gap)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
