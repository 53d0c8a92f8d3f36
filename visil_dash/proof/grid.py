"""The common part of two registered pictures, both drawn on one small grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.proof.footage import Footage
from visil_dash.proof.registration import corners, moved
from visil_dash.records import Array, Box

_LEAST_COMMON = 0.02  # share of the query's picture


@dataclass(frozen=True)
class Grid:
    """`query`, `reference`: grid to pixels of either picture `[3, 3]`; `size`: width, height.
    `mask`: bool `[height, width]`, where both pictures have pixels. `box`: the common part in the
    query, `reference_box` in the reference; `common`: its share of the query's picture.
    """

    query: Array
    reference: Array
    size: tuple[int, int]
    mask: Array
    box: Box
    reference_box: Box
    common: float


def common_grid(
    transform: Array,
    *,
    query_size: tuple[int, int],
    reference_size: tuple[int, int],
    cells: int,
) -> Grid | None:
    """A grid of about so many cells over what a transform (reference to query, pixels) leaves in
    common; None where that is next to nothing."""
    outline = moved(transform, corners(reference_size)).astype(np.float32)
    frame = corners(query_size).astype(np.float32)
    if not np.isfinite(outline).all() or not cv2.isContourConvex(outline):
        return None
    outline = np.asarray(cv2.convexHull(outline), np.float32)  # in one direction, mirrored or not
    area, polygon = cv2.intersectConvexConvex(outline, frame)
    whole = query_size[0] * query_size[1]
    if polygon is None or area < _LEAST_COMMON * whole:
        return None
    points = polygon.reshape(-1, 2)
    low, high = points.min(0), points.max(0)
    extent = np.maximum(high - low, 1.0)
    step = float(np.sqrt(extent[0] * extent[1] / cells))
    size = max(8, round(float(extent[0]) / step)), max(8, round(float(extent[1]) / step))
    to_query = np.array(
        [[extent[0] / size[0], 0, low[0]], [0, extent[1] / size[1], low[1]], [0, 0, 1.0]]
    )
    to_reference = np.linalg.inv(transform) @ to_query
    inside = np.zeros((size[1], size[0]), np.uint8)
    drawn = moved(np.linalg.inv(to_query), points)
    cv2.fillConvexPoly(inside, np.round(drawn).astype(np.int32), 1)
    return Grid(
        query=to_query,
        reference=to_reference,
        size=size,
        mask=inside.astype(bool),
        box=_box_around(points, query_size),
        reference_box=_box_around(moved(np.linalg.inv(transform), points), reference_size),
        common=float(area) / whole,
    )


def _box_around(points: Array, size: tuple[int, int]) -> Box:
    """The box around points (pixels) in a picture of this size, as shares."""
    low = np.clip(points.min(0) / size, 0, 1)
    wide, high = np.clip(points.max(0) / size, 0, 1) - low
    return float(low[0]), float(low[1]), float(wide), float(high)


def drawn(footage: Footage, ticks: Sequence[int], to_picture: Array, grid: Grid) -> Array:
    """The grey pictures of these ticks on a grid, float32 `[N, height, width]`, outside of the
    mask 0. `to_picture`: grid to pixels of the footage."""
    scale = float(np.sqrt(abs(np.linalg.det(_linear_at_middle(to_picture, grid.size)))))
    # Shrinking by areas first is the blur that a coarse grid needs, done once for all grids.
    shrink = max(1, int(2 ** np.floor(np.log2(max(scale, 1.0)))))
    smaller = np.diag([1 / shrink, 1 / shrink, 1.0]) @ to_picture
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = np.empty((len(ticks), grid.size[1], grid.size[0]), np.float32)
    for number, tick in enumerate(ticks):
        out[number] = cv2.warpPerspective(
            footage.grey(tick, shrink=shrink),
            smaller,
            grid.size,
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
    out *= grid.mask
    return out


def _linear_at_middle(to_picture: Array, size: tuple[int, int]) -> Array:
    x, y = size[0] / 2, size[1] / 2
    around = np.array([(x, y), (x + 1, y), (x, y + 1)])
    placed = moved(to_picture, around)
    return np.asarray((placed[1:] - placed[0]).T)
