"""The HTML report of a search, with pictures of what matches."""

from contextlib import suppress
from datetime import UTC, datetime

import visil_dash
from visil_dash.errors import MediaRefused, NotFound, StoreError
from visil_dash.exports.report import Evidence, ReportFacts, html_report
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.proof.pictures import ProofPictures
from visil_dash.records import Match, SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.pictures import jpegs, proof_pictures

_EVIDENCE_SIDE = 480  # pixels of the longer side of a picture


def search_report(
    bench: Workbench, result: SearchResult, *, matches: int, spans: int, watch: Watch = UNWATCHED
) -> str:
    """The result as one HTML page: its first `matches` with frames of their `spans` longest spans.

    A video whose pictures cannot be read has none in the report. Raises NotFound, Cancelled.
    """
    result = bench.judged(result)
    records = {v.video_id: v for v in bench.videos()}
    query = bench.clip(result.query_id)
    lengths = {
        m.video_id: v.info.duration if (v := records.get(m.video_id)) else 0.0
        for m in result.matches
    }
    found = result.matches[:matches]
    evidence: dict[str, list[Evidence]] = {}
    pictures: dict[str, ProofPictures] = {}
    for number, match in enumerate(found):
        watch.step(f"Frames of {match.name}", number / len(found))
        with suppress(MediaRefused, NotFound, StoreError):
            evidence[match.video_id] = _evidence(bench, result.query_id, match, spans)
            shown = match.proof and proof_pictures(
                bench, result.query_id, match.video_id, match.proof, long_side=_EVIDENCE_SIDE
            )
            if shown:
                pictures[match.video_id] = shown
    facts = ReportFacts(
        query_seconds=query.info.duration,
        reference_seconds=lengths,
        version=visil_dash.__version__,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    return html_report(result, found, evidence, facts, pictures=pictures)


def _evidence(bench: Workbench, query_id: str, match: Match, spans: int) -> list[Evidence]:
    longest = sorted(match.segments, key=lambda s: s.query_start - s.query_end)[:spans]
    chosen = sorted(longest, key=lambda s: s.query_start)
    # The middle of a span is the middle of its counterpart, also when that plays backwards.
    there = [(s.query_start + s.query_end) / 2 for s in chosen]
    here = [(s.reference_start + s.reference_end) / 2 for s in chosen]
    if not chosen:
        return []
    ours = jpegs(bench, query_id, there, long_side=_EVIDENCE_SIDE)
    theirs = jpegs(bench, match.video_id, here, long_side=_EVIDENCE_SIDE)
    return [Evidence(*pair) for pair in zip(there, ours, here, theirs, strict=True)]
