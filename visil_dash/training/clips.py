"""Moving pictures made of photos: unlimited training clips with known temporal truth.

A clip is a list of shots; a shot looks at one photo through a window that drifts and zooms, as a
camera would, one frame a second. A copy of it is cut, reordered, slowed or sped up, mixed with
foreign shots, and every frame of it suffers the same edit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from visil_dash.records import Array
from visil_dash.training.augment import (
    STRONG,
    Box,
    crop_to_square,
    degrade,
    inset,
    letterbox,
    random_box,
)


@dataclass(frozen=True)
class ClipFrame:
    """One sampled frame: which photo, seen through which window."""

    photo: int
    box: Box


Clip = tuple[ClipFrame, ...]


def _between(a: Box, b: Box, share: float) -> Box:
    x, y, w, h = (p + (q - p) * share for p, q in zip(a, b, strict=True))
    return x, y, w, h


def shot(photo: int, frames: int, rng: Generator) -> Clip:
    """A drift from one window of the photo to another that overlaps it, or a steady camera."""
    start = random_box(rng, area=(0.45, 0.95))
    end = start if rng.random() < 0.3 else random_box(rng, area=(0.45, 0.95))
    reach = rng.uniform(0.2, 1.0)
    return tuple(
        ClipFrame(photo, _between(start, end, reach * i / max(1, frames - 1)))
        for i in range(frames)
    )


def make_clip(photos: list[int], frames: int, rng: Generator) -> Clip:
    """`frames` frames over the given photos, one shot each, shots of at least two frames."""
    shots = len(photos)
    extra = rng.multinomial(frames - 2 * shots, np.full(shots, 1 / shots))
    return tuple(
        frame
        for photo, more in zip(photos, extra, strict=True)
        for frame in shot(photo, 2 + int(more), rng)
    )


def copy_in_time(clip: Clip, foreign: Clip, rng: Generator) -> Clip:
    """An excerpt of the clip with temporal edits, possibly inside foreign footage.

    At least four frames of the clip remain.
    """
    length = int(rng.integers(max(4, len(clip) // 3), len(clip) + 1))
    start = int(rng.integers(0, len(clip) - length + 1))
    copy = list(clip[start : start + length])
    kind = rng.random()
    if kind < 0.15:
        copy = copy[:: 2 if len(copy) >= 8 else 1]
    elif kind < 0.25:
        copy = [frame for frame in copy for _ in range(2)]
    elif kind < 0.33:
        copy.reverse()
    elif kind < 0.48 and len(copy) >= 8:
        cut = int(rng.integers(4, len(copy) - 3))
        copy = copy[cut:] + copy[:cut]
    if rng.random() < 0.45:
        room = int(rng.integers(1, len(foreign)))
        head = int(rng.integers(0, room + 1))
        copy = list(foreign[:head]) + copy + list(foreign[head:room])
    return tuple(copy)


def render(
    clip: Clip,
    photos: list[Array],
    rng: Generator,
    *,
    size: int,
    edited: bool,
    background: Array | None = None,
) -> Array:
    """Frames `[T, size, size, 3]` uint8 of a clip; `edited` gives all of them one heavy edit."""
    flip = edited and rng.random() < STRONG.flip
    degrees = rng.uniform(-12, 12) if edited and rng.random() < STRONG.rotate else 0.0
    trim = rng.uniform(0, 0.12) if edited and rng.random() < 0.4 else 0.0
    boxed = edited and rng.random() < STRONG.letterbox
    small = edited and background is not None and rng.random() < 0.2
    seeds = rng.integers(2**32, size=3)
    frames = []
    for seen in clip:
        x, y, w, h = seen.box
        box = (x + w * trim, y + h * trim, w * (1 - 2 * trim), h * (1 - 2 * trim))
        frame = crop_to_square(photos[seen.photo], box, size, degrees=degrees, flip=flip)
        # The same generator state for each frame: one edit for the whole copy.
        if boxed:
            frame = letterbox(frame, np.random.default_rng(seeds[0]))
        if small and background is not None:
            behind = cv2.resize(background, (size, size), interpolation=cv2.INTER_AREA)
            frame = inset(frame, behind, np.random.default_rng(seeds[1]))
        if edited:
            frame = degrade(frame, np.random.default_rng(seeds[2]), STRONG)
        frames.append(frame)
    return np.stack(frames)
