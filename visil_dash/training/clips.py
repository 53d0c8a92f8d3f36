"""Moving pictures made of photos: unlimited training clips with known temporal truth.

A clip is a list of shots; a shot looks at one photo through a window that drifts and zooms, as a
camera would, one frame a second. A copy of it is cut, reordered, slowed or sped up, mixed with
foreign shots, and every frame of it suffers the same edit. Actors, cut out of other photos, move
before the camera; another take is the same place, or one that looks alike, with other actors.
"""

from dataclasses import dataclass, replace
from itertools import groupby

import cv2
import numpy as np
from numpy.random import Generator

from visil_dash.records import WHOLE_PICTURE, Array, Box
from visil_dash.training.augment import (
    STRONG,
    crop_to_square,
    degrade,
    inset,
    letterbox,
    nearby_box,
    random_box,
    recolour,
)


@dataclass(frozen=True)
class Actor:
    """Something before the camera: the `part` of a photo, in an oval that fills the box `at` of the
    frame."""

    photo: int
    part: Box
    at: Box


@dataclass(frozen=True)
class ClipFrame:
    """One sampled frame: which photo, seen through which window, and who stands before it."""

    photo: int
    box: Box
    actors: tuple[Actor, ...] = ()


SyntheticClip = tuple[ClipFrame, ...]


def _between(a: Box, b: Box, share: float) -> Box:
    x, y, w, h = (p + (q - p) * share for p, q in zip(a, b, strict=True))
    return x, y, w, h


def shot(photo: int, frames: int, rng: Generator) -> SyntheticClip:
    """A drift from one window of the photo to another that overlaps it, or a steady camera."""
    start = random_box(rng, area=(0.45, 0.95))
    end = start if rng.random() < 0.3 else random_box(rng, area=(0.45, 0.95))
    reach = rng.uniform(0.2, 1.0)
    return tuple(
        ClipFrame(photo, _between(start, end, reach * i / max(1, frames - 1)))
        for i in range(frames)
    )


def make_clip(photos: list[int], frames: int, rng: Generator) -> SyntheticClip:
    """`frames` frames over the given photos, one shot each, shots of at least two frames."""
    shots = len(photos)
    extra = rng.multinomial(frames - 2 * shots, np.full(shots, 1 / shots))
    return tuple(
        frame
        for photo, more in zip(photos, extra, strict=True)
        for frame in shot(photo, 2 + int(more), rng)
    )


def _shots(clip: SyntheticClip) -> list[list[ClipFrame]]:
    return [list(frames) for _, frames in groupby(clip, key=lambda frame: frame.photo)]


def _crossing(photo: int, frames: int, rng: Generator) -> list[Actor]:
    """One actor's way through a shot: in a straight line, its size unchanged."""
    part = random_box(rng, area=(0.1, 0.4))
    w, h = rng.uniform(0.15, 0.5, 2)
    (x0, x1), (y0, y1) = rng.uniform(-0.3 * w, 1 - 0.7 * w, 2), rng.uniform(0, 1 - 0.8 * h, 2)
    return [
        Actor(photo, part, _between((x0, y0, w, h), (x1, y1, w, h), i / max(1, frames - 1)))
        for i in range(frames)
    ]


def act(clip: SyntheticClip, cast: list[int], rng: Generator) -> SyntheticClip:
    """The clip with one to three actors in each shot, of photos of `cast`."""
    played = []
    for frames in _shots(clip):
        ways = [
            _crossing(int(rng.choice(cast)), len(frames), rng) for _ in range(rng.integers(1, 4))
        ]
        played += [
            replace(frame, actors=tuple(way[i] for way in ways)) for i, frame in enumerate(frames)
        ]
    return tuple(played)


