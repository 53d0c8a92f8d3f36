"""Spectrum and concentration of distances of frame vectors; the graph against exact search."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hnswlib
import numpy as np

from visil_dash.index.exact import nearest_rows
from visil_dash.index.hnsw import GraphOptions
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances

_MOST_POINTS = 1500
_MOST_QUERIES = 300
_MOST_SIDE = 1024  # largest side of a matrix whose eigenvectors are computed

LEADING, COMPONENTS, NOISE = "leading directions", "own components", "independent noise"


# ---- spectrum ----


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Variance `[M]` along the principal directions `[D, M]` of frames, in decreasing order."""

    variance: Array
    directions: Array

    @property
    def cumulative(self) -> Array:
        """Share of the variance that the first 1, …, M directions explain."""
        return np.asarray(np.cumsum(self.variance) / max(float(self.variance.sum()), 1e-30))

    @property
    def effective(self) -> float:
        """Participation ratio (Σλ)² / Σλ², the effective number of dimensions."""
        return float(self.variance.sum() ** 2 / max(float((self.variance**2).sum()), 1e-30))

    def dims_for(self, share: float) -> int:
        """How many directions explain this share of the variance."""
        return int(np.searchsorted(self.cumulative, share - 1e-9) + 1)


def spectrum(vectors: Array, *, seed: int = 0) -> Spectrum:
    """Spectrum of frame vectors `[N, D]`; with N and D above 1024, of 1024 frames drawn."""
    if min(vectors.shape) > _MOST_SIDE:
        rows = np.random.default_rng(seed).permutation(len(vectors))[:_MOST_SIDE]
        vectors = vectors[np.sort(rows)]
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    count = max(1, len(vectors) - 1)
    if centred.shape[1] <= len(centred):
        values, directions = np.linalg.eigh(centred.T @ centred / count)
    else:
        values, coefficients = np.linalg.eigh(centred @ centred.T / count)
        directions = centred.T @ coefficients
        lengths = np.linalg.norm(directions, axis=0)
        directions = directions / np.where(lengths > 0, lengths, 1)
    kept = values[::-1] > 1e-10 * max(float(values[-1]), 1e-30)
    return Spectrum(values[::-1][kept], directions[:, ::-1][:, kept])


# ---- concentration ----


@dataclass(frozen=True)
class Concentration:
    """Concentration of L2 distances between frames of different videos, in `dim` dimensions.

    `contrast`: mean distance over mean nearest distance (He, Kumar, Chang, ICML 2012), 1 when the
    nearest frame is as far as any other; `variation`: standard deviation over mean distance.
    """

    space: str
    dim: int
    contrast: float
    variation: float


def concentration(
    vectors: Array, owners: Array, dims: Sequence[int], *, seed: int = 0
) -> tuple[Concentration, ...]:
    """In three spaces: the leading principal directions, random components of the frame vectors,
    and independent normal noise. At most 1500 frames and 300 queries are drawn by `seed`."""
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(vectors))[:_MOST_POINTS])
    vectors, owners = vectors[rows].astype(np.float32), owners[rows]
    queries = np.sort(random.permutation(len(vectors))[:_MOST_QUERIES])
    principal = spectrum(vectors, seed=seed).directions
    leading = (vectors - vectors.mean(0)) @ principal.astype(np.float32)
    order = random.permutation(vectors.shape[1])
    noise = random.standard_normal((len(vectors), max(dims)), np.float32)
    results = []
    for dim in sorted(set(dims)):
        spaces = {LEADING: leading[:, :dim], COMPONENTS: vectors[:, order[:dim]]}
        for name, points in (spaces | {NOISE: noise[:, :dim]}).items():
            if points.shape[1] == dim:
                results.append(Concentration(name, dim, *_contrast(points, owners, queries)))
    return tuple(results)


def _contrast(points: Array, owners: Array, queries: Array) -> tuple[float, float]:
    distances = np.sqrt(squared_distances(points[queries], points))
    other = owners[queries][:, None] != owners[None]
    usable = other.any(1)
    distances, other = distances[usable].astype(np.float64), other[usable]
    closest = np.where(other, distances, np.inf).min(1)
    pooled = distances[other]
    mean = float(pooled.mean())
    return mean / max(float(closest.mean()), 1e-12), float(pooled.std()) / max(mean, 1e-12)


# ---- the graph ----


@dataclass(frozen=True)
class GraphPoint:
    """Recall@k against exact search and milliseconds per query at one ef, on one thread.

    `p50_ms`, `p95_ms`: quantiles over the queries, asked one at a time.
    """

    ef: int
    recall: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class GraphStudy:
    """A graph of `frames` frames of `dim` dims, searched with `queries` frames of other videos.

    `build`: seconds.
    """

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
    """Builds a graph of `base` `[N, d]` and searches it with `queries` `[Q, d]` at each ef.

    Frames are added in random order, as in the index. Raises ValueError where either is empty.
    """
    if not len(base) or not len(queries):
        raise ValueError(
            f"graph: expected frames and query frames, got {len(base)} and {len(queries)}"
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
    _, exact = nearest_rows(base, queries, k)
    exact_ms = 1000 * (time.perf_counter() - start) / len(queries)
    limit = exact[:, -1:] * (1 + 1e-5) + 1e-6
    points = []
    for ef in sorted({max(k, ef) for ef in efs}):
        graph.set_ef(ef)
        found, times = [], []
        for query in queries:
            start = time.perf_counter()
            found.append(graph.knn_query(query, k=k)[1][0])
            times.append(1000 * (time.perf_counter() - start))
        middle, slow = np.quantile(times, (0.5, 0.95))
        points.append(
            GraphPoint(
                ef=ef,
                recall=float((np.stack(found) <= limit).mean()),
                p50_ms=float(middle),
                p95_ms=float(slow),
            )
        )
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
