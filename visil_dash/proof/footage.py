"""The pictures of stretches of a video, on regular ticks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from visil_dash.media.decode import timed_frames
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.settings import Settings

RATE = 10  # ticks a second; a frame is taken as shown at each
_LONG_SIDE = 320  # pixels: what local features need of a crop to a third of the area
_END_SLACK = 1e-3  # seconds; a last frame ends at the duration


@dataclass(frozen=True)
class Footage:
    """Pictures of one video, uint8 RGB `[h, w, 3]`, all of one size, by the number of their tick:
    tick k is k / RATE seconds after the first frame. `duration`: of the video, seconds."""

    pictures: dict[int, Array]
    duration: float
    _smaller: dict[tuple[int, int], Array] = field(default_factory=dict, repr=False)

    @cached_property
    def ticks(self) -> Array:
        """Ticks of all pictures, rising."""
        return np.array(sorted(self.pictures), dtype=np.int64)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        height, width = next(iter(self.pictures.values())).shape[:2]
        return width, height

    def nearest(self, seconds: float) -> int:
        """The tick at hand that is nearest to a time."""
        return int(self.ticks[np.abs(self.ticks - round(seconds * RATE)).argmin()])

    def grey(self, tick: int, *, shrink: int = 1) -> Array:
        """The grey picture of a tick, uint8, at 1 / `shrink` of its size. Kept once it is made."""
        known = self._smaller.get((tick, shrink))
        if known is not None:
            return known
        if shrink == 1:
            made = cv2.cvtColor(self.pictures[tick], cv2.COLOR_RGB2GRAY)
        else:
            width, height = self.size
            size = max(1, round(width / shrink)), max(1, round(height / shrink))
            made = cv2.resize(self.grey(tick), size, interpolation=cv2.INTER_AREA)
        self._smaller[tick, shrink] = made
        return np.asarray(made)


def ticks_of(spans: Sequence[tuple[float, float]], duration: float) -> set[int]:
    """Ticks inside the spans (seconds), from the first frame to the end of the video."""
    last = max(0, int((duration - _END_SLACK) * RATE))
    found: set[int] = set()
    for start, end in spans:
        found.update(range(max(0, round(start * RATE)), min(last, round(end * RATE)) + 1))
    return found


def read_footage(
    path: Path,
    spans: Sequence[tuple[float, float]],
    *,
    duration: float,
    settings: Settings,
    known: Footage | None = None,
    watch: Watch = UNWATCHED,
) -> Footage:
    """Pictures of the spans (seconds), beside those that are `known`.

    Raises MediaRefused, Cancelled.
    """
    before = known or Footage({}, duration)
    missing = sorted(ticks_of(spans, duration) - set(before.pictures))
    if not missing and before.pictures:
        return before
    times = [tick / RATE for tick in missing or [0]]
    shown = timed_frames(path, times, long_side=_LONG_SIDE, settings=settings, watch=watch)
    size = next(iter(before.pictures.values())).shape if before.pictures else shown[0][0].shape
    fresh = {}
    for time, (picture, _) in zip(times, shown, strict=True):
        if picture.shape != size:  # a stream that changes its size midway
            picture = cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA)
        fresh[round(time * RATE)] = picture
    return Footage(before.pictures | fresh, duration, before._smaller)
