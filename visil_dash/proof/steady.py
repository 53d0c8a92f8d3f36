"""How steadily one picture lies on the other: whether motion can be compared at all.

In a copy that was filmed off a screen by hand the whole picture shakes, so that everything moves
that stands still in its source. Motion that does not agree says nothing then.
"""

from collections.abc import Sequence

import numpy as np

from visil_dash.proof.registration import corners, moved, register
from visil_dash.proof.sides import Examined

_LEAST_INLIERS = 30  # of one pair of pictures, for a place that is exact to a fraction of a pixel
_LEAST_PAIRS = 3
STEADY_PIXELS = 0.6  # of pictures 320 pixels long


def shake(
    query: Examined,
    reference: Examined,
    times: Sequence[tuple[float, float]],
    *,
    mirrored: bool,
) -> float | None:
    """How far the reference moves about in the query's picture between these pairs of moments
    (seconds): pixels, the median of the distances of its corners from where they usually lie.

    None where too few pairs register.
    """
    places = []
    for a, b in times:
        laid = register(query.features(a), reference.features(b, mirrored=mirrored))
        if laid is not None and laid.inliers >= _LEAST_INLIERS:
            places.append(moved(laid.transform, corners(reference.footage.size)))
    if len(places) < _LEAST_PAIRS:
        return None
    usual = np.median(places, axis=0)
    return float(np.median(np.linalg.norm(places - usual, axis=2).mean(1)))
