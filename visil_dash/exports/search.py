"""Search results as files: CSV for spreadsheets, JSON for programs."""

import json
from dataclasses import asdict
from typing import Any

from visil_dash.matching.confidence import above_background
from visil_dash.matching.verdict import verdict_of
from visil_dash.records import Comparison, Match, Proof, SearchResult, Segment
from visil_dash.safe_csv import to_csv


def matches_csv(*results: SearchResult) -> str:
    """One row a matched span; a video without spans has one row with empty times.

    `match`, `relation`: of the verdict. `strength`: the best of the scores, and of the matched
    segments alone (`part_score`). `proof`, `edits`: what verification on the pixels found, empty
    before it. `videos_not_searched`: library videos that the answer says nothing of, which is the
    same in all rows of a query. `above_background`: how far it lies above the query's
    background, to rank matches of several queries together (see confidence).
    """
    ranked = ((r, *place) for r in results for place in enumerate(r.matches, 1))
    return to_csv(
        [
            _cells_of_match(result, rank, match) | _cells_of_span(segment)
            for result, rank, match in ranked
            for segment in match.segments or (None,)
        ]
    )


def _cells_of_match(result: SearchResult, rank: int, match: Match) -> dict[str, object]:
    return {
        "query": result.query,
        "rank": rank,
        "name": match.name,
        "video_id": match.video_id,
        "score": match.score,
        "reverse_score": match.reverse_score,
        "part_score": match.part_score,
        "strength": match.strength,
        "match": str(verdict_of(match).is_match).lower(),
        "relation": verdict_of(match).relation.value,
        "proof": "" if match.proof is None else match.proof.state.value,
        "edits": "" if match.proof is None else ", ".join(match.proof.edits),
        "probability": match.probability,
        "above_background": _above(match, result),
        "view": match.view,
        "min_distance": match.min_distance,
        "candidate_frames": match.candidate_frames,
        "verified": str(result.verified).lower(),
        "videos_not_searched": len(result.skipped),
    }


def _cells_of_span(segment: Segment | None) -> dict[str, object]:
    return {
        "query_start": segment and segment.query_start,
        "query_end": segment and segment.query_end,
        "reference_start": segment and segment.reference_start,
        "reference_end": segment and segment.reference_end,
        "segment_score": segment and segment.score,
        "speed": segment and segment.speed,
        "reversed": segment and str(segment.reversed).lower(),
        "in_step": segment and segment.in_step,
    }


def _above(match: Match, result: SearchResult) -> float:
    return float(above_background(match.strength, result.background))


def rerank_line(result: SearchResult) -> str:
    """How many candidates were re-ranked, of how many."""
    return f"re-ranked {result.reranked:,} of {len(result.candidates):,} candidates"


def search_as_dict(result: SearchResult) -> dict[str, Any]:
    """The result as one JSON object; `match` and `above_background` as in `matches_csv`.

    Raises nothing for what a search returns: all values are finite numbers, text or None.
    """
    return {
        "query": result.query,
        "matches": [
            {
                "name": match.name,
                "video_id": match.video_id,
                "score": float(match.score),
                "reverse_score": float(match.reverse_score),
                "part_score": None if match.part_score is None else float(match.part_score),
                "strength": float(match.strength),
                "match": verdict_of(match).is_match,
                "relation": verdict_of(match).relation.value,
                "reason": verdict_of(match).reason,
                "probability": match.probability,
                "above_background": _above(match, result),
                "view": match.view,
                "min_distance": None if match.min_distance is None else float(match.min_distance),
                "candidate_frames": int(match.candidate_frames),
                "proof": proof_as_dict(match.proof),
                "segments": [asdict(segment) for segment in match.segments],
                "similar": [asdict(segment) for segment in match.similar],
            }
            for match in result.matches
        ],
        "mode": result.mode,
        "inside": result.inside,
        "threshold": result.threshold,
        "candidates": len(result.candidates),
        "reranked": result.reranked,
        "budget": result.budget,
        "tags": list(result.tags),
        "match_score": result.match_score,
        "background": result.background,
        "timings": result.timings,
        "model": result.model,
        "extractor": result.extractor,
        "verified": result.verified,
        "index": result.index,
        "skipped": result.skipped,
        "identical_to": result.identical_to or None,
        "notices": list(result.notices),
    }


def comparison_as_dict(pair: Comparison, *, match_score: float, model: str) -> dict[str, Any]:
    """A judged comparison as one JSON object, without its matrices."""
    verdict = verdict_of(pair)
    return {
        "query": pair.query,
        "reference": pair.reference,
        "score": pair.score,
        "reverse_score": pair.reverse_score,
        "match_score": match_score,
        "match": verdict.is_match,
        "relation": verdict.relation.value,
        "reason": verdict.reason,
        "chamfer": pair.chamfer,
        "chamfer_reverse": pair.chamfer_reverse,
        "segments": [asdict(segment) for segment in pair.segments],
        "proof": proof_as_dict(pair.proof),
        "model": model,
        "verified": pair.verified,
    }


def proof_as_dict(proof: Proof | None) -> dict[str, Any] | None:
    """A proof as a JSON object, without the curve; None where the pair was not verified.

    `transform`: three rows, from shares of the reference's picture to shares of the query's.
    """
    if proof is None:
        return None
    return {
        "state": proof.state.value,
        "reason": proof.reason,
        "span": None if proof.span is None else asdict(proof.span),
        "motion": proof.motion,
        "other_motion": proof.other_motion,
        "agreed_seconds": proof.agreed_seconds,
        "detail": proof.detail,
        "still": proof.still,
        "edits": list(proof.edits),
        "registration": None if proof.registration is None else asdict(proof.registration),
    }


def matches_json(result: SearchResult) -> str:
    return json.dumps(search_as_dict(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
