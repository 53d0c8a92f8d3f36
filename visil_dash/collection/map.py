"""A collection on a plane: near dots are similar videos, as far as a plane can show it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visil_dash.collection.table import strength
from visil_dash.errors import Cancelled
from visil_dash.records import Array

MOST_STEPS = 100
LEAST_GAIN = 1e-4  # relative fall of the stress below which a step is the last


@dataclass(frozen=True)
class SimilarityMap:
    """`positions` `[N, 2]`, and how far they can be trusted.

    `explained`: r², the share of the variance of the dissimilarities (1 - score, both scaled to
    0..1) that distances on the map carry, over all pairs.
    """

    positions: Array
    explained: float


def dissimilarity(scores: Array) -> Array:
    """`[N, N]` in 0..1 from the better score of each pair: 0 the most similar, 1 the least.

    Pairs that were not compared (NaN) count as the least similar. The diagonal is 0.
    """
    links = strength(scores).astype(float)
    known = np.isfinite(links)
    if not known.any():
        return np.ones(links.shape) - np.eye(len(links))
    low, high = links[known].min(), links[known].max()
    span = high - low
    scaled = (np.where(known, links, low) - low) / span if span > 0 else np.zeros(links.shape)
    out: Array = 1 - scaled
    np.fill_diagonal(out, 0.0)
    return out


def similarity_map(
    scores: Array,
    *,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SimilarityMap:
    """Positions by multidimensional scaling of `dissimilarity`; the same in, the same out.

    Classical scaling (Torgerson 1952) is the start; steps of SMACOF (de Leeuw 1977) then lower
    the stress, the squared difference of distances and dissimilarities, until they gain little.
    Raises Cancelled.
    """
    wanted = dissimilarity(scores)
    positions = classical_scaling(wanted)
    before = np.inf
    for step in range(MOST_STEPS):
        if cancelled is not None and cancelled():
            raise Cancelled("Laying out the map was stopped.")
        if on_progress is not None:
            on_progress(step / MOST_STEPS)
        far = distances(positions)
        stress = float(((far - wanted) ** 2).sum())
        if before - stress <= LEAST_GAIN * stress:
            break
        before = stress
        ratio = np.divide(wanted, far, out=np.zeros_like(far), where=far > 1e-12)
        pull = -ratio
        np.fill_diagonal(pull, ratio.sum(1))
        positions = pull @ positions / len(positions)
    return SimilarityMap(positions, _explained(distances(positions), wanted))


def classical_scaling(wanted: Array) -> Array:
    """`[N, N]` distances → `[N, 2]`: the two strongest axes of the doubly centred squares."""
    n = len(wanted)
    if n < 3:
        return np.array([[0.0, 0.0], [float(wanted[0, -1]), 0.0]][:n]).reshape(n, 2)
    squares = wanted**2
    centred = squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    # An eigenvector's sign is arbitrary: the largest entry is made positive.
    vectors = vectors[:, [-1, -2]]
    top = np.abs(vectors).argmax(0)
    vectors = vectors * np.sign(vectors[top, [0, 1]])
    out: Array = vectors * np.sqrt(np.maximum(values[[-1, -2]], 0))
    return out


def distances(positions: Array) -> Array:
    """Euclidean distances `[N, N]` of positions `[N, 2]`."""
    x, y = positions.T
    out: Array = np.hypot(x[:, None] - x, y[:, None] - y)
    return out


def best_match_is_nearest(found: SimilarityMap, scores: Array, least: float) -> tuple[int, int]:
    """Of the videos with a match of `least` or more: for how many a best match is the nearest dot.

    (how many, of how many). Dots at the same distance are taken for equally near.
    """
    links = strength(scores)
    far = distances(found.positions)
    np.fill_diagonal(far, np.inf)
    best = links.max(1, initial=-np.inf)
    matched = np.flatnonzero(best >= np.float32(least))
    kept = 0
    for i in matched.tolist():
        nearest = far[i] <= far[i].min() + 1e-9
        kept += bool((links[i][nearest] >= best[i]).any())
    return kept, len(matched)


def _explained(far: Array, wanted: Array) -> float:
    pairs = np.triu_indices(len(far), 1)
    a, b = far[pairs], wanted[pairs]
    if len(a) < 2 or np.ptp(a) < 1e-9 or np.ptp(b) < 1e-9:
        return 1.0 if np.allclose(a, b, atol=1e-6) else 0.0
    return float(np.corrcoef(a, b)[0, 1] ** 2)
