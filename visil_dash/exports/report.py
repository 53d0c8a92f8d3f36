"""A search as one HTML page that needs nothing else: results, evidence frames, how it was made.

Pure: records and JPEG bytes in, text out. Everything that a file or a user named is escaped; the
page holds no script and loads nothing.
"""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.exports.pages import page
from visil_dash.matching.spans import bar_parts
from visil_dash.matching.verdict import ANY_OFFSET, confidence_text, verdict_of
from visil_dash.proof.pictures import ProofPictures
from visil_dash.records import Match, Proof, SearchResult

_CURVE = 440, 110  # size of the drawn curve, CSS pixels


@dataclass(frozen=True)
class Evidence:
    """A query frame and its counterpart, JPEG bytes, at their times in seconds."""

    query_time: float
    query_jpeg: bytes
    reference_time: float
    reference_jpeg: bytes


@dataclass(frozen=True)
class ReportFacts:
    """What a reader must know to judge or repeat the result. Lengths in seconds, 0: unknown."""

    query_seconds: float
    reference_seconds: Mapping[str, float]  # by video id
    version: str
    made: str  # date and time with its zone


def html_report(
    result: SearchResult,
    found: Sequence[Match],
    evidence: Mapping[str, Sequence[Evidence]],
    facts: ReportFacts,
    *,
    pictures: Mapping[str, ProofPictures] | None = None,
) -> str:
    """The page. `found`: the matches to show, best first. `evidence`, `pictures` of their proofs by
    video id, may lack some."""
    return page(
        Path(__file__).with_name("report.html.jinja"),
        result=result,
        facts=facts,
        made_with=_made_with(result, facts),
        found=[(m, verdict_of(m), _values(m), evidence.get(m.video_id, ())) for m in found],
        total=len(result.matches),
        ANY_OFFSET=ANY_OFFSET,
        bar_parts=bar_parts,
        pictures=pictures or {},
        curve=_curve,
        base64=lambda data: base64.b64encode(data).decode(),
    )


def _made_with(result: SearchResult, facts: ReportFacts) -> dict[str, str | None]:
    threshold = "none" if result.threshold is None else f"{result.threshold:.6g} (squared L2)"
    return {
        "Query": result.query,
        "Query id (sha256)": result.query_id,
        "Search": result.mode,
        "Videos in the library": f"{result.library_videos:,}",
        "Not searched": _not_searched(result),
        "Candidates": f"{len(result.candidates):,}"
        + (f", {result.reranked:,} of them re-ranked" if result.waiting else ""),
        "Distance threshold": threshold,
        "Match score": f"{result.match_score:.3f}",
        "Model": result.model,
        "Extractor": result.extractor,
        "Weights": "verified by checksum" if result.verified else "unverified",
        "Index": result.index,
        "Seconds": ", ".join(f"{k} {v:.3f}" for k, v in result.timings.items()),
    }


def _not_searched(result: SearchResult) -> str | None:
    """Which videos the result says nothing of, and why."""
    reasons = Counter(result.skipped.values())
    return "; ".join(f"{count} ({reason})" for reason, count in reasons.items()) or None


def _values(match: Match) -> dict[str, str | None]:
    near = "not a candidate" if match.min_distance is None else f"{match.min_distance:.4f}"
    return {
        "Confidence": confidence_text(verdict_of(match)),
        "Score": f"{match.score:.4f}",
        "Reverse score": f"{match.reverse_score:.4f}",
        "Matched segments": None if match.part_score is None else f"{match.part_score:.4f}",
        "Nearest frame": near,
        "Id (sha256)": match.video_id,
    }


@dataclass(frozen=True)
class _Curve:
    """The curve of a proof as a drawing: `points` of a line, the `peak` and the height of the best
    `other` offset in pixels, and the ends of both axes in words."""

    size: tuple[int, int]
    points: str
    peak: tuple[float, float]
    other: float
    first: float
    last: float
    best: float


def _curve(proof: Proof) -> _Curve | None:
    if len(proof.curve) < 2:
        return None
    width, height = _CURVE
    low, high = min(0.0, *proof.curve), max(1.0, *proof.curve)
    first, last = proof.offsets[0], proof.offsets[-1]

    def across(at: float) -> float:
        return width * (at - first) / ((last - first) or 1.0)

    def down(value: float) -> float:
        return height * (high - value) / (high - low)

    drawn = [(across(at), down(v)) for at, v in zip(proof.offsets, proof.curve, strict=True)]
    best = max(range(len(drawn)), key=proof.curve.__getitem__)
    return _Curve(
        size=_CURVE,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in drawn),
        peak=drawn[best],
        other=down(max(0.0, proof.other_motion)),
        first=first,
        last=last,
        best=proof.offsets[best],
    )
