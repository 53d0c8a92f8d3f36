"""The transform and the speed that fit best near those of a placement."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from visil_dash.proof.search import CLEAR_INLIERS, FASTER, SLOWER, Placement, lay_out, registered_at
from visil_dash.proof.sides import Examined

_FINE_SPEEDS = (0.97, 0.985, 1.0, 1.015, 1.03)
_ROUNDS, _STEPS = 3, 4
_WORTH = 0.8  # share of a value at which a registration of the same moments is preferred
_FITS_WELL = 0.8  # correlation of motion that a better registration would hardly raise
_AS_GOOD = 0.97  # most copies play at normal speed


def refined(query: Examined, reference: Examined, placement: Placement) -> Placement:
    """The placement with the transform and the speed that fit best near its own.

    Pictures are registered anew at moments that agree, where they are the same pictures; with the
    better transform another speed may fit better, and with that other moments.
    """
    for _ in range(_ROUNDS):
        placement = _best_speed(placement)
        if placement.at.motion >= _FITS_WELL and placement.laid.inliers >= CLEAR_INLIERS:
            return placement
        again = _registered_anew(query, reference, placement)
        if again is None or again.value < _WORTH * placement.value:
            return placement
        placement = again
    return _best_speed(placement)


def _registered_anew(
    query: Examined, reference: Examined, placement: Placement
) -> Placement | None:
    rows = np.linspace(placement.at.start, placement.at.end - 1, 5)[1:-1]
    times = [placement.times(row) for row in rows]
    fresh = registered_at(query, reference, times, mirrored=placement.laid.mirrored)
    if not fresh:
        return None
    speeds = {1.0, placement.at.speed}
    again = lay_out(
        query,
        reference,
        fresh[0],
        speeds=speeds,
        backwards=[placement.at.reversed],
        cells=placement.cells,
    )
    return None if again is None or again.shift is None else again


def _best_speed(placement: Placement) -> Placement:
    """The placement at the speed that fits best: of all, where its own does not fit well."""
    if placement.at.motion < _FITS_WELL:
        placement = _at_best_speed(placement, [*SLOWER, 1.0, *FASTER])
    for _ in range(_STEPS):
        speed = placement.at.speed
        best = _at_best_speed(placement, [speed * factor for factor in _FINE_SPEEDS])
        if best.value <= placement.value * 1.01:
            break
        placement = best
    return placement


def _at_best_speed(placement: Placement, speeds: Sequence[float]) -> Placement:
    """The placement at the best of these speeds or its own; at normal speed if that is as good."""
    backwards = [placement.at.reversed]
    found = placement.search.best(speeds, backwards=backwards)
    if found is None or found.value <= placement.value:
        found = placement.at
    plain = placement.search.best([1.0], backwards=backwards)
    if plain is not None and plain.value >= _AS_GOOD * found.value:
        found = plain
    return replace(placement, shift=found)
