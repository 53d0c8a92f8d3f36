"""Edits that bring a clip into another shape, as reposts do; each at strengths 0..2 (see Edit).

A wide clip becomes upright: cropped, above a blurred enlargement of itself, between captions, in an
inset that moves, or lying on its side. An upright clip becomes wide by the same edits.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from visil_dash.edits import pictures as pic
from visil_dash.edits.clip import Clip
from visil_dash.edits.edited import Edit, Edited, all_shots, along, either
from visil_dash.records import Array, Box

_UPRIGHT, _WIDE = (0.8, 9 / 16, 9 / 16), (1.0, 16 / 9, 16 / 9)  # width to height, by strength
_LEAST_CHANGE = 1.15  # of the shape, where a clip has nearly the wanted one already


def _canvas_size(clip: Clip, shape: float) -> tuple[int, int]:
    """Even width and height of this shape (width to height), as long as the clip is."""
    long = max(clip.size)
    width, height = (long, long / shape) if shape > 1 else (long * shape, long)
    return max(2, round(width / 2) * 2), max(2, round(height / 2) * 2)


def _shape(clip: Clip) -> float:
    width, height = clip.size
    return width / height


def _other_shape(clip: Clip, strength: float) -> float:
    """Upright for a wide clip and wide for an upright one, the more so the stronger."""
    shape = _shape(clip)
    if shape > 1:
        return min(shape / _LEAST_CHANGE, along(shape, _UPRIGHT, strength))
    return max(shape * _LEAST_CHANGE, along(shape, _WIDE, strength))


def _cut_to(clip: Clip, shape: float, zoom: float, rng: Generator) -> Edited:
    """The part of the picture that has this shape, enlarged to the clip's length."""
    ratio = shape / _shape(clip)
    width, height = min(1.0, ratio) / zoom, min(1.0, 1 / ratio) / zoom
    x, y = float(rng.uniform()) * (1 - width), float(rng.uniform()) * (1 - height)
    size = _canvas_size(clip, shape)

    def cut(picture: Array, _k: int) -> Array:
        return pic.resized(pic.cropped(picture, (x, y, width, height)), *size)

    note = f"{size[0]}x{size[1]}, {width:.0%} of the width, {height:.0%} of the height"
    return Edited(clip, (), all_shots(clip), cut, note=note)


def upright_crop(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Cropped to 4:5, to 9:16, and to a part of that; an upright clip is made slimmer."""
    shape = _shape(clip)
    wanted = min(shape / _LEAST_CHANGE, along(shape, _UPRIGHT, strength))
    return _cut_to(clip, wanted, along(1.0, (1.0, 1.0, 1.2), strength), rng)


def wide_crop(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Cropped to a square, to 16:9, and to a part of that; a wide clip is made flatter."""
    shape = _shape(clip)
    wanted = max(shape * _LEAST_CHANGE, along(shape, _WIDE, strength))
    return _cut_to(clip, wanted, along(1.0, (1.0, 1.0, 1.2), strength), rng)


def _box_within(clip: Clip, size: tuple[int, int], share: float, place: float) -> Box:
    """Where the clip's picture lies in a canvas when it fills `share` of the side that it meets
    first; `place` -1..1 along the other, 0 in the middle."""
    across, down = clip.size[0] / size[0], clip.size[1] / size[1]
    scale = share / max(across, down)
    width, height = across * scale, down * scale
    x, y = (1 - width) / 2, (1 - height) / 2
    return (x, y * (1 + place), width, height) if y > x else (x * (1 + place), y, width, height)


def blurred_fill(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """The clip in the middle of an upright canvas, its own blurred enlargement behind it."""
    size = _canvas_size(clip, _other_shape(clip, strength))
    place = along(0.0, (0.0, 0.0, 0.5), strength) * either(rng)
    box = _box_within(clip, size, along(1.0, (1.0, 1.0, 0.9), strength), place)
    sigma, light = float(rng.uniform(0.02, 0.05)), float(rng.uniform(0.6, 1.0))

    def filled(picture: Array, _k: int) -> Array:
        behind = pic.levels(pic.blurred(pic.filled(picture, *size), sigma) * light)
        return pic.pasted(picture, behind, box)

    note = f"{size[0]}x{size[1]}, blur of {sigma:.1%}, light {light:.2f}"
    return Edited(clip, (), all_shots(clip), filled, box=box, note=note)


def captions(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """The clip between bands of one colour with lines of text, which never change."""
    size = _canvas_size(clip, _other_shape(clip, strength))
    box = _box_within(clip, size, 1.0, along(0.0, (0.0, 0.25, 0.5), strength) * either(rng))
    behind = pic.captioned(*size, box, rng)
    note = f"{size[0]}x{size[1]}, picture at y {box[1]:.2f}"
    return Edited(
        clip, (), all_shots(clip), lambda p, _k: pic.pasted(p, behind, box), box=box, note=note
    )


def moving_inset(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """The clip small inside other footage, wandering from side to side. `box`: all of its way."""
    side = min(1.0, along(1.0, (0.6, 0.5, 0.4), strength) * float(rng.uniform(0.95, 1.05)))
    room = 1 - side
    # Shares of the room per second, in both directions; a corner is reached and left again.
    pace = along(0.0, (0.08, 0.15, 0.3), strength) * rng.uniform(0.7, 1.3, 2)
    start = rng.uniform(0, 2, 2)
    behind = hosts[0].frames

    def place(k: int) -> tuple[float, float]:
        x, y = room * np.abs((start + pace * k / clip.rate) % 2 - 1)
        return float(x), float(y)

    def inside(picture: Array, k: int) -> Array:
        canvas = pic.filled(behind[k % len(behind)], *clip.size)
        return pic.pasted(picture, canvas, (*place(k), side, side))

    way = np.array([place(k) for k in range(len(clip.frames))])
    (x, y), (right, bottom) = way.min(0).tolist(), (way.max(0) + side).tolist()
    return Edited(
        clip,
        tuple(hosts[:1]),
        all_shots(clip),
        inside,
        box=(x, y, right - x, bottom - y),
        note=f"{side:.0%} of each side, {pace.max():.0%} of the room a second",
    )


def quarter_turn(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Upside down, on its side, and on its side with the edges cut off."""
    side = either(rng)
    turn = (cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_CLOCKWISE)[int(strength)]
    if turn != cv2.ROTATE_180 and side < 0:
        turn = cv2.ROTATE_90_COUNTERCLOCKWISE
    keeps = 0.8 if int(strength) == 2 else 1.0
    x, y = (float(t) * (1 - keeps) for t in rng.uniform(0, 1, 2))

    def turned(picture: Array, _k: int) -> Array:
        return np.asarray(cv2.rotate(pic.cropped(picture, (x, y, keeps, keeps)), turn))

    degrees = {cv2.ROTATE_180: 180, cv2.ROTATE_90_CLOCKWISE: 90}.get(turn, 270)
    note = f"{degrees} degrees clockwise, {keeps:.0%} of each side"
    return Edited(clip, (), all_shots(clip), turned, note=note)


REPOST_EDITS: dict[str, Edit] = {
    "upright_crop": upright_crop,
    "wide_crop": wide_crop,
    "blurred_fill": blurred_fill,
    "captions": captions,
    "moving_inset": moving_inset,
    "quarter_turn": quarter_turn,
}
