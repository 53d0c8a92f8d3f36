"""A picture as a part of one of the other shape: an upright crop where it was in the wide picture.

Regions are thirds of a picture's sides. An upright crop of a wide picture, squashed like any other,
has regions three times as wide as those of the picture that it came from. So it is put into the
middle of a plain wide canvas, where its regions have the size that they had. Those of the middle
third show the crop and nothing else. They stand in for the others, as Chamfer similarity takes for
each region the best of the other side, wherever it lies.
"""

import numpy as np

from visil_dash.records import Array

# Width to height of the canvas. Crops of 16:9 and of 4:3 both score well in it.
_CANVAS = 4 / 3
CLEARLY = 1.1  # so much longer than wide, or wider than long, a picture has a shape
_SIDE_REGIONS = 3
REGIONS = _SIDE_REGIONS**2  # of a frame, for which this works


def is_upright(shape: float) -> bool:
    """Whether a picture of this width to height is clearly longer than wide."""
    return shape * CLEARLY <= 1


def is_wide(shape: float) -> bool:
    return shape >= CLEARLY


def placed(frames: Array, shape: float, *, side: int) -> Array:
    """Frames uint8 `[n, S, S, 3]`, squashed from width to height `shape`, within a canvas of the
    other shape, squashed to `[n, side, side, 3]`: in a wide one if they are upright."""
    import cv2  # here, as commands need the names of views that draw nothing

    upright = shape < 1
    slim = shape if upright else 1 / shape
    # The middle third has to show the picture alone.
    share = slim / min(_CANVAS, _SIDE_REGIONS * slim)
    across = max(1, round(side * share))
    size = (across, side) if upright else (side, across)
    start = (side - across) // 2
    rows, columns = slice(0, side), slice(start, start + across)
    if not upright:
        rows, columns = columns, rows
    out = np.empty((len(frames), side, side, 3), np.uint8)
    for canvas, frame in zip(out, frames, strict=True):
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        canvas[:] = small.mean((0, 1))
        canvas[rows, columns] = small
    return out


def spread(regions: Array, shape: float) -> Array:
    """Region vectors `[n, 9, D]` of placed frames with those of the middle third for all others."""
    grid = regions.reshape(len(regions), _SIDE_REGIONS, _SIDE_REGIONS, -1)
    middle = grid[:, :, 1:2] if shape < 1 else grid[:, 1:2]
    return np.ascontiguousarray(np.broadcast_to(middle, grid.shape)).reshape(regions.shape)
