"""How the light and the colours of a copy differ from those of its source."""

from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.proof.footage import Footage
from visil_dash.proof.grid import Grid
from visil_dash.records import Array


@dataclass(frozen=True)
class Photometry:
    """Of the query relative to the reference, 1 unchanged: mean and spread of the light, and mean
    saturation. `grey`: the query has no colours, the reference has."""

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    grey: bool = False


_COLOURLESS = 6.0  # mean difference of the channels of a pixel, of 255


def photometry(
    query: Footage, reference: Footage, ticks: list[tuple[int, int]], grid: Grid
) -> Photometry:
    """From the common part of these pairs of pictures."""
    mine = np.concatenate([_inside(query, a, grid.query, grid) for a, _ in ticks])
    theirs = np.concatenate([_inside(reference, b, grid.reference, grid) for _, b in ticks])
    light, other = mine.mean(1), theirs.mean(1)
    colour, others = np.ptp(mine, axis=1).mean(), np.ptp(theirs, axis=1).mean()
    return Photometry(
        brightness=float(light.mean() / max(1.0, other.mean())),
        contrast=float(light.std() / max(1.0, other.std())),
        saturation=float(colour / max(1.0, others)),
        grey=bool(colour < _COLOURLESS and others > 2 * _COLOURLESS),
    )


def _inside(footage: Footage, tick: int, to_picture: Array, grid: Grid) -> Array:
    """Colours of the common part `[pixels, 3]`."""
    warped = cv2.warpPerspective(
        footage.pictures[tick].rgb,
        to_picture,
        grid.size,
        flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP,
    )
    return np.asarray(warped[grid.mask].astype(np.float32))
