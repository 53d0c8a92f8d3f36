"""HNSW graph search by hnswlib, guarded against its silent failures.

Observed in hnswlib 0.8: `save_index` reports no failure; a damaged file kills the process on load;
NaN queries return; k above the number of live elements raises or, with too small an ef, gives
too few. Hence: sizes are compared after saving, only hashed files are loaded (generations.py),
inputs are checked, and a search that fails in the graph is done exactly.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import hnswlib
import numpy as np

from visil_dash.errors import NotFound, StoreError, StoreMismatch
from visil_dash.index.base import checked_new_ids, checked_vectors
from visil_dash.index.exact import nearest_rows
from visil_dash.library.blobs import fsync_file
from visil_dash.records import Array

M = 16  # links of an element; below 12 recall drops on 256 dimensions, above 24 builds get slow
EF_CONSTRUCTION = 100
_MIN_EF = (
    128  # 64 missed whole neighbourhoods of 1 query in 1,000 at 20,000 × 512, 128 none in 4,500
)
# At a million frames of 256 dimensions 128 find 79 % of the ten nearest, 512 find 94 % and 2048
# 95 %; at 100,000 frames 128 find all.
_FRAMES_PER_EF, _MOST_EF = 2000, 512


@dataclass(frozen=True)
class GraphOptions:
    """`m`: links of an element; `ef_construction`: candidates considered when one is linked;
    `ef`: the fewest considered in a search."""

    m: int = M
    ef_construction: int = EF_CONSTRUCTION
    ef: int = _MIN_EF


DEFAULT_GRAPH = GraphOptions()


class HnswIndex:
    """A FrameIndex on a hierarchical navigable small world graph, squared L2."""

    def __init__(
        self,
        dim: int,
        *,
        capacity: int = 1024,
        threads: int = 0,
        options: GraphOptions = DEFAULT_GRAPH,
    ) -> None:
        self._options = options
        self._graph: Any = hnswlib.Index(space="l2", dim=dim)
        self._graph.init_index(
            max_elements=max(1, capacity),
            M=options.m,
            ef_construction=options.ef_construction,
            random_seed=1,
        )
        self._prepare(threads)
        self._ids = np.empty(0, np.int64)

    def _prepare(self, threads: int) -> None:
        self._graph.set_num_threads(threads or os.cpu_count() or 1)
        # Never changed later: set_ef would race with other threads' searches. A search that
        # needs a larger ef asks for more neighbours instead (ef is at least k in hnswlib).
        self._graph.set_ef(self._options.ef)

    @property
    def options(self) -> GraphOptions:
        return self._options

    @property
    def dim(self) -> int:
        return int(self._graph.dim)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, vectors: Array, ids: Array) -> None:
        vectors = checked_vectors(vectors, dim=self.dim)
        ids = checked_new_ids(ids, count=len(vectors), present=self._ids)
        if not len(ids):
            return
        needed = int(self._graph.element_count) + len(ids)
        if needed > self._graph.max_elements:
            self._graph.resize_index(max(needed, 2 * int(self._graph.max_elements)))
        # In random order: neighbours in time one after the other leave islands in the graph.
        order = np.random.default_rng(len(self)).permutation(len(ids))
        self._graph.add_items(vectors[order], ids[order])
        self._ids = np.concatenate([self._ids, ids])

    def remove(self, ids: Array) -> None:
        ids = np.unique(np.asarray(ids, np.int64))
        gone = np.isin(self._ids, ids)
        if gone.sum() != len(ids):
            raise NotFound("ids: some are not in the index.")
        for label in ids:
            self._graph.mark_deleted(int(label))
        self._ids = self._ids[~gone]

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """As in FrameIndex, with ef ≥ max(2k, its options' ef), and more where frames are many."""
        queries = checked_vectors(queries, dim=self.dim)
        k = min(k, len(self))
        if k <= 0 or not len(queries):
            shape = (len(queries), max(k, 0))
            return np.empty(shape, np.int64), np.empty(shape, np.float32)
        ef = max(self._options.ef, min(_MOST_EF, len(self) // _FRAMES_PER_EF))
        fetch = min(len(self), max(2 * k, ef))
        try:
            labels, distances = self._graph.knn_query(queries, k=fetch)
        except RuntimeError:  # the graph reaches fewer than `fetch` elements
            return self._search_exactly(queries, k)
        return labels[:, :k].astype(np.int64), distances[:, :k]

    def _search_exactly(self, queries: Array, k: int) -> tuple[Array, Array]:
        vectors = np.asarray(self._graph.get_items(self._ids), np.float32)
        rows, distances = nearest_rows(vectors, queries, k)
        return self._ids[rows], distances

    def save(self, path: Path) -> None:
        """As in FrameIndex; a graph with removed elements is built anew without them, because
        hnswlib's file does not distinguish them from the others."""
        if len(self) < self._graph.element_count:
            compact = HnswIndex(self.dim, capacity=len(self), options=self._options)
            compact.add(np.asarray(self._graph.get_items(self._ids), np.float32), self._ids)
            self._graph = compact._graph
        self._graph.save_index(str(path))
        expected = int(self._graph.index_file_size())
        try:
            fsync_file(path)
            size = path.stat().st_size
        except OSError as error:
            raise StoreError(f"{path}: the index was not saved ({error.strerror}).") from error
        if size != expected:
            raise StoreError(
                f"{path}: the index was not saved whole ({size} of {expected} bytes). "
                "Free some disk space and rebuild."
            )

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        dim: int,
        count: int,
        threads: int = 0,
        options: GraphOptions = DEFAULT_GRAPH,
    ) -> Self:
        """As in FrameIndex. hnswlib's file does not hold ef: it comes with `options`."""
        graph = hnswlib.Index(space="l2", dim=dim)
        try:
            graph.load_index(str(path))
        except RuntimeError as error:
            raise StoreMismatch(f"{path}: hnswlib does not take it ({error}).") from error
        index = cls.__new__(cls)
        index._graph, index._options = graph, options
        index._prepare(threads)
        index._ids = np.asarray(graph.get_ids_list(), np.int64)
        if len(index) != count:
            raise StoreMismatch(f"{path}: expected {count} vectors, got {len(index)}.")
        return index
