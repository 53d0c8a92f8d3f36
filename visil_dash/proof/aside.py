"""Whether one picture is the other moved aside, as two moments of a camera that pans.

What a pan shows twice moves alike at both times: the place slides through the picture at the same
pace. A copy that is cropped lies inside its source, and one that is shown smaller surrounds it;
only a pan has at one side what the other lacks, and lacks at the opposite side what the other has.
"""

import numpy as np

from visil_dash.proof.footage import Footage
from visil_dash.proof.grid import Grid
from visil_dash.records import Array, Box

_LEAST_ASIDE = 0.12  # share of the picture that each has for itself
_ALONG = 0.9  # share of the picture that both show across the way of the camera
_FLUSH = 0.03  # share of the picture within which a box reaches its edge
_SAME_SIZE = 0.2  # shares: a camera that moves on comes nearer, too
_CONTENT = 10.0  # grey levels, standard deviation: less is a bar


def moved_aside(query: Footage, reference: Footage, ticks: tuple[int, int], grid: Grid) -> bool:
    """Whether the pictures of these ticks lie on each other so."""
    across, down = zip(_spans(grid.box), _spans(grid.reference_box), strict=True)
    if not any(
        _slid(*way) and min(length for _, length in other) >= _ALONG
        for way, other in ((across, down), (down, across))
    ):
        return False
    return all(
        _has_content(footage.grey(tick), box)
        for footage, tick, box in (
            (query, ticks[0], grid.box),
            (reference, ticks[1], grid.reference_box),
        )
    )


def _spans(box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Start and length of a box across and down."""
    return (box[0], box[2]), (box[1], box[3])


def _slid(mine: tuple[float, float], theirs: tuple[float, float]) -> bool:
    """Whether one begins at the edge where the other ends, both shorter than the picture."""
    if max(mine[1], theirs[1]) > 1 - _LEAST_ASIDE or abs(mine[1] - theirs[1]) > _SAME_SIZE:
        return False
    starts = mine[0] <= _FLUSH and theirs[0] + theirs[1] >= 1 - _FLUSH
    ends = theirs[0] <= _FLUSH and mine[0] + mine[1] >= 1 - _FLUSH
    return starts or ends


def _has_content(picture: Array, box: Box) -> bool:
    """Whether what lies outside a box of a grey picture is more than a bar."""
    height, width = picture.shape
    outside = np.ones(picture.shape, bool)
    top, left = round(box[1] * height), round(box[0] * width)
    outside[top : round((box[1] + box[3]) * height), left : round((box[0] + box[2]) * width)] = (
        False
    )
    return bool(outside.any() and picture[outside].std() >= _CONTENT)
