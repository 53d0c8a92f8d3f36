"""Detail: whether registered pictures show the same edges and texture, and where they do not."""

from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.records import Array

_COARSE = 0.06  # of the longer side: what is wider than this is light and shade, not detail
_WINDOW = 0.07  # of the longer side: over which detail is correlated
_FAINT = 1.5  # grey levels, root mean square: less is no detail
AGREES = 0.5  # correlation from which the detail of a place agrees


@dataclass(frozen=True)
class Detail:
    """`map`: correlation of detail around each cell `[h, w]`, -1..1, NaN where there is none.
    `share`: of the places with detail, the share that agrees; 0 where there are none. `mean`: over
    all places with detail. `seen`: share of the common picture that has detail."""

    map: Array
    share: float
    mean: float
    seen: float


def _fine(pictures: Array, mask: Array) -> Array:
    """What is left of pictures `[N, h, w]` without light and shade; outside of the mask 0."""
    sigma = _COARSE * max(mask.shape)
    inside = np.maximum(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), 1e-3)
    out = np.empty_like(pictures)
    for number, picture in enumerate(pictures):
        out[number] = (picture - cv2.GaussianBlur(picture * mask, (0, 0), sigma) / inside) * mask
    return out


def detail_agreement(query: Array, reference: Array, mask: Array) -> Detail:
    """Of pictures on one grid at the same moments, `[N, h, w]` float32 each, and its mask.

    Correlated over a window around each cell and over all N pictures.
    """
    mine, theirs = _fine(query, mask), _fine(reference, mask)
    width = max(3, round(_WINDOW * max(mask.shape))) | 1

    def around(values: Array) -> Array:
        return np.asarray(cv2.boxFilter(values.mean(0), -1, (width, width)))

    area = np.maximum(cv2.boxFilter(mask.astype(np.float32), -1, (width, width)), 1e-3)
    product, left, right = around(mine * theirs), around(mine**2), around(theirs**2)
    clear = (np.minimum(left, right) / area > _FAINT**2) | (
        np.maximum(left, right) / area > (4 * _FAINT) ** 2
    )
    clear &= mask
    both = np.sqrt(np.maximum(left * right, 1e-12))
    found = np.where(clear, product / np.maximum(both, 1e-6), np.nan)
    values = found[clear]
    if not len(values):
        return Detail(found, 0.0, 0.0, 0.0)
    return Detail(
        map=found,
        share=float((values >= AGREES).mean()),
        mean=float(values.mean()),
        seen=float(clear.sum() / max(1, mask.sum())),
    )


def picture_agreement(query: Array, reference: Array, mask: Array) -> Array:
    """Correlation of the detail of each pair of pictures `[N, h, w]` as a whole, `[N]`; NaN where
    neither has any (black, blank)."""
    mine, theirs = _fine(query, mask), _fine(reference, mask)
    product = (mine * theirs).sum((1, 2))
    one, other = (mine**2).sum((1, 2)), (theirs**2).sum((1, 2))
    found = product / np.maximum(np.sqrt(one * other), 1e-6)
    return np.where(np.maximum(one, other) < _FAINT**2 * max(1, mask.sum()), np.nan, found)


def overlay_boxes(
    detail: Detail, query: Array, reference: Array, mask: Array
) -> list[tuple[float, float, float, float]]:
    """Boxes of the grid (shares) in which the query shows something else all the time: a logo,
    subtitles, a border. `query`, `reference` as in `detail_agreement`."""
    other = np.nan_to_num(detail.map, nan=1.0) < 0.3
    # A bright picture in another light differs evenly; an overlay differs in its own place.
    change = np.median(np.abs(_evened(query, mask) - _evened(reference, mask)), axis=0)
    usual = float(np.median(change[mask])) if mask.any() else 0.0
    shape = (other & (change > usual + 12) & mask).astype(np.uint8)
    shape = cv2.morphologyEx(shape, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    shape = cv2.morphologyEx(shape, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(shape)
    height, width = mask.shape
    boxes = [
        (left / width, top / height, wide / width, high / height)
        for left, top, wide, high, area in stats[1:count].tolist()
        if area >= 0.004 * mask.sum()
    ]
    return sorted(boxes, key=lambda box: -box[2] * box[3])[:6]


def _evened(pictures: Array, mask: Array) -> Array:
    """Pictures with the same mean and spread, so that light and contrast do not differ."""
    inside = pictures[:, mask]
    mean, spread = inside.mean(), max(1.0, float(inside.std()))
    return np.asarray((pictures - mean) / spread * 50)
