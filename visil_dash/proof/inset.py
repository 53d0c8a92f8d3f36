"""An inset that moves, followed from picture to picture: what it shows is verified alone."""

import cv2
import numpy as np

from visil_dash.framing.inset import InsetFinder, corners_of
from visil_dash.proof.footage import RATE, Footage
from visil_dash.proof.planes import Planes
from visil_dash.records import WHOLE_PICTURE, Array, Box

_SQUARE = 320  # pixels of a side on which rectangles are sought
_EVERY = RATE // 2  # ticks between pictures that decide on the inset's size
_MARGIN = 0.02  # of its sides that are left out: its edges mix with what is around
_AROUND = RATE // 2  # ticks on either side whose places a place has to go with
_NEAREST = 6  # moments that a place is smoothed with
_APART = 0.04  # share of the picture's side by which it may differ from them


class InsetFollower:
    """Cuts the inset out of footage that may grow. Its size is settled by the first pictures."""

    def __init__(self) -> None:
        self._size: tuple[float, float] | None = None
        self._corners: dict[int, tuple[float, float] | None] = {}
        self._boxes: dict[int, Box] = {}
        self._cut: Footage | None = None

    def followed(self, whole: Footage) -> Footage:
        """What the inset shows, all of one size; the whole picture where no inset is seen."""
        fresh = [int(tick) for tick in whole.ticks if tick not in self._corners]
        if self._size is None:
            self._size = _inset_size(whole)
        if self._size is None:
            return whole
        wanted = round(self._size[0] * _SQUARE), round(self._size[1] * _SQUARE)
        for tick in fresh:
            corner = corners_of(_squared(whole.pictures[tick])[None], wanted)[0]
            self._corners[tick] = (
                None if corner is None else (corner[0] / _SQUARE, corner[1] / _SQUARE)
            )
        ticks = whole.ticks
        places = _smooth(ticks, [self._corners[int(tick)] for tick in ticks])
        if places is None:
            return whole
        known = {} if self._cut is None else self._cut.pictures
        pictures = dict(known)
        for tick, place in zip(ticks.tolist(), places, strict=True):
            if tick not in known:
                pictures[tick], self._boxes[tick] = _cut_out(
                    whole.pictures[tick], place, self._size
                )
        smaller = {} if self._cut is None else self._cut.smaller
        self._cut = Footage(pictures, whole.duration, smaller)
        return self._cut

    def box_at(self, tick: int) -> Box:
        """Where the pictures that `followed` gave lie in the whole one, as shares."""
        return self._boxes.get(tick, WHOLE_PICTURE)


def _squared(picture: Planes) -> Array:
    return np.asarray(cv2.resize(picture.rgb, (_SQUARE, _SQUARE), interpolation=cv2.INTER_AREA))


def _inset_size(whole: Footage) -> tuple[float, float] | None:
    """Width and height as shares of the picture."""
    finder = InsetFinder()
    ticks = whole.ticks[::_EVERY]
    finder.add(np.stack([_squared(whole.pictures[int(tick)]) for tick in ticks]))
    found = finder.size()
    return None if found is None else (found[0] / _SQUARE, found[1] / _SQUARE)


def _smooth(ticks: Array, corners: list[tuple[float, float] | None]) -> Array | None:
    """Where the inset lies at each tick `[N, 2]`: places that differ from those of the moments
    around them are misread edges, and are filled in; None where hardly any are left."""
    seen = np.array([place is not None for place in corners])
    if seen.sum() < len(ticks) / 2:
        return None
    at, places = ticks[seen], np.array([place for place in corners if place is not None])
    near = np.abs(at[:, None] - at[None, :]) <= _AROUND
    middle = np.stack([np.median(places[row], axis=0) for row in near])
    kept = (np.abs(places - middle) <= _APART).all(1)
    if kept.sum() < len(ticks) / 2:
        return None
    # Edges are read in whole pixels, and the inset moves: a line through the moments around.
    return np.array([_on_a_line(tick, at[kept], places[kept]) for tick in ticks])


def _on_a_line(tick: int, at: Array, places: Array) -> Array:
    """The place at a tick by a straight way through its nearest moments."""
    near = np.argsort(np.abs(at - tick), kind="stable")[:_NEAREST]
    steps = (at[near] - tick).astype(float)
    return np.asarray(
        np.linalg.lstsq(np.stack([np.ones_like(steps), steps], 1), places[near])[0][0]
    )


def _cut_out(picture: Planes, place: Array, size: tuple[float, float]) -> tuple[Planes, Box]:
    """The inset alone, by parts of pixels, and its box as shares."""
    height, width = picture.light.shape
    inner = np.array(size) * (1 - 2 * _MARGIN)
    wide, high = (2 * max(1, int(side / 2)) for side in inner * (width, height))
    middle = (place + np.array(size) / 2) * (width, height)
    # Pixels are counted from the middle of the first one.
    light = cv2.getRectSubPix(picture.light, (wide, high), (middle - 0.5).tolist())
    colours = [
        cv2.getRectSubPix(
            np.ascontiguousarray(plane), (wide // 2, high // 2), (middle / 2 - 0.5).tolist()
        )
        for plane in np.moveaxis(picture.colours, 2, 0)
    ]
    left, top = middle - (wide / 2, high / 2)
    box = float(left / width), float(top / height), wide / width, high / height
    return Planes(np.asarray(light), np.dstack(colours)), box
