"""The curse of dimensionality and the spectrum, measured on frames; the graph against exact search.

Arrays in, records out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hnswlib
import numpy as np

from visil_dash.index.exact import nearest
from visil_dash.index.hnsw import GraphOptions
from visil_dash.records import Array
from visil_dash.reduction.quantisation import Precision, code_distances, encode

MOST_POINTS = 1500
MOST_ROWS = 300
MOST_SIDE = 1024  # of a matrix whose eigenvectors are computed in full

LEADING, COMPONENTS, NOISE = "leading directions", "own components", "independent noise"


# ---- spectrum ----


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Variance `[M]` along the principal directions `[D, M]` of frames, falling."""

    variance: Array
    directions: Array

    @property
    def cumulative(self) -> Array:
        """Share of all variance that the first 1…M directions explain."""
        out: Array = np.cumsum(self.variance) / max(float(self.variance.sum()), 1e-30)
        return out

    @property
    def effective(self) -> float:
        """Participation ratio (Σλ)² / Σλ²: how many equal directions would spread as much."""
        return float(self.variance.sum() ** 2 / max(float((self.variance**2).sum()), 1e-30))

    def dims_for(self, share: float) -> int:
        """Directions needed to explain this share of the variance."""
        return int(np.searchsorted(self.cumulative, share - 1e-9) + 1)


def spectrum(vectors: Array, *, seed: int = 0) -> Spectrum:
    """Of frame vectors `[N, D]`; where both sides are large, of 1024 frames drawn by `seed`."""
    if min(vectors.shape) > MOST_SIDE:
        rows = np.random.default_rng(seed).permutation(len(vectors))[:MOST_SIDE]
        vectors = vectors[np.sort(rows)]
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    count = max(1, len(vectors) - 1)
    if centred.shape[1] <= len(centred):
        values, directions = np.linalg.eigh(centred.T @ centred / count)
    else:
        values, inside = np.linalg.eigh(centred @ centred.T / count)
        directions = centred.T @ inside
        lengths = np.linalg.norm(directions, axis=0)
        directions = directions / np.where(lengths > 0, lengths, 1)
    kept = values[::-1] > 1e-10 * max(float(values[-1]), 1e-30)
    return Spectrum(values[::-1][kept], directions[:, ::-1][:, kept])


# ---- concentration ----


@dataclass(frozen=True)
class Concentration:
    """How alike all distances are in a space of `dim`: L2, frames of different videos.

    `contrast`: mean distance over mean nearest distance (He, Kumar, Chang, ICML 2012), 1 when
    nearest means nothing any more; `variation`: standard deviation over mean of all distances.
    """

    space: str
    dim: int
    contrast: float
    variation: float


def concentration(
    vectors: Array, owners: Array, dims: Sequence[int], *, seed: int = 0
) -> tuple[Concentration, ...]:
    """Measured on at most MOST_POINTS frames: along the leading directions, on randomly chosen
    components of the frame vectors, and on independent normal noise of as many dims."""
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(vectors))[:MOST_POINTS])
    vectors, owners = vectors[rows].astype(np.float32), owners[rows]
    ask = np.sort(random.permutation(len(vectors))[:MOST_ROWS])
    found = spectrum(vectors, seed=seed)
    leading = (vectors - vectors.mean(0)) @ found.directions.astype(np.float32)
    order = random.permutation(vectors.shape[1])
    noise = random.standard_normal((len(vectors), max(dims)), np.float32)
    out = []
    for dim in sorted(set(dims)):
        spaces = {LEADING: leading[:, :dim], COMPONENTS: vectors[:, order[:dim]]}
        for name, points in (spaces | {NOISE: noise[:, :dim]}).items():
            if points.shape[1] == dim:
                out.append(Concentration(name, dim, *_concentrated(points, owners, ask)))
    return tuple(out)


def _concentrated(points: Array, owners: Array, ask: Array) -> tuple[float, float]:
    distances = np.sqrt(code_distances(points[ask], encode(points, Precision.FP32)))
    other = owners[ask][:, None] != owners[None]
    some = other.any(1)
    distances, other = distances[some].astype(np.float64), other[some]
    closest = np.where(other, distances, np.inf).min(1)
    every = distances[other]
    mean = float(every.mean())
    return mean / max(float(closest.mean()), 1e-12), float(every.std()) / max(mean, 1e-12)


# ---- the graph ----


@dataclass(frozen=True)
class GraphPoint:
    """One ef: recall@k against exact search and milliseconds a query, on one thread."""

    ef: int
    recall: float
    query_ms: float


@dataclass(frozen=True)
class GraphStudy:
    """A graph over `frames` frames of `dim`, asked by `queries` frames of other videos."""

    options: GraphOptions
    frames: int
    queries: int
    dim: int
    k: int
    build: float
    bytes: int
    exact_ms: float
    points: tuple[GraphPoint, ...]


def graph_study(
    base: Array,
    queries: Array,
    options: GraphOptions,
    *,
    efs: Sequence[int],
    k: int,
) -> GraphStudy:
    """Builds a graph of `base` `[N, d]` and asks it `queries` `[Q, d]` at each ef.

    Filled in random order, as the index is. Raises ValueError where either is empty.
    """
    if not len(base) or not len(queries):
        raise ValueError(
            f"graph: expected frames to find and to ask, got {len(base)} and {len(queries)}"
        )
    k = min(k, len(base))
    start = time.perf_counter()
    graph: Any = hnswlib.Index(space="l2", dim=base.shape[1])
    graph.init_index(
        max_elements=len(base), M=options.m, ef_construction=options.ef_construction, random_seed=1
    )
    order = np.random.default_rng(1).permutation(len(base))
    graph.add_items(base[order], order)
    build = time.perf_counter() - start
    graph.set_num_threads(1)
    start = time.perf_counter()
    _, far = nearest(base, queries, k)
    exact_ms = 1000 * (time.perf_counter() - start) / len(queries)
    limit = far[:, -1:] * (1 + 1e-5) + 1e-6
    points = []
    for ef in sorted({max(k, ef) for ef in efs}):
        graph.set_ef(ef)
        start = time.perf_counter()
        _, got = graph.knn_query(queries, k=k)
        spent = 1000 * (time.perf_counter() - start) / len(queries)
        points.append(GraphPoint(ef, float((got <= limit).mean()), spent))
    return GraphStudy(
        options=options,
        frames=len(base),
        queries=len(queries),
        dim=int(base.shape[1]),
        k=k,
        build=build,
        bytes=int(graph.index_file_size()),
        exact_ms=exact_ms,
        points=tuple(points),
    )
