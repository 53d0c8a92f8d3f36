"""The simplest baseline: a perceptual hash of each frame, and the share of frames that match.

Written from the published description of PDQ ("The TMK+PDQF Video-Hashing Algorithm and the PDQ
Image-Hashing Algorithm", Facebook, 2019): luminance, smoothed and resized to 64 × 64; the 16 × 16
lowest frequencies of its cosine transform without the constant ones; one bit each, set above their
median. Frames with little gradient are not hashed; two frames match at Hamming distance 31 or less.
"""

import cv2
import numpy as np

from visil_dash.records import Array

BITS = 256
MATCH_DISTANCE = 31
LEAST_QUALITY = 50  # of 100; below it a frame has too little structure for a meaningful hash
_SIDE, _KEPT = 64, 16


def _transform() -> Array:
    """Rows 1..16 of the orthonormal cosine transform of 64 values, `[16, 64]`."""
    frequency = np.arange(1, _KEPT + 1)[:, None]
    place = np.arange(_SIDE)[None] + 0.5
    rows: Array = np.sqrt(2 / _SIDE) * np.cos(np.pi / _SIDE * frequency * place)
    return rows


_DCT = _transform()


def luminance(frame: Array) -> Array:
    """RGB uint8 `[H, W, 3]` → smoothed luminance `[64, 64]` float32, 0..255."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    # Two consecutive box filters, each half an output pixel wide: the tent filter described.
    window = (
        max(1, (width + 2 * _SIDE - 1) // (2 * _SIDE)),
        max(1, (height + 2 * _SIDE - 1) // (2 * _SIDE)),
    )
    smooth = cv2.blur(cv2.blur(grey, window), window)
    rows = ((np.arange(_SIDE) + 0.5) * height / _SIDE).astype(int)
    columns = ((np.arange(_SIDE) + 0.5) * width / _SIDE).astype(int)
    picked: Array = smooth[np.ix_(rows, columns)]
    return picked


def quality(small: Array) -> int:
    """Gradient of a `[64, 64]` luminance, 0..100."""
    steps = [np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum() for axis in (0, 1)]
    return min(100, int(sum(steps) / 90))


def frame_hash(frame: Array) -> Array | None:
    """Hash of an RGB frame, `[256]` bool; None for a frame with too little structure."""
    small = luminance(frame)
    if quality(small) < LEAST_QUALITY:
        return None
    low = _DCT @ small @ _DCT.T
    bits: Array = (low > np.median(low)).ravel()
    return bits


def video_hashes(frames: Array) -> Array:
    """Hashes `[n, 256]` bool of frames `[T, H, W, 3]`; blank frames have none."""
    hashes = [h for h in map(frame_hash, frames) if h is not None]
    return np.array(hashes, bool).reshape(len(hashes), BITS)


def distances(query: Array, reference: Array) -> Array:
    """Hamming distances `[n, 256]`, `[m, 256]` → `[n, m]`."""
    a, b = query.astype(np.float32), reference.astype(np.float32)
    differing: Array = (a.sum(1)[:, None] + b.sum(1)[None] - 2 * a @ b.T).round().astype(int)
    return differing


def matched_share(query: Array, reference: Array) -> float:
    """Share of the query's hashed frames that match a frame of the reference; 0 without any."""
    if not len(query) or not len(reference):
        return 0.0
    return float((distances(query, reference).min(1) <= MATCH_DISTANCE).mean())
