"""What queries meet in collections of growing size, and what an index of each size costs."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.candidates import Asked, Collection, Space
from benchmarks.scale.laws import Counted
from benchmarks.scale.synthesis import MadeVideos
from visil_dash.index.hnsw import HnswIndex
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.quantisation import Precision, decode, encode

_NEIGHBOURS = 32
_QUERY_FRAMES = 200


@dataclass(frozen=True)
class Met:
    """Evidence of one query: of its best `copy`, and of each unrelated video `[V]`."""

    copy: float
    unrelated: Array

    def among(self, videos: int) -> Counted:
        """Among the first so many of the unrelated videos."""
        some = self.unrelated[:videos]
        before = int((some >= self.copy).sum())
        return Counted(len(some), int((some > 0).sum()), before, self.copy > 0)


def met(
    asked: Sequence[Asked],
    library: Collection,
    space: Space,
    *,
    precision: Precision,
    frames: int,
    limit: float,
) -> tuple[list[Met], Array]:
    """What each query meets among its copies and `frames` made frames within squared L2 `limit`,
    by the evidence that orders candidates; and the frames before the end of each made video.

    `precision`: of stored vectors; queries keep theirs."""
    exact = space(library.vectors)
    held = decode(encode(exact, precision))
    queries = [np.asarray(space(query.vectors), np.float32) for query in asked]
    copies = [
        float(_evidence(vectors, held, library.starts, limit)[query.right].max(initial=0.0))
        for query, vectors in zip(asked, queries, strict=True)
    ]
    unrelated: list[list[Array]] = [[] for _ in asked]
    ends: list[Array] = []
    total = 0
    for block, starts in MadeVideos(exact, library.starts).blocks(frames):
        stored = decode(encode(block, precision))
        for mine, vectors in zip(unrelated, queries, strict=True):
            mine.append(_evidence(vectors, stored, starts, limit))
        ends.append(total + np.append(starts[1:], len(block)))
        total += len(block)
    found = [Met(c, np.concatenate(u)) for c, u in zip(copies, unrelated, strict=True)]
    return found, np.concatenate(ends)


def _evidence(queries: Array, vectors: Array, starts: Array, limit: float) -> Array:
    """Of each video `[V]`, as candidate generation adds it up."""
    near = np.minimum.reduceat(squared_distances(queries, vectors), starts, axis=1)
    evidence: Array = np.maximum(0.0, limit - near).sum(0)
    return evidence


def admitted_by_real(
    asked: Sequence[Asked], library: Collection, space: Space, limit: float
) -> float:
    """The share of real unrelated videos within the limit: what made ones are to be like."""
    held = space(library.vectors)
    shares = []
    for query in asked:
        evidence = _evidence(space(query.vectors), held, library.starts, limit)
        shares.append(float((evidence[query.unrelated] > 0).mean()))
    return float(np.mean(shares))


@dataclass(frozen=True)
class IndexCost:
    """CPU seconds of building, CPU milliseconds a query frame, and bytes of graph and vectors."""

    frames: int
    build_seconds: float
    query_milliseconds: float
    bytes: float


def index_cost(library: Collection, space: Space, frames: int) -> IndexCost:
    held = np.asarray(space(library.vectors), np.float32)
    vectors = np.concatenate([b for b, _ in MadeVideos(held, library.starts).blocks(frames)])
    index = HnswIndex(vectors.shape[1], capacity=len(vectors), threads=1)
    start = time.process_time()
    index.add(vectors, np.arange(len(vectors)))
    built = time.process_time()
    queries = vectors[np.linspace(0, len(vectors) - 1, _QUERY_FRAMES).astype(int)]
    index.search(queries, _NEIGHBOURS)
    searched = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        index.save(path)
        size = path.stat().st_size + vectors.nbytes
    return IndexCost(
        len(vectors), built - start, 1000 * (searched - built) / _QUERY_FRAMES, float(size)
    )
