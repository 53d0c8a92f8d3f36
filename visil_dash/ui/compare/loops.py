"""What two players show together: the aligned range of a segment or of a box on the map."""

from dataclasses import dataclass

import numpy as np

from visil_dash.matching.alignment import AlignOptions, segments
from visil_dash.records import Array, Comparison, Segment

_LEAST_CHANGE = 0.05  # at one frame a second, a smaller change of speed may be rounding


@dataclass(frozen=True)
class LoopRange:
    """What both players loop, in seconds.

    `speed`: reference seconds per query second. `aligned`: frames match in order along it; without
    an alignment both sides play from their start at normal speed.
    """

    query_start: float
    query_end: float
    reference_start: float
    reference_end: float
    speed: float = 1.0
    reversed: bool = False
    aligned: bool = True


def segment_range(segment: Segment, *, exact: bool = False) -> LoopRange:
    """`exact`: its times and speed were measured on the pixels, not on sampled frames."""
    return LoopRange(
        query_start=segment.query_start,
        query_end=segment.query_end,
        reference_start=segment.reference_start,
        reference_end=segment.reference_end,
        speed=segment.speed if exact else steady(segment.speed),
        reversed=segment.reversed,
    )


def whole_range(pair: Comparison) -> LoopRange:
    """Both videos from start to end, for pairs without an alignment."""
    return LoopRange(
        0.0,
        float(_frame_ends(pair.query_times)[-1]),
        0.0,
        float(_frame_ends(pair.reference_times)[-1]),
        aligned=False,
    )


def frames_between(times: Array, start: float, end: float) -> slice:
    """Sampled frames with `start` <= time <= `end`; the nearest to the middle where there is none.

    Ends may come in either order.
    """
    low, high = min(start, end), max(start, end)
    inside = np.flatnonzero((times >= low) & (times <= high))
    if len(inside):
        return slice(int(inside[0]), int(inside[-1]) + 1)
    nearest = int(np.abs(times - (low + high) / 2).argmin())
    return slice(nearest, nearest + 1)


def _frame_ends(times: Array) -> Array:
    """End of each sampled frame's interval `[T]`: the next frame's time."""
    gaps = np.diff(times)
    last = times[-1] + (np.median(gaps) if len(gaps) else 1.0)
    return np.asarray(np.append(times[1:], last))


def box_range(
    pair: Comparison,
    *,
    query: tuple[float, float],
    reference: tuple[float, float],
    options: AlignOptions,
) -> LoopRange:
    """The best alignment inside a box of the frame-to-frame map, ends in seconds.

    The box contains the sampled frames whose times are in it. Where nothing in it is aligned, the
    range is the box itself.
    """
    rows = frames_between(pair.query_times, *query)
    columns = frames_between(pair.reference_times, *reference)
    aligned = segments(
        pair.symmetric[rows, columns],
        pair.query_times[rows],
        pair.reference_times[columns],
        options,
    )
    if aligned:
        return segment_range(max(aligned, key=lambda s: s.score * (s.query_end - s.query_start)))
    return LoopRange(
        query_start=float(pair.query_times[rows][0]),
        query_end=float(_frame_ends(pair.query_times)[rows][-1]),
        reference_start=float(pair.reference_times[columns][0]),
        reference_end=float(_frame_ends(pair.reference_times)[columns][-1]),
        aligned=False,
    )


def steady(speed: float) -> float:
    """The speed to play at: 1 where the change is too small for the sampling to show it."""
    return speed if abs(speed - 1) >= _LEAST_CHANGE and speed > 0 else 1.0


def reference_time(span: LoopRange, query_time: float) -> float:
    """Where the reference stands when the query is at `query_time` seconds of the range.

    Time runs from the range's start, from its end where the copy plays backwards: the ends of a
    segment may be a frame off its speed.
    """
    gone = (query_time - span.query_start) * span.speed
    at = span.reference_end - gone if span.reversed else span.reference_start + gone
    return min(max(at, span.reference_start), span.reference_end)