def other_take(clip: SyntheticClip, alike: Array, cast: list[int], rng: Generator) -> SyntheticClip:
    """Other footage that looks like the clip: a wrong answer, and a hard one.

    A shot with actors keeps its place, its camera nearly so, and gets other actors; one without is
    shot again where it looks alike. `alike` `[N, K]`: look-alikes of each photo.
    """
    taken: list[ClipFrame] = []
    for frames in _shots(clip):
        if frames[0].actors:
            moved = nearby_box(rng, frames[0].box) if rng.random() < 0.5 else frames[0].box
            again = [ClipFrame(frames[0].photo, moved) for _ in frames]
            taken += act(tuple(again), cast, rng)
        else:
            taken += shot(int(rng.choice(alike[frames[0].photo])), len(frames), rng)
    return tuple(taken)


def copy_in_time(clip: SyntheticClip, foreign: SyntheticClip, rng: Generator) -> SyntheticClip:
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


@dataclass(frozen=True)
class _HeavyEdit:
    """One edit for all frames of a copy. `background`: the frame is inset in it.

    `seeds`: of the letterbox, the inset and the degradation, the same for each frame.
    """

    window: Box
    degrees: float
    flip: bool
    letterboxed: bool
    background: Array | None
    seeds: tuple[int, int, int]

    def __call__(self, frame: Array) -> Array:
        size = len(frame)
        frame = crop_to_square(frame, self.window, size, degrees=self.degrees, flip=self.flip)
        first, second, third = (np.random.default_rng(seed) for seed in self.seeds)
        if self.letterboxed:
            frame = letterbox(frame, first)
        if self.background is not None:
            behind = cv2.resize(self.background, (size, size), interpolation=cv2.INTER_AREA)
            frame = inset(frame, behind, second)
        return degrade(frame, third, STRONG)


def render(
    clip: SyntheticClip,
    photos: list[Array],
    rng: Generator,
    *,
    size: int,
    edited: bool,
    relit: bool = False,
    background: Array | None = None,
) -> Array:
    """Frames `[T, size, size, 3]` uint8 of a clip. `edited`: with one heavy edit for all of them;
    `relit`: with other light; `background`: which an edit may inset the frames in."""
    flip = edited and rng.random() < STRONG.flip
    degrees = rng.uniform(-12, 12) if edited and rng.random() < STRONG.rotate else 0.0
    window = random_box(rng, area=(0.2, 0.9)) if edited and rng.random() < 0.4 else WHOLE_PICTURE
    letterboxed = edited and rng.random() < STRONG.letterbox
    small = edited and background is not None and rng.random() < 0.2
    seeds = rng.integers(2**32, size=4).tolist()
    edit = _HeavyEdit(
        window, degrees, flip, letterboxed, background if small else None, tuple(seeds[:3])
    )
    frames = []
    for seen in clip:
        frame = crop_to_square(photos[seen.photo], seen.box, size)
        for actor in seen.actors:
            frame = _before(frame, crop_to_square(photos[actor.photo], actor.part, size), actor.at)
        if relit:
            frame = recolour(frame, np.random.default_rng(seeds[3]))
        frames.append(edit(frame) if edited else frame)
    return np.stack(frames)


def _before(frame: Array, figure: Array, at: Box) -> Array:
    """The figure in a soft oval of the box `at`, before the frame; what lies outside is cut."""
    size = len(frame)
    x, y, w, h = (round(v * size) for v in at)
    left, top, right, bottom = max(0, x), max(0, y), min(size, x + w), min(size, y + h)
    if right <= left or bottom <= top:
        return frame
    across, down = (np.arange(n) * 2 / max(1, n - 1) - 1 for n in (w, h))
    oval = np.clip(4 * (1 - np.hypot(across[None], down[:, None])), 0, 1).astype(np.float32)
    inside = slice(top - y, bottom - y), slice(left - x, right - x)
    cover = oval[inside][..., None]
    shown = cv2.resize(figure, (w, h), interpolation=cv2.INTER_AREA)[inside]
    out = frame.copy()
    under = out[top:bottom, left:right]
    out[top:bottom, left:right] = np.rint(under + cover * (shown.astype(np.float32) - under))
    return out
