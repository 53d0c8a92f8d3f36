"""The frames of a video that are on screen at regular times; exact, in integers."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

Frame = TypeVar("Frame")


def on_ticks(
    frames: Iterable[tuple[Frame, int]], *, ticks_per_unit: Fraction, end: Callable[[], int]
) -> Iterator[tuple[Frame, int]]:
    """Of (frame, time) pairs, in order and beginning at time 0, those that are shown at a tick.

    Tick k lies at k / ticks_per_unit. A frame is shown from its own time up to the time of the
    next; the last one up to `end()`, called after all frames were taken. A frame that is shown at
    several ticks comes once. The first frame is always shown at tick 0.
    """
    ticks, units = ticks_per_unit.numerator, ticks_per_unit.denominator
    held: tuple[Frame, int] | None = None
    tick = 0  # the first without a frame yet
    for frame, at in frames:
        if held is not None and tick * units < at * ticks:
            yield held
            tick = -(-at * ticks // units)
        held = (frame, at)
    if held is not None:
        shown_at_its_start = tick * units == held[1] * ticks
        if shown_at_its_start or tick * units < end() * ticks:
            yield held
