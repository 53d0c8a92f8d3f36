"""Exact search as a frame index: the oracle of the others."""

from pathlib import Path
from typing import Self

import numpy as np

from visil_dash.errors import NotFound, StoreMismatch
from visil_dash.index.base import checked_new_ids, checked_vectors
from visil_dash.index.exact import nearest_rows
from visil_dash.library.blobs import write_atomic
from visil_dash.records import Array


class ExactIndex:
    """A FrameIndex that compares a query with all of its vectors."""

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
        rows, distances = nearest_rows(self._vectors, checked_vectors(queries, dim=self.dim), k)
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
        vectors = np.frombuffer(data, "<f4", offset=8 * count)
        index.add(vectors.reshape(count, dim), np.frombuffer(data, "<i8", count))
        return index
