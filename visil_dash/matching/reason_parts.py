"""Sentences about parts of a pair: what is not found, in what order, which frames count less."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from visil_dash.clock import clock
from visil_dash.records import Array, Segment, VideoFeatures

_NAMED = 3  # gaps named one by one; the rest are counted
_FAINT = 0.8  # share of the video's mean attention below which a frame counts less


def missing(intervals: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """The parts of 0..`end` seconds outside all intervals, in order."""
    out, at = [], 0.0
    for start, stop in sorted(span for span in intervals if span[0] < span[1]):
        if start > at + 1e-6:
            out.append((at, min(start, end)))
        at = max(at, stop)
    if end > at + 1e-6:
        out.append((at, end))
    return [(a, b) for a, b in out if b > a]


def not_found(
    segments: Sequence[Segment],
    matrix: Array,
    times: Array,
    *,
    end: float,
    side: str,
    frame_level: float,
) -> str | None:
    """Which part of one side is in no segment, and how near its frames come.

    `matrix` `[T, other]` has this side's frames at `times` as rows. None when all of it is found
    or nothing is: then there is no part to name.
    """
    spans = [
        (s.query_start, s.query_end) if side == "query" else (s.reference_start, s.reference_end)
        for s in segments
    ]
    gaps = missing(spans, end)
    if not gaps or not spans:
        return None
    longest = sorted(gaps, key=lambda g: g[0] - g[1])[:_NAMED]
    named = _listed([f"{clock(a)}–{clock(b)}" for a, b in sorted(longest)])
    rest = len(gaps) - len(longest)
    if rest:
        named += f" and {rest} shorter gap{'s' if rest > 1 else ''}"
    outside = np.zeros(len(times), bool)
    for a, b in gaps:
        outside |= (times >= a - 1e-6) & (times < b - 1e-6)
    text = f"Not matched in the {side}: {named}"
    if not outside.any():
        return text + "."
    best = matrix[outside].max(1)
    near = int((best >= frame_level).sum())
    text += f"; the best of these frames reaches {float(best.max()):.2f}"
    if near:
        text += (
            f", and {near} of {len(best)} reach{'es' if near == 1 else ''} {frame_level:.2f}, but"
            " not enough in a row and in order"
        )
    return text + "."


def order(segments: Sequence[Segment]) -> str | None:
    """Whether several segments come in the same order on both sides, and which are shown twice."""
    if len(segments) < 2:
        return None
    by_query = sorted(segments, key=lambda s: (s.query_start, s.reference_start))
    starts = [s.reference_start for s in by_query]
    parts = []
    if all(a <= b for a, b in pairwise(starts)):
        parts.append("The segments come in the same order in both videos")
    else:
        parts.append("The segments come in another order in the reference: it was re-edited")
    again = [
        _overlaps([(s.query_start, s.query_end) for s in segments]),
        _overlaps([(s.reference_start, s.reference_end) for s in segments]),
    ]
    if again[1]:
        parts.append("a part of the reference occurs more than once in the query")
    if again[0]:
        parts.append("a part of the query occurs more than once in the reference")
    backwards = sum(s.reversed for s in segments)
    if backwards:
        parts.append(
            f"{backwards} of {len(segments)} play{'s' if backwards == 1 else ''} backwards"
        )
    return "; ".join(parts) + "."


def _overlaps(intervals: Sequence[tuple[float, float]]) -> bool:
    """Whether two of the intervals share more than half of the shorter one."""
    return any(
        min(b, d) - max(a, c) > 0.5 * min(b - a, d - c)
        for i, (a, b) in enumerate(intervals)
        for c, d in intervals[i + 1 :]
    )


def ceilings(features: VideoFeatures) -> Array:
    """What a frame scores against an identical one `[T]`: frame-to-frame similarity with itself.

    Attention-weighted regions are shorter than 1 in flat pictures, which keeps their score down.
    """
    regions = features.regions.astype(np.float32)
    return np.asarray(np.matmul(regions, regions.transpose(0, 2, 1)).max(2).mean(1))


def faint(features: VideoFeatures, *, side: str, frame_level: float) -> str | None:
    """Flat frames, which attention weights down: how many, and what that costs them."""
    top = ceilings(features)
    hopeless = np.flatnonzero(top < frame_level)
    if len(hopeless):
        one = len(hopeless) == 1
        return (
            f"{len(hopeless)} of the {side}'s {len(top)} frames {'is' if one else 'are'} so flat"
            f" that attention holds {'it' if one else 'them'} down: even an identical frame would"
            f" score {float(top[hopeless].max()):.2f} at most (first at"
            f" {clock(features.timestamps[hopeless[0]])})."
        )
    attention = features.attention.mean(1)
    mean = float(attention.mean())
    low = np.flatnonzero(attention < _FAINT * mean)
    if mean <= 0 or not len(low):
        return None
    one = len(low) == 1
    return (
        f"{len(low)} of the {side}'s {len(top)} frames count{'s' if one else ''} less: plain"
        f" pictures get little attention (lowest at"
        f" {clock(features.timestamps[int(attention.argmin())])},"
        f" {float(attention.min()) / mean:.0%} of the mean)."
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
