"""Registration: how the picture of one video lies on that of another.

Local features (SIFT) of sampled frames are matched, and the transform that most of them agree on is
found by RANSAC. An edit moves the picture as a whole, so frames of one edit agree on one transform;
matches of a wrong moment agree with none. SIFT distinguishes a picture from its mirror image, so
both are tried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.records import Array

_FEATURES = 700
_RATIO = 0.8  # nearest to second nearest descriptor (Lowe 2004)
_TOLERANCE = 4.0  # pixels
LEAST_INLIERS = 10
_SCALES = (0.15, 6.0)  # of length; unrelated text registers with a scale near 0
_SAME_TRANSFORM = 0.06  # mean distance of corners, as a share of the query's diagonal
# A homography fits anything better than a similarity does; it has to fit clearly better.
_BENDS = 1.15


@dataclass(frozen=True)
class Features:
    """Positions `[N, 2]` in pixels and RootSIFT descriptors `[N, 128]` (Arandjelović 2012)."""

    points: Array
    descriptors: Array


@dataclass(frozen=True)
class Laid:
    """A transform, pixels of the reference to pixels of the query `[3, 3]`, and the matched points
    `[N, 2]` of both that agree with it; none for a transform that was assumed."""

    transform: Array
    query_points: Array
    reference_points: Array

    @property
    def inliers(self) -> int:
        return len(self.query_points)

    @property
    def mirrored(self) -> bool:
        return bool(np.linalg.det(self.transform) < 0)


def local_features(picture: Array, *, mirrored: bool = False) -> Features:
    """SIFT features of a grey picture uint8 `[h, w]`; of its mirror image, in its own pixels."""
    image = np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture
    sift = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02)
    found, descriptors = sift.detectAndCompute(image, None)
    if descriptors is None or len(found) == 0:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    points = np.array([k.pt for k in found], np.float32)
    if mirrored:
        points[:, 0] = picture.shape[1] - 1 - points[:, 0]
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-7))
    return Features(points, root)


def _matched(query: Features, reference: Features) -> tuple[Array, Array]:
    """Positions of the features that match clearly, in both pictures `[N, 2]`."""
    if len(query.points) < 2 or len(reference.points) < 2:
        none = np.zeros((0, 2), np.float32)
        return none, none
    alike = query.descriptors @ reference.descriptors.T
    best = alike.argmax(1)
    rows = np.arange(len(alike))
    first = alike[rows, best]
    alike[rows, best] = -1
    second = alike.max(1)
    # Distances of unit vectors from their products; the ratio test is on distances.
    clear = np.sqrt(np.maximum(2 - 2 * first, 0)) < _RATIO * np.sqrt(np.maximum(2 - 2 * second, 0))
    return query.points[clear], reference.points[best[clear]]


def register(query: Features, reference: Features) -> Laid | None:
    """The transform that most matches agree on; None where too few do."""
    return fitted(*_matched(query, reference))


def fitted(query_points: Array, reference_points: Array) -> Laid | None:
    """The transform that most of these matched points `[N, 2]` agree on; None where too few do."""
    if len(query_points) < LEAST_INLIERS:
        return None
    best = max(
        (_similar(query_points, reference_points, side) for side in (1, -1)),
        key=lambda laid: 0 if laid is None else laid.inliers,
    )
    bent, kept = cv2.findHomography(
        reference_points, query_points, cv2.USAC_MAGSAC, _TOLERANCE, maxIters=1000
    )
    if bent is not None and _plausible(_local_scale(bent, reference_points)):
        inside = kept.ravel().astype(bool)
        if inside.sum() > _BENDS * (0 if best is None else best.inliers):
            best = Laid(bent, query_points[inside], reference_points[inside])
    return best if best is not None and best.inliers >= LEAST_INLIERS else None


def _similar(query_points: Array, reference_points: Array, side: int) -> Laid | None:
    """A rotation, scale and shift; for `side` -1 of the mirror image, which RANSAC does not try."""
    turned, kept = cv2.estimateAffinePartial2D(
        reference_points * np.array((side, 1), np.float32),
        query_points,
        method=cv2.RANSAC,
        ransacReprojThreshold=_TOLERANCE,
    )
    if turned is None or not _plausible(turned[:, :2]):
        return None
    inside = kept.ravel().astype(bool)
    square = np.vstack([turned, [0.0, 0.0, 1.0]]) @ np.diag([side, 1.0, 1.0])
    return Laid(square, query_points[inside], reference_points[inside])


def _local_scale(bent: Array, points: Array) -> Array:
    """The linear part `[2, 2]` of a homography at the middle of the points."""
    x, y = points.mean(0)
    u, v, w = bent @ (x, y, 1.0)
    if abs(w) < 1e-9:
        return np.zeros((2, 2))
    return np.asarray((bent[:2, :2] - np.outer((u / w, v / w), bent[2, :2])) / w)


def _plausible(linear: Array) -> bool:
    """Whether a linear map `[2, 2]` neither crushes nor tears the picture."""
    if not np.isfinite(linear).all():
        return False
    large, small = np.linalg.svd(linear, compute_uv=False)
    return bool(_SCALES[0] <= small and large <= _SCALES[1] and large <= 2.5 * small)


def corners(size: tuple[int, int]) -> Array:
    """The corners of a picture of this width and height, pixels `[4, 2]`."""
    width, height = size
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def moved(transform: Array, points: Array) -> Array:
    """Points `[N, 2]` under a transform `[3, 3]`."""
    homogeneous = np.c_[points, np.ones(len(points))] @ transform.T
    weight = homogeneous[:, 2:]
    return np.asarray(homogeneous[:, :2] / np.where(np.abs(weight) < 1e-9, 1e-9, weight))


def agreed(
    found: Iterable[Laid], *, query_size: tuple[int, int], reference_size: tuple[int, int]
) -> list[Laid]:
    """Transforms of several frames, those of one edit put together, best supported first."""
    diagonal = float(np.hypot(*query_size))
    groups: list[tuple[Array, list[Laid]]] = []
    for laid in sorted(found, key=lambda one: -one.inliers):
        place = moved(laid.transform, corners(reference_size))
        for other, members in groups:
            if np.linalg.norm(place - other, axis=1).mean() < _SAME_TRANSFORM * diagonal:
                members.append(laid)
                break
        else:
            groups.append((place, [laid]))
    together = [_together(members) for _, members in groups]
    return sorted(together, key=lambda one: -one.inliers)


def _together(members: Sequence[Laid]) -> Laid:
    """One transform from the points of several frames."""
    if len(members) == 1:
        return members[0]
    query = np.concatenate([one.query_points for one in members])
    reference = np.concatenate([one.reference_points for one in members])
    return fitted(query, reference) or members[0]


def laid_whole(
    query_size: tuple[int, int], reference_size: tuple[int, int], *, mirrored: bool = False
) -> Laid:
    """The whole reference on the whole query: what most copies are, where no features agree."""
    x, y = query_size[0] / reference_size[0], query_size[1] / reference_size[1]
    transform = np.diag([x, y, 1.0])
    if mirrored:
        transform = np.array([[-x, 0, query_size[0] - 1], [0, y, 0], [0, 0, 1.0]])
    none = np.zeros((0, 2), np.float32)
    return Laid(transform, none, none)
