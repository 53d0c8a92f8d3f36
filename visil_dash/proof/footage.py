"""The pictures of stretches of a video, on regular ticks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.proof.planes import Planes, planes_at
from visil_dash.records import Array
from visil_dash.settings import Settings

RATE = 10  # ticks a second; a frame is taken as shown at each
FOOTAGE_SIDE = 320  # pixels: what local features need of a crop to a third of the area
_END_SLACK = 1e-3  # seconds; a last frame ends at the duration


@dataclass(frozen=True)
class Footage:
    """Pictures of one video, all of one size, by the number of their tick: tick k is
    k / RATE seconds after the first frame. `duration`: of the video, seconds. `smaller`: grey
    pictures that were made smaller, by tick and factor."""

    pictures: dict[int, Planes]
    duration: float
    smaller: dict[tuple[int, int], Array] = field(default_factory=dict, repr=False)

    @cached_property
    def ticks(self) -> Array:
        """Ticks of all pictures, rising."""
        return np.array(sorted(self.pictures), dtype=np.int64)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        height, width = next(iter(self.pictures.values())).light.shape
        return width, height

    def nearest(self, seconds: float) -> int:
        """The tick at hand that is nearest to a time."""
        return int(self.ticks[np.abs(self.ticks - round(seconds * RATE)).argmin()])

    def grey(self, tick: int, *, shrink: int = 1) -> Array:
        """The grey picture of a tick, uint8, at 1 / `shrink` of its size. Kept once it is made."""
        if shrink == 1:
            return self.pictures[tick].light
        if (tick, shrink) not in self.smaller:
            width, height = self.size
            size = max(1, round(width / shrink)), max(1, round(height / shrink))
            self.smaller[tick, shrink] = np.asarray(
                cv2.resize(self.grey(tick), size, interpolation=cv2.INTER_AREA)
            )
        return self.smaller[tick, shrink]


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
    long_side: int = FOOTAGE_SIDE,
    watch: Watch = UNWATCHED,
) -> Footage:
    """Pictures of the spans (seconds), beside those that are `known`, at most `long_side` pixels
    long.

    Raises MediaRefused, Cancelled.
    """
    before = known or Footage({}, duration)
    missing = sorted(ticks_of(spans, duration) - set(before.pictures))
    if not missing and before.pictures:
        return before
    times = [tick / RATE for tick in missing or [0]]
    shown = planes_at(path, times, long_side=long_side, settings=settings, watch=watch)
    size = before.size if before.pictures else Footage({0: shown[0]}, duration).size
    fresh = {round(t * RATE): _sized(one, size) for t, one in zip(times, shown, strict=True)}
    return Footage(before.pictures | fresh, duration, before.smaller)


def _sized(picture: Planes, size: tuple[int, int]) -> Planes:
    """The picture at this width and height: a stream may change its size midway."""
    width, height = size
    if picture.light.shape == (height, width):
        return picture
    return Planes(
        cv2.resize(picture.light, (width, height), interpolation=cv2.INTER_AREA),
        cv2.resize(picture.colours, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
    )
