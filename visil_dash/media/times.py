"""Times of frames, exact, in integers: a recording's clock without its jumps, and what is on screen
at regular times. In the child.

Clocks of MPEG streams restart in the middle of a file, so FFmpeg closes their gaps from 10 s on.
Elsewhere a frame may stay on screen for long (a slide, the recording of a screen at rest), and
players show it for that long. A frame that stays for more than 15 minutes without sound was not
recorded for that time: the clock of the recorder was set, or the recording was interrupted.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

Frame = TypeVar("Frame")

_BACK_SECONDS = 1.0
_RESTARTING = ("mpegts", "mpeg")
_RESTART_SECONDS, _LONGEST_STILL_SECONDS = 10.0, 900.0
_SOUND_BREAK_SECONDS = 10.0  # without a packet, after which sound counts as interrupted
_BEFORE_A_JUMP_SECONDS = 1  # for which a frame before a jump is shown, at most


def longest_gap(container: str) -> float:
    """Seconds without a frame above which the clock has jumped."""
    return _RESTART_SECONDS if container in _RESTARTING else _LONGEST_STILL_SECONDS


class RecordingClock:
    """Puts a stream's times, given in order, on a line that begins at 0 and only increases.

    Times in units of `base` seconds. `first`: the time that is 0, where it is known already.
    `step`: the frames' distance before two of them are known; afterwards the last distance.
    """

    def __init__(
        self, *, container: str, base: Fraction, step: int, first: int | None = None
    ) -> None:
        self._base, self._limit = base, longest_gap(container)
        self.first, self.step = first, step
        self.last: int | None = None
        self.jumps = 0
        self._shift = 0
        self._sound: tuple[float, float] | None = None  # its last stretch without a break

    def place(self, raw: int | None) -> int | None:
        """The time of a frame that is marked `raw`; None when it is not later than the last."""
        if raw is None:
            raw = (self.first or 0) - self._shift
            raw += 0 if self.last is None else self.last + self.step
        if self.first is None:
            self.first = raw
        at = raw - self.first + self._shift
        if self.last is not None:
            ahead = at - self.last
            if ahead * self._base < -_BACK_SECONDS or self.is_gap(raw - ahead, raw):
                self.jumps += 1
                following = self.last + self._step_before_a_jump()
                self._shift += following - at
                at = following
            elif ahead <= 0:
                return None
            self.step = at - self.last
        self.last = at
        return at

    def end(self, length: int) -> int:
        """Where the last frame ends, which is marked as `length` long."""
        assert self.last is not None
        raw = self.last - self._shift + (self.first or 0)
        if not self.is_gap(raw, raw + length):
            return self.last + length
        self.jumps += 1
        return self.last + self._step_before_a_jump()

    def is_gap(self, start: int, end: int) -> bool:
        """Whether nothing was recorded between two times of the stream."""
        begin, finish = float(start * self._base), float(end * self._base)
        if finish - begin <= self._limit:
            return False
        if self._sound is None:
            return True
        heard = min(self._sound[1], finish) - max(self._sound[0], begin)
        return heard < (finish - begin) / 2

    def add_sound(self, start: float, end: float) -> None:
        """A packet of sound, in seconds of the streams' common clock."""
        end = min(end, start + _SOUND_BREAK_SECONDS)  # MP4 stretches the packet before a jump
        if self._sound is not None:
            begin, until = self._sound
            if begin <= start <= until + _SOUND_BREAK_SECONDS:
                self._sound = begin, max(until, end)
                return
        self._sound = start, end

    def _step_before_a_jump(self) -> int:
        return max(1, min(self.step, int(_BEFORE_A_JUMP_SECONDS / self._base)))


# ---- on screen at regular times ----


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
