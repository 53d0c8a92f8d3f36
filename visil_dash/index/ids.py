"""Ids of frames: a video's ordinal in the catalogue and the number of a frame within it."""

import numpy as np

from visil_dash.records import Array

_FRAME_BITS = 20  # 1,048,576 frames a video; the limit is 90,000


def frame_ids(ordinal: int, count: int) -> Array:
    """Ids `[count]` int64 of a video's frames: ordinal << 20 | frame number."""
    if not 0 <= ordinal < 1 << (62 - _FRAME_BITS) or not 0 <= count <= 1 << _FRAME_BITS:
        raise ValueError(f"frame ids: cannot number {count} frames of ordinal {ordinal}")
    return (np.int64(ordinal) << _FRAME_BITS) + np.arange(count, dtype=np.int64)


def split_ids(ids: Array) -> tuple[Array, Array]:
    """Ordinals and frame numbers of frame ids."""
    ids = np.asarray(ids, np.int64)
    return ids >> _FRAME_BITS, ids & ((1 << _FRAME_BITS) - 1)
