"""Exact nearest neighbours by matrix products, re-scored by differences."""

from pathlib import Path
from typing import Self

import numpy as np

from visil_dash.errors import NotFound, StoreMismatch
from visil_dash.index.base import checked_new_ids, checked_vectors
from visil_dash.library.blobs import write_atomic
from visil_dash.records import Array

BLOCK_FLOATS = 8 * 1024**2  # 32 MiB of float32 at a time
SLACK = 16  # extra neighbours kept by the rounded product before exact re-scoring


class ExactIndex:
    """A FrameIndex that keeps the vectors and looks at all of them."""

    def __init__(self, dim: int) -> None:
        self._vectors = np.empty((0, dim), np.float32)
        self._ids = np.empty(0, np.int64)

    @property
    def dim(self) -> int:
        return int(self._vectors.shape[1])

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, vectors: Array, ids: Array) -> None:
        vectors = checked_vectors(vectors, dim=self.dim)
        ids = checked_new_ids(ids, count=len(vectors), present=self._ids)
        self._vectors = np.concatenate([self._vectors, vectors])
        self._ids = np.concatenate([self._ids, ids])

    def remove(self, ids: Array) -> None:
        gone = np.isin(self._ids, ids)
        if gone.sum() != len(np.unique(ids)):
            raise NotFound("ids: some are not in the index.")
        self._vectors, self._ids = self._vectors[~gone], self._ids[~gone]

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        rows, distances = nearest(self._vectors, checked_vectors(queries, dim=self.dim), k)
        return self._ids[rows], distances

    def save(self, path: Path) -> None:
        data = self._ids.astype("<i8").tobytes() + self._vectors.astype("<f4").tobytes()
        write_atomic(path, data)

    @classmethod
    def load(cls, path: Path, *, dim: int, count: int) -> Self:
        data = path.read_bytes()
        if len(data) != count * (8 + 4 * dim):
            raise StoreMismatch(
                f"{path}: expected {count} vectors of {dim} dimensions, got {len(data)} bytes."
            )
        index = cls(dim)
        index._ids = np.frombuffer(data, "<i8", count).astype(np.int64)
        vectors = np.frombuffer(data, "<f4", offset=8 * count)
        index._vectors = vectors.reshape(count, dim).astype(np.float32)
        return index


def nearest(
    vectors: Array, queries: Array, k: int, *, alive: Array | None = None
) -> tuple[Array, Array]:
    """Rows `[Q, k]` and squared L2 distances `[Q, k]` of the k nearest, nearest first.

    `alive` `[N]` bool: rows that may be found (all when None); k is clamped to their number.
    Distances come from differences, not from |q|² + |v|² − 2qv, whose rounding hides near
    duplicates; the product only chooses k + SLACK rows to re-score.
    """
    total = len(vectors) if alive is None else int(alive.sum())
    k = min(k, total)
    if k <= 0 or not len(queries):
        return np.empty((len(queries), max(k, 0)), np.int64), np.empty(
            (len(queries), max(k, 0)), np.float32
        )
    keep = min(k + SLACK, total)
    norms = np.einsum("nd,nd->n", vectors, vectors)
    if alive is not None:
        norms = np.where(alive, norms, np.float32(np.inf))
    block = max(1, BLOCK_FLOATS // len(vectors))
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        rough = norms - 2 * (part @ vectors.T)
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
    block = max(1, BLOCK_FLOATS // max(1, rows.shape[1] * vectors.shape[1]))
    rows = np.sort(rows, axis=1)
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        gap = vectors[rows[part]] - queries[part, None, :]
        distances[part] = np.einsum("qkd,qkd->qk", gap, gap)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
