"""A match and its proof: which of its segments count once it was verified on the pixels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from visil_dash.records import Comparison, Match, Proof, ProofState, Segment

_Pair = TypeVar("_Pair", Match, Comparison)

# Share of its query time that a segment has in common with what is proved, from which it is
# another place that looks alike, not another part of the match.
_SAME_PLACE = 0.3
_AGREES = 1.5  # seconds by which a segment, exact to about one, may be off what is proved


def with_proof(pair: _Pair, proof: Proof) -> _Pair:
    """The pair with its proof, and the segments that follow from it.

    Proved: the exact span takes the place of the segments that it covers, others that explain the
    same part of the query are ruled out, and the rest stays. Contradicted: none counts. What is
    ruled out is `similar`.
    """
    every = (*pair.segments, *pair.similar)
    if proof.state is ProofState.UNDECIDABLE:
        return replace(pair, proof=proof)
    if proof.span is None:
        return replace(pair, proof=proof, segments=(), similar=_in_order(every))
    kept: list[Segment] = [proof.span]
    similar: list[Segment] = []
    for segment in sorted(every, key=lambda s: s.query_start - s.query_end):
        covered = _covered(segment, kept) > _SAME_PLACE
        if _covered(segment, [proof.span]) > 0 and _at_one_offset(segment, proof.span):
            if not covered:
                kept.append(segment)
        elif covered or _covered(proof.span, [segment]) > _SAME_PLACE:
            similar.append(segment)
        else:
            kept.append(segment)
    return replace(pair, proof=proof, segments=_in_order(kept), similar=_in_order(similar))


def standing(match: Match) -> int:
    """1 where the pixels prove a match, -1 where they contradict it, 0 where they leave it open or
    it was not verified."""
    if match.proof is None or match.proof.state is ProofState.UNDECIDABLE:
        return 0
    return 1 if match.proof.state is ProofState.PROVED else -1


def hypotheses(pair: Match | Comparison) -> tuple[Segment, ...]:
    """The segments to verify, the most promising first (see verdict.best_segment)."""
    return tuple(
        sorted(
            (*pair.segments, *pair.similar),
            key=lambda s: -s.score * (s.query_end - s.query_start) * s.in_step,
        )
    )


def _covered(segment: Segment, others: Sequence[Segment]) -> float:
    """Share of a segment's query time that others explain already."""
    length = segment.query_end - segment.query_start
    overlaps = (
        min(segment.query_end, other.query_end) - max(segment.query_start, other.query_start)
        for other in others
    )
    return max(0.0, *overlaps) / length if length > 0 else 1.0


def _at_one_offset(one: Segment, other: Segment) -> bool:
    """Whether both place the middle of what they share of the query at one time."""
    start = max(one.query_start, other.query_start)
    middle = (start + min(one.query_end, other.query_end)) / 2
    return abs(one.reference_at(middle) - other.reference_at(middle)) <= _AGREES


def _in_order(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda s: (s.query_start, s.reference_start)))
