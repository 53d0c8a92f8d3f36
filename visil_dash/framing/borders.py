"""Borders of a picture that last for a whole video: bars, bands with text, a blurred fill.

A copy in another shape is surrounded by something that the source does not have. What stays the
same colour or still for the whole video, has a straight edge, and is unlike what it surrounds is
such a border, and so is a soft enlargement of the picture itself. Where in doubt it is none: a
wrong cut loses more than a border that stays.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from visil_dash.records import WHOLE_PICTURE, Array, Box

_KEPT = 32  # frames, spread over the video, that a fill is sought in
_LEAST_FRAMES = 3  # fewer do not show what lasts
_LEAST_BAND = 3  # pixels, of about 160
_LEAST_LEFT = 0.15  # share of either side that a picture without its borders keeps at least
_ROUNDS = 2  # a border may lie within another one
_STILL, _STILL_TEXT = 3.0, 8.0  # grey levels: what compression changes (standard deviation)
_OF_COLOUR, _UNLIKE = 4.0, 10.0  # grey levels from the colour of a band
_SAME_COLOUR = 10.0  # grey levels between the bands of both sides
_PLAIN_SHARE = 0.55  # of a band with text that shows its colour
_STRAIGHT, _STRAIGHT_ALONE = 0.75, 0.95  # share of the columns; of a band without an opposite one
_SOFT = 0.35  # of the detail in the middle, that a blurred fill has at most
_EDGE = 4.0  # step from row to row at the edge of a fill, as a multiple of those within it
_FILL_BLUR = 5.0  # pixels, with which a fill is compared: how strongly it was blurred is unknown
_FOLLOWS = 0.7  # correlation of a fill with what the picture gives


class BorderFinder:
    """Sees the frames of a video once, in any batches, and then says where its picture is."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Array | None = None
        self._squares: Array | None = None
        self._kept: list[Array] = []
        self._every = 1

    def add(self, frames: Array) -> None:
        """Frames uint8 `[n, S, S, 3]` that show something; those that are flat say nothing."""
        for frame in frames:
            if self._count % self._every == 0:
                self._kept.append(frame.copy())
                if len(self._kept) == 2 * _KEPT:
                    self._kept, self._every = self._kept[::2], 2 * self._every
            self._count += 1
        if not len(frames):
            return
        values = frames.astype(np.float32)
        total, squares = values.sum(0, dtype=np.float64), (values**2).sum(0, dtype=np.float64)
        if self._sum is None or self._squares is None:
            self._sum, self._squares = total, squares
        else:
            self._sum, self._squares = self._sum + total, self._squares + squares

    def picture(self) -> Box:
        """The part of the picture inside all borders; the whole where there is none."""
        if self._sum is None or self._squares is None or self._count < _LEAST_FRAMES:
            return WHOLE_PICTURE
        mean = self._sum / self._count
        change = np.sqrt(np.maximum(self._squares / self._count - mean**2, 0)).max(2)
        kept = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in self._kept])
        height, width = change.shape
        top, bottom, left, right = 0, height, 0, width
        for _ in range(_ROUNDS):
            rows, columns = slice(top, bottom), slice(left, right)
            inner = _margins(mean[rows, columns], change[rows, columns], kept[:, rows, columns])
            if not any(inner):
                break
            top, bottom = top + inner[0], bottom - inner[1]
            left, right = left + inner[2], right - inner[3]
        if bottom - top < _LEAST_LEFT * height or right - left < _LEAST_LEFT * width:
            return WHOLE_PICTURE
        return left / width, top / height, (right - left) / width, (bottom - top) / height


def _margins(mean: Array, change: Array, kept: Array) -> tuple[int, int, int, int]:
    """Pixels to cut above, below, left and right.

    `mean` `[H, W, 3]` and `change` `[H, W]` (standard deviation) over time, `kept` `[n, H, W]`.
    """
    turned = mean.transpose(1, 0, 2), change.T
    rows, columns = _bands(mean, change), _bands(*turned)
    if any(rows) or any(columns):
        return (*rows, *columns)
    above = _fill(kept)
    if any(above):
        return (*above, 0, 0)
    return (0, 0, *_fill(kept.transpose(0, 2, 1)))


@dataclass(frozen=True)
class _Band:
    """Rows from an edge on. `exact`: of one colour and nothing else. `straight`: share of the
    columns in which the picture begins with the next rows."""

    rows: int
    colour: Array
    exact: bool
    straight: float


