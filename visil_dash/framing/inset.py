"""An inset that moves: footage shown small inside other footage, now here and now there.

A rectangle with straight edges that keeps its size, wherever it lies in each frame. Its sides are
the longest straight edges of a picture that meet in four corners; the size that most frames agree
on is that of the inset.
"""

from itertools import combinations

import numpy as np

from visil_dash.records import Array

_LINES = 14  # straight edges of a frame, in either direction, that are tried as sides
_SIDES = 0.18, 0.85  # shares of a picture's side that an inset's may have
_LEAST_EDGE = 10.0  # grey levels from pixel to pixel
_EDGE_SHARE = 0.2  # of all pixels that count as edges, at most
_LEAST_SUPPORT = 0.5  # share of each side that is an edge
_RECTANGLES = 5  # of a frame, that are kept
_SAME_SIZE = 1 / 64  # of a picture's side
_LEAST_AGREED = 0.2  # mean support over all frames of the size that is found

Corner = tuple[int, int]  # x and y of the top left one, pixels


class InsetFinder:
    """Sees the frames of a video once, in any batches, and then says how large its inset is."""

    def __init__(self) -> None:
        self._frames: list[Array] = []

    def add(self, frames: Array) -> None:
        """Frames uint8 `[n, S, S, 3]`."""
        self._frames += [_rectangles(*_edges(frame)) for frame in frames]

    def size(self) -> tuple[int, int] | None:
        """Width and height, pixels, of the inset; None where no rectangle keeps its size."""
        every = [found for found in self._frames if len(found)]
        if not every:
            return None
        slack = self._side() * _SAME_SIZE
        sizes = np.concatenate(every)[:, 1:3]
        agreed = np.zeros(len(sizes))
        for found in every:
            near = (np.abs(sizes[:, None] - found[None, :, 1:3]) <= slack).all(2)
            agreed += np.where(near, found[None, :, 0], 0).max(1)
        best = int(agreed.argmax())
        if agreed[best] < _LEAST_AGREED * len(self._frames):
            return None
        near = (np.abs(sizes - sizes[best]) <= slack).all(1)
        width, height = np.median(sizes[near], axis=0)
        return int(width), int(height)

    def _side(self) -> float:
        return float(max(found[:, 3].max() for found in self._frames if len(found)))


def corners_of(frames: Array, size: tuple[int, int]) -> list[Corner | None]:
    """Where an inset of this size lies in each frame uint8 `[n, S, S, 3]`; None where unclear."""
    return [_corner(*_edges(frame), size) for frame in frames]


def _edges(frame: Array) -> tuple[Array, Array]:
    """Pixels `[S, S]` at which a frame changes clearly from left to right, and downwards."""
    values = frame.astype(np.int16)
    across, down = np.zeros(frame.shape[:2], bool), np.zeros(frame.shape[:2], bool)
    for mask, change in (
        (across[:, 1:], np.abs(np.diff(values, axis=1)).max(2)),
        (down[1:], np.abs(np.diff(values, axis=0)).max(2)),
    ):
        mask[:] = change > max(_LEAST_EDGE, float(np.quantile(change, 1 - _EDGE_SHARE)))
    return across, down


def _lines(edges: Array) -> list[int]:
    """Columns with the longest runs of edges, and both ends of the picture."""
    gain = np.where(edges, 1.0, -2.0).cumsum(0)
    gain = np.concatenate([np.zeros((1, gain.shape[1])), gain])
    longest = (gain - np.minimum.accumulate(gain, axis=0)).max(0)
    side = edges.shape[1]
    found = {0, side}
    for _ in range(_LINES):
        best = int(longest.argmax())
        if longest[best] <= 0.1 * side:
            break
        found.add(best)
        longest[max(0, best - 2) : best + 3] = -1
    return sorted(found)


def _sums(edges: Array) -> Array:
    """Edges above each pixel of each column, one pixel aside tolerated, `[S + 1, S + 1]`."""
    wide = edges | np.roll(edges, 1, axis=1) | np.roll(edges, -1, axis=1)
    sums = np.zeros((len(edges) + 1, len(edges) + 1))
    sums[1:, :-1] = wide.cumsum(0)
    return sums


def _rectangles(across: Array, down: Array) -> Array:
    """The clearest rectangles of a frame: support, width, height and the frame's side, `[k, 4]`."""
    side = len(across)
    low, high = _SIDES[0] * side, _SIDES[1] * side
    columns, rows = _lines(across), _lines(down.T)
    upright, level = _sums(across), _sums(down.T)
    spans = [
        np.array([(a, b) for a, b in combinations(lines, 2) if low <= b - a <= high]).reshape(-1, 2)
        for lines in (columns, rows)
    ]
    if not len(spans[0]) or not len(spans[1]):
        return np.zeros((0, 4))
    (left, right), (top, bottom) = spans[0].T[:, :, None], spans[1].T[:, None, :]
    width, height = right - left, bottom - top
    # The ends of the picture are sides of what reaches them.
    sides = np.stack(
        [
            np.where(end % side == 0, 1.0, support)
            for end, support in (
                (left + 0 * top, (upright[bottom, left] - upright[top, left]) / height),
                (right + 0 * top, (upright[bottom, right] - upright[top, right]) / height),
                (top + 0 * left, (level[right, top] - level[left, top]) / width),
                (bottom + 0 * left, (level[right, bottom] - level[left, bottom]) / width),
            )
        ]
    )
    inner = sum((end % side != 0).astype(int) for end in (left, right, top, bottom))
    least = np.where(inner >= 2, sides.min(0), 0)
    total = least + 0.1 * sides.mean(0) + 0.04 * inner
    order = np.argsort(-total, axis=None)[:_RECTANGLES]
    picked = [np.unravel_index(i, total.shape) for i in order]
    return np.array(
        [
            (total[p], width[p[0], 0], height[0, p[1]], side)
            for p in picked
            if least[p] > _LEAST_SUPPORT
        ]
    ).reshape(-1, 4)


def _corner(across: Array, down: Array, size: tuple[int, int]) -> Corner | None:
    """The place where most of the four sides of a rectangle of this size are edges."""
    side, (width, height) = len(across), size
    upright, level = _sums(across), _sums(down.T)
    upright[:, [0, side]] = level[:, [0, side]] = np.arange(side + 1)[:, None]
    tall = (upright[height:] - upright[:-height]) / height  # [y, x]
    flat = ((level[width:] - level[:-width]) / width).T  # [y, x]
    sides = np.stack([tall[:, : -width or None], tall[:, width:], flat[:-height], flat[height:]])
    clear = sides.min(0) + sides.mean(0)
    y, x = divmod(int(clear.argmax()), clear.shape[1])
    return None if sides[:, y, x].mean() < _LEAST_SUPPORT else (x, y)
