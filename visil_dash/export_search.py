"""Search results as files: CSV for spreadsheets, JSON for programs."""

import json
from typing import Any

from visil_dash.export import to_csv
from visil_dash.records import SearchResult


def matches_csv(result: SearchResult) -> str:
    """One row a matched span; a match without spans has one row with empty times."""
    rows: list[dict[str, object]] = []
    for rank, match in enumerate(result.matches, 1):
        head: dict[str, object] = {
            "query": result.query,
            "rank": rank,
            "name": match.name,
            "video_id": match.video_id,
            "score": match.score,
            "reverse_score": match.reverse_score,
            "min_distance": match.min_distance,
            "candidate_frames": match.candidate_frames,
        }
        for segment in match.segments or (None,):
            rows.append(
                head
                | {
                    "query_start": segment and segment.query_start,
                    "query_end": segment and segment.query_end,
                    "reference_start": segment and segment.reference_start,
                    "reference_end": segment and segment.reference_end,
                    "segment_score": segment and segment.score,
                    "speed": segment and segment.speed,
                    "reversed": segment and str(segment.reversed).lower(),
                }
            )
    return to_csv(rows)


def search_as_dict(result: SearchResult) -> dict[str, Any]:
    """The result as the JSON object that the command line prints, one a clip.

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
                "min_distance": None if match.min_distance is None else float(match.min_distance),
                "candidate_frames": int(match.candidate_frames),
                "segments": [
                    {
                        "query_start": segment.query_start,
                        "query_end": segment.query_end,
                        "reference_start": segment.reference_start,
                        "reference_end": segment.reference_end,
                        "score": segment.score,
                        "speed": segment.speed,
                        "reversed": segment.reversed,
                    }
                    for segment in match.segments
                ],
            }
            for match in result.matches
        ],
        "mode": result.mode,
        "threshold": result.threshold,
        "timings": result.timings,
        "model": result.model,
        "extractor": result.extractor,
        "index": result.index,
        "skipped": result.skipped,
        "notices": list(result.notices),
    }


def matches_json(result: SearchResult) -> str:
    return json.dumps(search_as_dict(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
