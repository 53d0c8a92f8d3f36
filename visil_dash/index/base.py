"""The interface of an index of frame vectors."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np

from visil_dash.records import Array


class FrameIndex(Protocol):
    """Vectors `[N, D]` under int64 ids, searched by squared L2 distance.

    Any number of threads may search while none changes it; adding, removing and saving need the
    index for themselves. Wrong shapes, values that are not finite and ids that are present
    already raise ValueError before anything changes; unknown ids to remove raise NotFound.
    """

    @property
    def dim(self) -> int: ...

    def __len__(self) -> int:
        """Vectors that can be found."""
        ...

    def add(self, vectors: Array, ids: Array) -> None: ...

    def remove(self, ids: Array) -> None: ...

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """Queries `[Q, D]` → ids `[Q, k]` and squared distances `[Q, k]`, nearest first.

        k is clamped to the number of vectors, so the results are always full.
        """
        ...

    def save(self, path: Path) -> None:
        """Flushed on return. Raises StoreError when the file differs from what was written."""
        ...

    @classmethod
    def load(cls, path: Path, *, dim: int, count: int) -> Self:
        """A file whose hash the caller has checked. Raises StoreMismatch on other dims or count."""
        ...


def checked_vectors(vectors: Array, *, dim: int) -> Array:
    """`vectors` as contiguous float32 `[N, dim]`, finite. Raises ValueError."""
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"vectors: expected [N, {dim}], got {list(vectors.shape)}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("vectors hold values that are not finite")
    return vectors


def checked_new_ids(ids: Array, *, count: int, present: Array) -> Array:
    """`ids` as int64 `[count]`, not negative, unique and none of `present`."""
    ids = np.asarray(ids, dtype=np.int64)
    if ids.shape != (count,):
        raise ValueError(f"ids: expected [{count}], got {list(ids.shape)}")
    if count and ids.min() < 0:
        raise ValueError(f"ids: expected none below 0, got {ids.min()}")
    if len(np.unique(ids)) != count or np.isin(ids, present).any():
        raise ValueError("ids: some are there already")
    return ids
