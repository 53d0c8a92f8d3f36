"""Edits that change what is shown when, or that hide the source in other footage."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from visil_dash.edits import pictures as pic
from visil_dash.edits.clip import Clip
from visil_dash.edits.edited import Edit, Edited, Shot, all_shots, along, either
from visil_dash.records import Array


def _timed(clip: Clip, shots: Sequence[Shot], note: str) -> Edited:
    return Edited(clip, (), tuple(shots), lambda picture, _k: picture, note=note)


def speed(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    factor = along(1.0, (1.15, 1.5, 2.0), strength) ** either(rng)
    return _timed(clip, [_at_speed(np.arange(len(clip.frames)), factor)], f"{factor:.2f} times")


def _at_speed(shown: Array, factor: float) -> Shot:
    count = max(1, int(len(shown) / factor))
    picked = np.minimum((np.arange(count) * factor).astype(int), len(shown) - 1)
    return Shot(shown[picked], speed=factor)


def drop(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Frames are lost in bursts; the last one before stands until the next. Time goes on."""
    lost = along(0.0, (0.5, 0.75, 0.9), strength)
    longest = max(2, round(along(0.0, (0.3, 0.8, 1.6), strength) * clip.rate))
    shown, k, n = [], 0, len(clip.frames)
    while k < n:
        hold = 1 + int(rng.integers(1, longest + 1)) if rng.random() < lost else 1
        shown += [k] * min(hold, n - k)
        k += hold
    kept = len(set(shown)) / n
    return _timed(clip, [Shot(np.array(shown))], f"{kept:.0%} of the frames kept")


def reorder(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Cut into pieces of at least two seconds that play in another order."""
    n = len(clip.frames)
    least = 2 * clip.rate
    count = max(2, min((2, 3, 5)[int(strength)], n // least))
    slack = max(0, n - count * least)
    cuts = np.sort(rng.integers(0, slack + 1, count - 1)) if slack else np.zeros(count - 1, int)
    base = min(least, n // count)
    edges = [0, *(int(c) + base * (i + 1) for i, c in enumerate(cuts)), n]
    order = list(range(count))
    while any(b == a + 1 for a, b in pairwise(order)):
        order = rng.permutation(count).tolist()
    shots = [Shot(np.arange(edges[i], edges[i + 1])) for i in order]
    return _timed(clip, shots, "pieces in the order " + " ".join(str(i + 1) for i in order))


def reverse(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Backwards: all, seven tenths of it, or all at one and a half times the speed."""
    n = len(clip.frames)
    step = int(strength)
    length = round(n * (1.0, 0.7, 1.0)[step])
    first = int(rng.integers(0, n - length + 1))
    backwards = np.arange(first, first + length)[::-1]
    factor = (1.0, 1.0, 1.5)[step]
    return _timed(clip, [_at_speed(backwards, factor)], f"{length / n:.0%}, {factor} times")


# ---- the source inside other footage ----


def excerpt(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """A part of the source with other footage before and after it."""
    share = along(1.0, (0.6, 0.35, 0.2), strength)
    n = len(clip.frames)
    longest = round(along(18, (14, 10, 7), strength) * clip.rate)
    length = min(n, longest, max(3 * clip.rate, round(n * rng.uniform(0.5, 1))))
    first = int(rng.integers(0, n - length + 1))
    around = round(length * (1 / share - 1))
    before = int(around * rng.uniform(0.2, 0.8))
    after = around - before
    second = len(hosts) - 1
    shots = [
        Shot(np.arange(before), host=0),
        Shot(np.arange(first, first + length)),
        # The same host continues where it stopped; another one starts at its beginning.
        Shot(np.arange(after) + (before if second == 0 else 0), host=second),
    ]
    filled = tuple(shot for shot in shots if len(shot.shown))
    note = f"{length / clip.rate:.1f} s, {length / (length + around):.0%} of the video"
    return Edited(clip, tuple(hosts), filled, lambda p, _k: p, note=note)


def picture_in_picture(
    clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator
) -> Edited:
    side = along(1.0, (0.6, 0.45, 0.34), strength) * float(rng.uniform(0.92, 1.08))
    side = min(1.0, side)
    room = 1 - side
    x, y = (float(room * t) for t in rng.uniform(0.04, 0.96, 2))
    box = (x, y, side, side)
    behind = hosts[0].frames

    def inside(picture: Array, k: int) -> Array:
        return pic.pasted(picture, pic.filled(behind[k % len(behind)], *clip.size), box)

    note = f"{side:.0%} of each side"
    return Edited(clip, tuple(hosts[:1]), all_shots(clip), inside, box=box, note=note)


def collage(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """One cell of a grid of 2 × 1, 2 × 2 or 3 × 3 videos."""
    columns, rows = ((2, 1), (2, 2), (3, 3))[int(strength)]
    mine = int(rng.integers(columns * rows))
    boxes = [
        (column / columns, row / rows, 1 / columns, 1 / rows)
        for row in range(rows)
        for column in range(columns)
    ]
    width, height = clip.size
    # Two side by side keep their shapes; the canvas gets flatter.
    size = (width, height // 2 if (columns, rows) == (2, 1) else height)

    def tiled(picture: Array, k: int) -> Array:
        canvas = np.zeros((size[1], size[0], 3), np.uint8)
        for cell, box in enumerate(boxes):
            host = hosts[cell % len(hosts)].frames
            # A host that fills two cells is shown at two different moments.
            shown = picture if cell == mine else host[(k + 37 * cell) % len(host)]
            canvas = pic.pasted(shown, canvas, box)
        return canvas

    note = f"{columns} x {rows}, cell {mine + 1}"
    return Edited(clip, tuple(hosts), all_shots(clip), tiled, box=boxes[mine], note=note)


TIME_EDITS: dict[str, Edit] = {
    "speed": speed,
    "drop": drop,
    "reorder": reorder,
    "reverse": reverse,
}
HIDING_EDITS: dict[str, Edit] = {
    "excerpt": excerpt,
    "picture_in_picture": picture_in_picture,
    "collage": collage,
}