def _bands(mean: Array, change: Array) -> tuple[int, int]:
    """Rows above and below of one colour, with text or not."""
    first, last = _band(mean, change), _band(mean[::-1], change[::-1])
    if first is not None and last is not None:
        alike = np.abs(first.colour - last.colour).max() <= _SAME_COLOUR
        if alike or (first.exact and last.exact):
            return first.rows, last.rows
    # On one side alone a picture may have an even sky, or a wall.
    alone = [
        0 if band is None or not band.exact or band.straight < _STRAIGHT_ALONE else band.rows
        for band in (first, last)
    ]
    return alone[0], alone[1]


def _band(mean: Array, change: Array) -> _Band | None:
    """The band of one colour from the first row on."""
    still = (change <= _STILL_TEXT).mean(1) >= 0.98
    longest = int(np.argmin(still)) if not still.all() else 0
    if longest < _LEAST_BAND:
        return None
    colour = np.median(mean[:_LEAST_BAND].reshape(-1, 3), axis=0)
    off = np.abs(mean - colour).max(2)
    plain = (off <= _OF_COLOUR) & (change <= _STILL)
    other = (off > _UNLIKE) | (change > _STILL)
    places = range(_LEAST_BAND, longest + 1)
    begins = [plain[r - 2 : r].any(0) & other[r : r + 3].any(0) for r in places]
    # Bars at the sides are columns in which no picture begins.
    pictured = other.any(0)
    if pictured.mean() < _LEAST_LEFT:
        return None
    straight = np.sum(begins, axis=1) / pictured.sum()
    share = plain.mean(1).cumsum()[_LEAST_BAND - 1 : longest] / np.array(places)
    straight[share < _PLAIN_SHARE] = 0
    # Lines of text begin in some columns, the picture in nearly all.
    best = int(np.argmax(straight >= straight.max() - 0.03))
    if straight[best] < _STRAIGHT:
        return None
    # Compression smears an edge over some rows.
    rows = places[best]
    clear = other[rows : rows + 3].sum(1) >= _STRAIGHT * pictured.sum()
    rows += int(np.argmax(clear)) if clear.any() else 0
    return _Band(rows, colour, bool(plain[:rows].mean() >= 0.97), float(straight[best]))


def _fill(kept: Array) -> tuple[int, int]:
    """Rows above and below the picture that show its soft enlargement, `kept` `[n, H, W]` grey.

    Both bands are soft, both edges are straight, and what the bands show follows from the picture.
    """
    frames = kept.astype(np.float32)
    # Fine detail, and steps from row to row. Steps are averaged over time, so that an edge that
    # stays in place counts for more than one that passes.
    detail = np.abs(frames - _blurred(frames, 2.0)).mean(0)
    soft = np.median(detail, axis=1)
    step = np.median(np.abs(np.diff(frames, axis=1)).mean(0), axis=1)
    above, below = _soft_rows(soft, step), _soft_rows(soft[::-1], step[::-1])
    if not above or not below or len(soft) - above - below < _LEAST_LEFT * len(soft):
        return 0, 0
    return (above, below) if _follows(frames, above, below) else (0, 0)


def _soft_rows(soft: Array, step: Array) -> int:
    """Rows from the first on without detail, up to a step that is the largest so far; else 0."""
    inner = float(np.quantile(soft, 0.8))
    rows = np.arange(_LEAST_BAND, len(soft) - _LEAST_BAND)
    largest = np.maximum.accumulate(step)
    # Few rows are left for the median, which takes longer than all else here.
    for row in map(int, rows[step[rows - 1] > 1.5 * largest[rows - 2]]):
        if step[row - 1] > _EDGE * np.median(step[: row - 1]) + 1:
            edge = row + int(np.argmax(step[row - 1 : row + 2]))
            return edge if np.median(soft[: row - 1]) < _SOFT * inner else 0
    return 0


def _follows(frames: Array, above: int, below: int) -> bool:
    """Whether the bands are what the picture between them gives, enlarged and blurred."""
    height, width = frames.shape[1:]
    inner = frames[:, above : height - below]
    enlarge = height / inner.shape[1]
    left = round(width * (1 - 1 / enlarge) / 2)
    best = 0.0
    bands = np.r_[0:above, height - below : height]
    seen = _blurred(frames, _FILL_BLUR)[:, bands]
    for columns in (slice(left, width - left), slice(0, width)):  # cover, or stretched to it
        made = np.stack(
            [
                cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA)
                for one in inner[:, :, columns]
            ]
        )
        best = max(best, _agreement(_blurred(made, _FILL_BLUR)[:, bands], seen))
    return best >= _FOLLOWS


def _agreement(made: Array, seen: Array) -> float:
    """Correlation of two stacks of pictures `[n, h, w]`, each picture less its mean."""
    a, b = (x - x.mean((1, 2), keepdims=True) for x in (made, seen))
    return float((a * b).sum() / max(1e-6, np.sqrt((a**2).sum() * (b**2).sum())))


def _blurred(frames: Array, sigma: float) -> Array:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])
