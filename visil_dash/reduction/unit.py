"""Unit length: what is searched of a frame vector is its direction alone.

Attention scales the regions of a frame, and so its vector: a faint or darkened copy is shorter than
its original, and squared L2 would count that as distance. On unit vectors |a − b|² = 2 − 2·cos, 0
for the same direction, 2 for frames that share nothing, 4 for opposite ones. docs/evaluation.md has
what it is worth.
"""

import numpy as np

from visil_dash.records import Array

MOST_DISTANCE = 4.0  # squared L2 of opposite unit vectors


def unit_length(vectors: Array) -> Array:
    """Vectors `[N, D]` scaled to unit length, float32; zero vectors stay zero."""
    vectors = np.asarray(vectors, np.float32)
    # In float64: the square of a small float32 may be zero.
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    return np.asarray(vectors * scale[:, None], np.float32)


def cosine_of(distance: float) -> float:
    """The cosine of two unit vectors at this squared L2 distance."""
    return 1.0 - distance / 2.0
