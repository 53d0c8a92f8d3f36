"""A collection on a plane: near dots are similar videos, as far as a plane can show it."""

from dataclasses import dataclass

import numpy as np

from visil_dash.collection.table import strength
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array

_MOST_STEPS = 100
_LEAST_GAIN = 1e-4  # relative fall of the stress below which a step is the last


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


def similarity_map(scores: Array, *, watch: Watch = UNWATCHED) -> SimilarityMap:
    """Positions by multidimensional scaling of `dissimilarity`; the same in, the same out.

    Classical scaling (Torgerson 1952) is the start; steps of SMACOF (de Leeuw 1977) then lower
    the stress, the squared difference of distances and dissimilarities, until they gain little.
    Raises Cancelled.
    """
    from sklearn.manifold import smacof

    wanted = dissimilarity(scores)
    positions = classical_scaling(wanted)
    before = float(((distances(positions) - wanted) ** 2).sum()) / 2
    for step in range(_MOST_STEPS):
        watch.count("Moving similar videos together", step, _MOST_STEPS)
        # One step at a time: a run of many can be neither watched nor stopped.
        positions, stress = smacof(wanted, init=positions, max_iter=1, normalized_stress=False)
        if before - stress <= _LEAST_GAIN * stress:
            break
        before = stress
    return SimilarityMap(positions, _explained(distances(positions), wanted))


def classical_scaling(wanted: Array) -> Array:
    """`[N, N]` distances → `[N, 2]`: the two strongest axes of the doubly centred squares."""
    from sklearn.manifold import ClassicalMDS

    if len(wanted) < 2:
        return np.zeros((len(wanted), 2))
    # Distances that no plane holds have axes of negative strength: they come as NaN and count 0.
    with np.errstate(invalid="ignore"):
        axes = ClassicalMDS(2, metric="precomputed").fit_transform(wanted)
    return np.asarray(np.nan_to_num(axes))


def distances(positions: Array) -> Array:
    """Euclidean distances `[N, N]` of positions `[N, 2]`."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(positions, positions))


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
