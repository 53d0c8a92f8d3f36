"""Pictures of a proof: one frame laid onto the other, their difference, and where they lie.

Pictures are uint8 RGB `[H, W, 3]` as displayed, of any size: a registration is in shares.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.records import Array, Box, Registration

_OUTSIDE = 24  # grey level where the other picture has nothing
_GAIN = 3.0  # of a difference: what is small must be seen
_DARKER = 0.35  # of what only one of the pictures shows
_HALO = (11, 22, 38)


@dataclass(frozen=True)
class ProofPictures:
    """A proof as JPEG: the `query` frame, the reference frame `registered` onto it, their
    `difference`, the query with all darkened that is not the reference's (`mask`) with boxes around
    overlays, and the reference frame (`source`) with a box around what the query shows of it."""

    query: bytes
    registered: bytes
    difference: bytes
    mask: bytes
    source: bytes


def registered(query: Array, reference: Array, registration: Registration) -> Array:
    """The reference as it lies in the query's picture, of the query's size; grey outside."""
    return np.asarray(
        cv2.warpPerspective(
            reference,
            _in_pixels(query, reference, registration),
            _size(query),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(_OUTSIDE,) * 3,
        )
    )


def common_part(query: Array, reference: Array, registration: Registration) -> Array:
    """Where the query's picture shows the reference, bool `[H, W]`."""
    whole = np.ones(reference.shape[:2], np.uint8)
    placed = cv2.warpPerspective(
        whole, _in_pixels(query, reference, registration), _size(query), flags=cv2.INTER_NEAREST
    )
    return np.asarray(placed, bool)


def picture_difference(query: Array, reference: Array, registration: Registration) -> Array:
    """What differs in the common part: black where both agree, in their own light and colours.

    Light and contrast are evened first, channel by channel, so that a copy in another grade does
    not differ everywhere and an overlay stands out.
    """
    mask = common_part(query, reference, registration)
    out = np.full(query.shape, _OUTSIDE, np.uint8)
    if not mask.any():
        return out
    same = mask.copy()
    for box in registration.overlays:
        same[_slices(box, query)] = False
    mine = query.astype(np.float32)
    theirs = registered(query, reference, registration).astype(np.float32)
    inside = same if same.any() else mask
    spread = np.maximum(theirs[inside].std(0), 1.0)
    evened = (theirs - theirs[inside].mean(0)) / spread * mine[inside].std(0)
    apart = np.abs(mine - evened - mine[inside].mean(0)) * _GAIN
    out[mask] = np.clip(apart[mask], 0, 255).astype(np.uint8)
    return out


def boxed(picture: Array, boxes: Iterable[Box], *, colour: tuple[int, int, int]) -> Array:
    """The picture with boxes drawn on it, visible on every ground."""
    out = picture.copy()
    line = max(2, round(max(picture.shape) / 200))
    for box in boxes:
        rows, columns = _slices(box, picture)
        corners = (columns.start, rows.start), (columns.stop - 1, rows.stop - 1)
        cv2.rectangle(out, *corners, _HALO, 2 * line)
        cv2.rectangle(out, *corners, colour, line)
    return out


def masked(query: Array, reference: Array, registration: Registration) -> Array:
    """The query with all darkened that is not the reference's: what lies outside, and overlays."""
    own = ~common_part(query, reference, registration)
    for box in registration.overlays:
        own[_slices(box, query)] = True
    out = query.copy()
    out[own] = (out[own] * _DARKER).astype(np.uint8)
    return out


def _in_pixels(query: Array, reference: Array, registration: Registration) -> Array:
    """Pixels of the reference's picture to pixels of the query's, `[3, 3]`."""
    size, other = registration.size, registration.reference_size
    measured = (
        np.diag([*size, 1.0])
        @ np.array(registration.transform)
        @ np.diag([1 / other[0], 1 / other[1], 1.0])
    )
    back = np.linalg.inv(_resized(_size(query), size))
    return np.asarray(back @ measured @ _resized(_size(reference), other))


def _resized(size: tuple[int, int], to: tuple[int, int]) -> Array:
    """Pixels of a picture to those of the same picture in another size: their middles coincide."""
    across, down = to[0] / size[0], to[1] / size[1]
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1.0]])


def _size(picture: Array) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def _slices(box: Box, picture: Array) -> tuple[slice, slice]:
    """Rows and columns of a box, at least one of each."""
    (height, width), (x, y, wide, high) = picture.shape[:2], box
    top, left = round(y * height), round(x * width)
    bottom, right = round((y + high) * height), round((x + wide) * width)
    top, left = min(max(0, top), height - 1), min(max(0, left), width - 1)
    return slice(top, max(top + 1, min(bottom, height))), slice(
        left, max(left + 1, min(right, width))
    )
