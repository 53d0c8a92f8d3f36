"""How a reference relates to a query, in one word made from what was measured. Pure.

The words are read from the reference's side, as on a result card: the video *contains* the clip.
Segments say how much of each side lines up in time with the other (its coverage), scores say
whether the pictures agree as a whole. A claim about a whole video needs both:

    near duplicate   at least WHOLE of both is covered, and a score reaches the match score
    contains         at least WHOLE of the query is covered, and query → reference reaches it
    contained in     at least WHOLE of the reference is covered, and reference → query reaches it
    partial          some stretch lines up, and none of the three above can be claimed; where no
                     score reaches the match score either, it is told as "may share a part"
    look-alike       nothing lines up in time, but the pictures are alike: a score reaches the
                     match score, or frames lie within the distance threshold
    none             neither
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from visil_dash.records import Match, Segment

# Alignment cuts up to a sampled frame at each end of a span, and edits add titles and endings.
WHOLE = 0.8
TOUCHING = 1e-9  # seconds; spans that touch are one, also after rounding


class Relation(StrEnum):
    NEAR_DUPLICATE = "near duplicate"
    CONTAINS = "contains"
    CONTAINED_IN = "contained in"
    PARTIAL = "partial"
    LOOK_ALIKE = "look-alike"
    NONE = "none"


LABELS = {
    Relation.NEAR_DUPLICATE: "near duplicate",
    Relation.CONTAINS: "contains the clip",
    Relation.CONTAINED_IN: "contained in the clip",
    Relation.PARTIAL: "shares a part",
    Relation.LOOK_ALIKE: "look-alike",
    Relation.NONE: "no relation",
}
MEANINGS = {
    Relation.NEAR_DUPLICATE: "Nearly all of both lines up in time.",
    Relation.CONTAINS: "Nearly all of the clip lines up with a stretch of this video.",
    Relation.CONTAINED_IN: "Nearly all of this video lines up with a stretch of the clip.",
    Relation.PARTIAL: "A stretch of both lines up in time, and both hold more besides.",
    Relation.LOOK_ALIKE: "Its pictures are alike, but no stretch lines up in time.",
    Relation.NONE: "Neither do its pictures agree nor does a stretch line up in time.",
}

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Coverage:
    """Share (0..1) of each side that lies in a segment, and where: disjoint spans in seconds."""

    query: float
    reference: float
    query_spans: Spans
    reference_spans: Spans


def coverage(
    segments: Sequence[Segment], *, query_seconds: float, reference_seconds: float
) -> Coverage:
    """Coverage by the union of the segments on each axis, cut at the ends of the videos.

    Lengths in seconds; 0 (unknown) stands for the end of the last segment.
    """
    query = [(s.query_start, s.query_end) for s in segments]
    reference = [(s.reference_start, s.reference_end) for s in segments]
    query_spans = _union(query, query_seconds)
    reference_spans = _union(reference, reference_seconds)
    return Coverage(
        query=_share(query_spans, query_seconds),
        reference=_share(reference_spans, reference_seconds),
        query_spans=query_spans,
        reference_spans=reference_spans,
    )


def _union(spans: Sequence[tuple[float, float]], length: float) -> Spans:
    end_of_all = length or max((end for _, end in spans), default=0.0)
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        start, end = max(0.0, start), min(end, end_of_all)
        if end <= start:
            continue
        if merged and start <= merged[-1][1] + TOUCHING:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _share(spans: Spans, length: float) -> float:
    length = length or (spans[-1][1] if spans else 0.0)
    return min(1.0, sum(end - start for start, end in spans) / length) if length > 0 else 0.0


def relation(
    found: Coverage,
    *,
    score: float,
    reverse_score: float,
    match_score: float,
    near: bool = False,
) -> Relation:
    """The relation of a pair, by the rules above.

    `score`: video-to-video similarity query → reference, `reverse_score` the other way.
    `near`: candidate generation found frames of the reference within the distance threshold.
    """
    there, back = score >= match_score, reverse_score >= match_score
    if not found.query_spans:
        return Relation.LOOK_ALIKE if there or back or near else Relation.NONE
    whole_query, whole_reference = found.query >= WHOLE, found.reference >= WHOLE
    if whole_query and whole_reference and (there or back):
        return Relation.NEAR_DUPLICATE
    if whole_query and there:
        return Relation.CONTAINS
    if whole_reference and back:
        return Relation.CONTAINED_IN
    return Relation.PARTIAL


@dataclass(frozen=True)
class Related:
    """A match with its measured coverage and the relation that follows.

    `confirmed`: a score reaches the match score, one way or the other.
    """

    match: Match
    coverage: Coverage
    relation: Relation
    confirmed: bool

    @property
    def label(self) -> str:
        """The relation as a card says it, read from the reference's side."""
        if self.relation is Relation.PARTIAL and not self.confirmed:
            return "may share a part"
        return LABELS[self.relation]

    @property
    def meaning(self) -> str:
        if self.relation is Relation.PARTIAL and not self.confirmed:
            return (
                "A stretch of both lines up in time, but over the whole videos neither score"
                " reaches that of a match. Look at it in Compare."
            )
        return MEANINGS[self.relation]


def related(
    match: Match,
    *,
    query_seconds: float,
    reference_seconds: float,
    match_score: float,
    threshold: float | None,
) -> Related:
    """The match as a result card tells it. `threshold`: squared L2 within which frames are near."""
    found = coverage(
        match.segments, query_seconds=query_seconds, reference_seconds=reference_seconds
    )
    near = match.min_distance is not None and (threshold is None or match.min_distance <= threshold)
    word = relation(
        found,
        score=match.score,
        reverse_score=match.reverse_score,
        match_score=match_score,
        near=near,
    )
    confirmed = max(match.score, match.reverse_score) >= match_score
    return Related(match, found, word, confirmed)


@dataclass(frozen=True)
class Filter:
    """What a result must be to be shown; the defaults let everything pass.

    `name`: part of the file's name, case ignored. `least_coverage`: of the query or of the
    reference, whichever is covered more.
    """

    relations: frozenset[Relation] = frozenset()  # empty: any
    least_score: float = -1.0
    least_coverage: float = 0.0
    name: str = ""

    def passes(self, found: Related) -> bool:
        covered = max(found.coverage.query, found.coverage.reference)
        return (
            (not self.relations or found.relation in self.relations)
            and found.match.score >= self.least_score
            and covered >= self.least_coverage
            and self.name.casefold().strip() in found.match.name.casefold()
        )
