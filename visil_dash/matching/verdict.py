"""The one answer to "what is this pair?": relation, match or not, confidence, reason. Pure.

A relation is read from the reference's side, as on a result card: the video *contains* the query.
Segments give how much of each side is matched in time (its coverage), scores whether the
pictures agree as a whole. Every claim needs both, in the direction that it is about:

    near duplicate   most of both (WHOLE_SHARE) is covered, and both scores reach the match score
    contains         most of the query is covered, and query → reference reaches it
    contained in     most of the reference is covered, and reference → query reaches it
    partial          there is a segment and none of the three above can be claimed; the score of
                     the segments alone reaches the match score, or that of the whole does. Where
                     neither does but the segments come close (`near_match`), it is a doubt
    look-alike       the pictures are alike, and no claim can be made: there is a segment, but
                     scores too low; or there is none, and a score reaches the match score
    none             none of this

Where any time offset matches as well as the one that was found, nothing shows that the two are one
recording: a claim becomes a doubt.

A file is a near duplicate of itself, whatever it scores.

Where the pair was verified on the pixels, that decides: a proved pair is a match, its relation is
what its segments cover; a contradicted one is a look-alike, whatever it scores.

No other module compares a score with the match score. Where a pair has scores only, and no
segments to judge by, `reaches` does it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from visil_dash.matching.confidence import in_words
from visil_dash.matching.spans import covered, union
from visil_dash.records import (
    Comparison,
    Coverage,
    Match,
    Proof,
    ProofState,
    Relation,
    SearchResult,
    Segment,
    Verdict,
)

# Alignment cuts up to a sampled frame at each end of a span, and edits add titles and endings.
WHOLE_SHARE = 0.8
# Segments below it do not show that two videos are one recording, unless their frames agree so
# much that they are the same picture. Of the pairs of 150 edited copies of real clips that reach
# the match score, all 8 other takes by a camera that stands still lie below, at similarities up to
# 0.88, and 13 of 143 copies, two of them the same picture: what hardly moves, mostly hard edits.
IN_STEP = 0.7
SAME_PICTURE = 0.95

LABELS = {
    Relation.NEAR_DUPLICATE: "near duplicate",
    Relation.CONTAINS: "contains the query clip",
    Relation.CONTAINED_IN: "contained in the query clip",
    Relation.PARTIAL: "shares a part",
    Relation.LOOK_ALIKE: "look-alike",
    Relation.NONE: "unrelated",
}
# A doubt, by whether nearly all of the query and of the reference is covered.
_DOUBTS = {
    (True, True): "may be a copy",
    (True, False): "may contain the query clip",
    (False, True): "may be contained in the query clip",
    (False, False): "may share a part",
}
MEANINGS = {
    Relation.NEAR_DUPLICATE: "Nearly all of both videos matches in time.",
    Relation.CONTAINS: "Nearly all of the query clip matches a part of this video.",
    Relation.CONTAINED_IN: "Nearly all of this video matches a part of the query clip.",
    Relation.PARTIAL: "A part of both matches in time, and both hold more besides.",
    Relation.LOOK_ALIKE: "Its pictures are alike, but no segment matches in time.",
    Relation.NONE: "Neither do its pictures agree nor does a segment match in time.",
}
ANY_OFFSET = (
    "Any time offset matches nearly as well: a still picture, or the same view at another time."
    " Scores cannot distinguish these from a copy. Check in Compare whether what moves is the same."
)
_UNCONFIRMED = (
    "A segment matches in time and its score comes close to the match score, but does not reach"
    " it. Check it in Compare."
)
_SAME_FILE = "Both are the same file, byte for byte."
_TOO_LOW = "A segment matches in time, but its pictures score too low to be the same footage."


def reaches(score: float, match_score: float) -> bool:
    """Whether one score, taken alone, is that of a match."""
    return score >= match_score


def near_match(match_score: float) -> float:
    """The score from which a segment may be the same footage: 0.8 of the way from -1 to a match.

    On the demo library matched segments of unrelated videos score up to 0.50 by themselves, another
    camera or time of the same event up to 0.77, copies from 0.74 on, where a match scores 0.774.
    """
    return WHOLE_SHARE * (match_score + 1) - 1


def judge(
    pair: Match | Comparison,
    *,
    query_seconds: float,
    reference_seconds: float,
    match_score: float,
    probability: float | None = None,
) -> Verdict:
    """The verdict on a pair, by the rules above. Lengths in seconds, 0: unknown.

    `probability`: that the reference holds footage of the query, where the model reports one.
    """
    share = coverage(
        pair.segments, query_seconds=query_seconds, reference_seconds=reference_seconds
    )
    if isinstance(pair, Comparison) and pair.query == pair.reference:
        return _of_itself(share, pair.segments)
    relation = _relation(share, pair, match_score)
    if pair.proof is not None and pair.proof.state is not ProofState.UNDECIDABLE:
        return _of_proof(pair.proof, share, probability)
    any_offset = _matches_at_any_offset(pair.segments)
    claimed = relation not in (Relation.LOOK_ALIKE, Relation.NONE)
    confirmed = reaches(pair.strength, match_score)
    if claimed and any_offset:
        relation, confirmed = Relation.PARTIAL, False
    is_match = claimed and confirmed
    return Verdict(
        relation=relation,
        is_match=is_match,
        label=_label(relation, share, is_match),
        reason=_reason(relation, is_match, any_offset, bool(pair.segments)),
        coverage=share,
        best=best_segment(pair.segments),
        confidence=None if any_offset else probability,
        any_offset=any_offset,
    )


def _of_itself(share: Coverage, segments: Sequence[Segment]) -> Verdict:
    """The verdict on one file given as both sides."""
    return Verdict(
        relation=Relation.NEAR_DUPLICATE,
        is_match=True,
        label=LABELS[Relation.NEAR_DUPLICATE],
        reason=_SAME_FILE,
        coverage=share,
        best=best_segment(segments),
        confidence=1.0,
    )


def _of_proof(proof: Proof, share: Coverage, probability: float | None) -> Verdict:
    """The verdict where the pixels have decided."""
    proved = proof.state is ProofState.PROVED
    relation = _proved_relation(share) if proved else Relation.LOOK_ALIKE
    return Verdict(
        relation=relation,
        is_match=proved,
        label=LABELS[relation],
        reason=proof.reason,
        coverage=share,
        best=proof.span,
        confidence=probability,
    )


def _proved_relation(share: Coverage) -> Relation:
    whole = share.query >= WHOLE_SHARE, share.reference >= WHOLE_SHARE
    return {
        (True, True): Relation.NEAR_DUPLICATE,
        (True, False): Relation.CONTAINS,
        (False, True): Relation.CONTAINED_IN,
        (False, False): Relation.PARTIAL,
    }[whole]


def _relation(covered: Coverage, pair: Match | Comparison, match_score: float) -> Relation:
    there = reaches(pair.score, match_score)
    back = reaches(pair.reverse_score, match_score)
    if not covered.query_spans or not covered.reference_spans:
        return Relation.LOOK_ALIKE if there or back else Relation.NONE
    contains = there and covered.query >= WHOLE_SHARE
    contained = back and covered.reference >= WHOLE_SHARE
    if contains and contained:
        return Relation.NEAR_DUPLICATE
    if contains or contained:
        return Relation.CONTAINS if contains else Relation.CONTAINED_IN
    return Relation.PARTIAL if there or back or _near(pair, match_score) else Relation.LOOK_ALIKE


def _near(pair: Match | Comparison, match_score: float) -> bool:
    return pair.part_score is not None and pair.part_score >= near_match(match_score)


def _label(relation: Relation, covered: Coverage, is_match: bool) -> str:
    if relation is Relation.PARTIAL and not is_match:
        return _DOUBTS[covered.query >= WHOLE_SHARE, covered.reference >= WHOLE_SHARE]
    return LABELS[relation]


def _reason(relation: Relation, is_match: bool, any_offset: bool, has_segments: bool) -> str:
    if relation is Relation.PARTIAL and not is_match:
        return ANY_OFFSET if any_offset else _UNCONFIRMED
    if relation is Relation.LOOK_ALIKE and has_segments:
        return _TOO_LOW
    return MEANINGS[relation]


def judge_result(
    result: SearchResult,
    *,
    query_seconds: float,
    reference_seconds: Mapping[str, float],
    match_score: float,
) -> SearchResult:
    """The result with a verdict on each match. Lengths in seconds, by video id; 0: unknown."""
    matches = tuple(
        replace(
            match,
            verdict=judge(
                match,
                query_seconds=query_seconds,
                reference_seconds=reference_seconds.get(match.video_id, 0.0),
                match_score=match_score,
                probability=match.probability,
            ),
        )
        for match in result.matches
    )
    return replace(result, matches=matches, match_score=match_score)


def verdict_of(pair: Match | Comparison) -> Verdict:
    """The verdict that a search or a comparison put in. Raises ValueError where there is none."""
    if pair.verdict is None:
        raise ValueError("this pair was not judged")
    return pair.verdict


def confidence_text(verdict: Verdict) -> str | None:
    """The confidence in words; None where the model reports none."""
    if verdict.any_offset:
        return "cannot tell"
    return None if verdict.confidence is None else in_words(verdict.confidence)


def best_segment(segments: Sequence[Segment]) -> Segment | None:
    """The segment to look at first: long, alike, and unlike other time offsets.

    The order by score × length × in-step was right for 0.927 of the pairs of edited copies whose
    true place was known, by score × length for 0.917, by score alone for 0.887.
    """
    return max(
        segments,
        key=lambda s: s.score * (s.query_end - s.query_start) * s.in_step,
        default=None,
    )


def _matches_at_any_offset(segments: Sequence[Segment]) -> bool:
    """Whether there are segments and none shows that both sides run together in time."""
    return bool(segments) and all(s.in_step < IN_STEP and s.score < SAME_PICTURE for s in segments)


# ---- coverage ----


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


# ---- a list of matches ----


def answer(matches: Sequence[Match]) -> str:
    """What a search found, in one sentence that claims no more than its verdicts do."""
    verdicts = [verdict_of(match) for match in matches]
    sharing = sum(verdict.is_match for verdict in verdicts)
    doubts = sum(verdict.is_doubt for verdict in verdicts)
    alike = sum(verdict.relation is Relation.LOOK_ALIKE for verdict in verdicts)
    if sharing:
        share = "shares" if sharing == 1 else "share"
        sentence = f"{_videos(sharing)} {share} footage with this query clip"
        return f"{sentence}; {doubts} more may" if doubts else sentence
    if doubts:
        return f"{_videos(doubts)} may share footage with this query clip"
    sentence = "No video shares footage with this query clip"
    if not alike:
        return sentence
    return f"{sentence}; {_videos(alike)} {'looks' if alike == 1 else 'look'} alike"


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

    def passes(self, match: Match) -> bool:
        verdict = verdict_of(match)
        covered = max(verdict.coverage.query, verdict.coverage.reference)
        return (
            (not self.relations or verdict.relation in self.relations)
            and match.score >= self.least_score
            and covered >= self.least_coverage
            and self.name.casefold().strip() in match.name.casefold()
        )
