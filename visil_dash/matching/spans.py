"""Spans of time: their union, how much of a video they cover, and where they lie on a bar."""

from collections.abc import Sequence

from visil_dash.records import Spans

_TOUCHING = 1e-9  # seconds; spans that touch are one, also after rounding


def union(spans: Sequence[tuple[float, float]], length: float) -> Spans:
    """What the spans cover together, cut to 0..`length` seconds (0, unknown: to their own end)."""
    end_of_all = length or max((end for _, end in spans), default=0.0)
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        start, end = max(0.0, start), min(end, end_of_all)
        if end <= start:
            continue
        if merged and start <= merged[-1][1] + _TOUCHING:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def covered(spans: Spans, length: float) -> float:
    """Share of `length` seconds that a union covers, 0..1; length 0 stands for its end."""
    length = length or (spans[-1][1] if spans else 0.0)
    return min(1.0, sum(end - start for start, end in spans) / length) if length > 0 else 0.0


def bar_parts(spans: Spans, length: float) -> Spans:
    """(left, width) of each span in per cent of `length` seconds, to be drawn on a bar."""
    part = 100 / (length or (spans[-1][1] if spans else 1.0))
    return tuple((part * start, part * (end - start)) for start, end in spans)
