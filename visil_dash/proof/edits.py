"""What was done to a copy, in words, from how it registers."""

import numpy as np

from visil_dash.clock import clock
from visil_dash.proof.photometry import Photometry
from visil_dash.records import Array, Box, Segment

_WHOLE = 0.93  # share of a side from which nothing is said to be cut or added
_THIRDS = ("left", "middle", "right")


def described(
    transform: Array,
    *,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    boxes: tuple[Box, Box],
    overlays: tuple[Box, ...],
    light: Photometry,
    span: Segment | None,
    moves: bool = False,
) -> tuple[str, ...]:
    """Phrases for people, the most telling first.

    `transform`: reference to query in pixels of pictures of these `sizes` (query, reference).
    `boxes`: the common part in query and reference, as shares; `moves`: the query's only at one
    moment.
    """
    words = [*_geometry(transform, sizes, boxes, moves=moves), *_light(light)]
    words += [f"something else at the {place_of(box)}" for box in overlays[:2]]
    if span is not None:
        words += _time(span)
    return tuple(words)


def _geometry(
    transform: Array,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    boxes: tuple[Box, Box],
    *,
    moves: bool,
) -> list[str]:
    query, reference = boxes
    linear = transform[:2, :2]
    mirrored = bool(np.linalg.det(linear) < 0)
    words = ["mirrored"] if mirrored else []
    across = linear @ np.diag([-1.0, 1.0]) if mirrored else linear
    angle = float(np.degrees(np.arctan2(across[1, 0], across[0, 0])))
    if abs(angle) >= 2:
        words.append(f"turned by {abs(angle):.0f}°")
    if reference[2] * reference[3] < _WHOLE**2:
        words.append(f"cropped to {100 * reference[2] * reference[3]:.0f} % of the picture")
    if query[2] * query[3] < _WHOLE**2:
        where = "in an inset that moves" if moves else place_of(query)
        words.append(f"shown in {100 * query[2] * query[3]:.0f} % of the picture, {where}")
    wide, high = np.linalg.norm(linear[:, 0]), np.linalg.norm(linear[:, 1])
    if high > 0 and abs(wide / high - 1) > 0.06 and abs(angle) < 10:
        stretch = wide / high
        more = f"{stretch:.2f}× wider" if stretch > 1 else f"{1 / stretch:.2f}× taller"
        words.append(f"stretched {more}")
    return words


def place_of(box: Box) -> str:
    """Where a box lies in a picture, in words."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    row = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else "middle"
    column = _THIRDS[min(2, int(3 * x))]
    if box[2] > 0.7:
        return row
    if box[3] > 0.7:
        return column
    if (row, column) == ("middle", "middle"):
        return "centre"
    return f"{row} {column}"


def _light(light: Photometry) -> list[str]:
    words = []
    if light.grey:
        words.append("without colour")
    elif light.saturation < 0.75 or light.saturation > 1.35:
        words.append("paler colours" if light.saturation < 1 else "stronger colours")
    if abs(light.brightness - 1) > 0.12:
        words.append("brighter" if light.brightness > 1 else "darker")
    if abs(light.contrast - 1) > 0.2:
        words.append("more contrast" if light.contrast > 1 else "less contrast")
    return words


def _time(span: Segment) -> list[str]:
    words = []
    if span.reversed:
        words.append("played backwards")
    if abs(span.speed - 1) >= 0.03:
        # Reference seconds per query second: the copy runs faster where it shows more of them.
        pace = span.speed if span.speed > 1 else 1 / span.speed
        words.append(f"{pace:.2f}× {'faster' if span.speed > 1 else 'slower'}")
    start = span.reference_end if span.reversed else span.reference_start
    words.append(f"starts at {clock(start, digits=1)} of the reference")
    return words
