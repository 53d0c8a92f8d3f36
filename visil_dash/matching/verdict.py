"""How a reference relates to a query, in one word made from what was measured. Pure.

The words are read from the reference's side, as on a result card: the video *contains* the clip.
Segments say how much of each side lines up in time with the other (its coverage), scores say
whether the pictures agree as a whole. Every claim needs both, in the direction that it is about:

    near duplicate   at least WHOLE of both is covered, and both scores reach the match score
    contains         at least WHOLE of the query is covered, and query → reference reaches it
    contained in     at least WHOLE of the reference is covered, and reference → query reaches it
    partial          some stretch lines up and none of the three above can be claimed; what lines
                     up reaches the match score by itself, or the whole does. Where neither does
                     but the stretch comes near (see `near_match`), it is told as a doubt (DOUBTS)
    look-alike       the pictures are alike, and no claim can be made: a stretch lines up, but
                     scores too low; or nothing lines up, and a score reaches the match score or
                     frames lie within the distance threshold
    none             none of this

Where any moment agrees as well as the one that lines up, nothing shows that the two run together in
time: a claim becomes a doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from visil_dash.matching.confidence import in_words
from visil_dash.matching.spans import Spans, covered, union
from visil_dash.records import Match, Segment

# Alignment cuts up to a sampled frame at each end of a span, and edits add titles and endings.
WHOLE = 0.8
# Segments below it do not show that two videos are one recording, unless their frames agree so
# much that they are the same picture. Of the pairs of 150 edited copies of real clips that reach
# the match score, all 8 other takes by a camera that stands still lie below, at similarities up to
# 0.88, and 13 of 143 copies, two of them the same picture: what hardly moves, mostly hard edits.
IN_STEP = 0.7
SAME_PICTURE = 0.95
OUT_OF_STEP = (
    "Every moment of it agrees with every other nearly as well: a still picture, or the same view"
    " at another time. Scores cannot tell which: look in Compare whether what moves is the same."
)


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
# What is said where a stretch lines up and no score confirms it, by whether nearly all of the clip
# and of the video is in it.
DOUBTS = {
    (True, True): "may be a copy",
    (True, False): "may contain the clip",
    (False, True): "may be contained in the clip",
    (False, False): "may share a part",
}
MEANINGS = {
    Relation.NEAR_DUPLICATE: "Nearly all of both lines up in time.",
    Relation.CONTAINS: "Nearly all of the clip lines up with a stretch of this video.",
    Relation.CONTAINED_IN: "Nearly all of this video lines up with a stretch of the clip.",
    Relation.PARTIAL: "A stretch of both lines up in time, and both hold more besides.",
    Relation.LOOK_ALIKE: "Its pictures are alike, but nothing that is the same lines up in time.",
    Relation.NONE: "Neither do its pictures agree nor does a stretch line up in time.",
}


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
    query_spans = union(query, query_seconds)
    reference_spans = union(reference, reference_seconds)
    return Coverage(
        query=covered(query_spans, query_seconds),
        reference=covered(reference_spans, reference_seconds),
        query_spans=query_spans,
        reference_spans=reference_spans,
    )


def relation(
    found: Coverage,
    *,
    score: float,
    reverse_score: float,
    part_score: float | None,
    match_score: float,
    near: bool = False,
) -> Relation:
    """The relation of a pair, by the rules above.

    `score`: video-to-video similarity query → reference, `reverse_score` the other way.
    `part_score`: of what lines up, taken alone (see Match), None where it was not measured.
    `near`: candidate generation found frames of the reference within the distance threshold.
    """
    there, back = score >= match_score, reverse_score >= match_score
    if not found.query_spans or not found.reference_spans:
        return Relation.LOOK_ALIKE if there or back or near else Relation.NONE
    whole_query, whole_reference = found.query >= WHOLE, found.reference >= WHOLE
    if whole_query and whole_reference and there and back:
        return Relation.NEAR_DUPLICATE
    if whole_query and there:
        return Relation.CONTAINS
    if whole_reference and back:
        return Relation.CONTAINED_IN
    part = -1.0 if part_score is None else part_score
    if there or back or part >= near_match(match_score):
        return Relation.PARTIAL
    return Relation.LOOK_ALIKE


def near_match(match_score: float) -> float:
    """The score from which a stretch may be the same: WHOLE of the way from -1 to a match.

    On the demo library what unrelated videos line up scores up to 0.50 by itself, another camera
    or time of the same event up to 0.77, copies from 0.74 on, where a match scores 0.774.
    """
    return WHOLE * (match_score + 1) - 1


@dataclass(frozen=True)
class Related:
    """A match with its measured coverage and the relation that follows.

    `confirmed`: a score reaches the match score, of the whole or of what lines up, either way, and
    not by what agrees at any moment.
    """

    match: Match
    coverage: Coverage
    relation: Relation
    confirmed: bool

    @property
    def label(self) -> str:
        """The relation as a card says it, read from the reference's side."""
        if self.relation is Relation.PARTIAL and not self.confirmed:
            return DOUBTS[self.coverage.query >= WHOLE, self.coverage.reference >= WHOLE]
        return LABELS[self.relation]

    @property
    def meaning(self) -> str:
        if self.relation is Relation.PARTIAL and self.out_of_step:
            return OUT_OF_STEP
        if self.relation is Relation.PARTIAL and not self.confirmed:
            return (
                "A stretch of both lines up in time and scores nearly as a match does, but not"
                " quite. Look at it in Compare."
            )
        if self.relation is Relation.LOOK_ALIKE and self.lines_up:
            return (
                "A stretch lines up in time, but its pictures score too low to be the same footage."
            )
        return MEANINGS[self.relation]

    @property
    def shares(self) -> bool:
        """Whether footage is claimed to be shared: something lines up and a score confirms it."""
        return self.confirmed and self.relation not in (Relation.LOOK_ALIKE, Relation.NONE)

    @property
    def out_of_step(self) -> bool:
        """Whether what lines up would do so at any moment: nothing tells one from another."""
        return out_of_step(self.match.segments)

    @property
    def how_sure(self) -> str | None:
        """The probability in words; None where the model tells none."""
        if self.match.probability is None:
            return None
        return "cannot tell" if self.out_of_step else in_words(self.match.probability)

    @property
    def lines_up(self) -> bool:
        return bool(self.coverage.query_spans and self.coverage.reference_spans)


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
        part_score=match.part_score,
        match_score=match_score,
        near=near,
    )
    confirmed = match.strength >= match_score
    if out_of_step(match.segments) and word not in (Relation.LOOK_ALIKE, Relation.NONE):
        return Related(match, found, Relation.PARTIAL, confirmed=False)
    return Related(match, found, word, confirmed)


def out_of_step(segments: Sequence[Segment]) -> bool:
    """Whether there are segments and none of them shows that both sides run together in time."""
    return bool(segments) and all(s.in_step < IN_STEP and s.score < SAME_PICTURE for s in segments)


def answer(found: Sequence[Related]) -> str:
    """What a search found, in one sentence that claims no more than its results do."""
    sharing = sum(told.shares for told in found)
    perhaps = sum(told.relation is Relation.PARTIAL and not told.confirmed for told in found)
    alike = sum(told.relation is Relation.LOOK_ALIKE for told in found)
    more = f"{perhaps} more may"
    if sharing:
        said = f"{_videos(sharing)} {'shares' if sharing == 1 else 'share'} footage with this clip"
        return f"{said}, {more}" if perhaps else said
    if perhaps:
        return f"{_videos(perhaps)} may share footage with this clip"
    said = "No video shares footage with this clip"
    return f"{said}; {_videos(alike)} {'looks' if alike == 1 else 'look'} alike" if alike else said


def _videos(count: int) -> str:
    return f"{count:,} {'video' if count == 1 else 'videos'}"


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
