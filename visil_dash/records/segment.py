"""Matched intervals of two videos, and how much of each they cover."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A matched interval, in seconds on both axes; `reversed` when the copy plays backwards.

    `speed`: reference seconds per query second. `score`: mean similarity along the alignment.
    `in_step`: how much of either side's other frames a matched frame agrees less with, 0..1. Near 1
    the two move alike; at 0.5 any other time offset agrees as well.
    """

    query_start: float
    query_end: float
    reference_start: float
    reference_end: float
    score: float
    speed: float = 1.0
    reversed: bool = False
    in_step: float = 1.0

    def reference_at(self, query_time: float) -> float:
        """The moment of the reference that is aligned with a moment of the query, inside the
        segment or beyond its ends."""
        share = (query_time - self.query_start) / max(1e-6, self.query_end - self.query_start)
        if self.reversed:
            share = 1 - share
        return self.reference_start + share * (self.reference_end - self.reference_start)


Spans = tuple[tuple[float, float], ...]  # (start, end) in seconds, rising, apart from each other


@dataclass(frozen=True)
class Coverage:
    """Share (0..1) of each side that lies in a segment, and where: disjoint spans in seconds."""

    query: float
    reference: float
    query_spans: Spans
    reference_spans: Spans
