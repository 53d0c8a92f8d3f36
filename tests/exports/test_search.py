"""Search results as files: what a spreadsheet reads is data, and what is read back is the same."""

import csv
import io
import json
from dataclasses import replace

import pytest

from visil_dash.exports.search import matches_csv, matches_json
from visil_dash.matching.confidence import RANKED_SHARE
from visil_dash.matching.verdict import judge_result
from visil_dash.records import Match, SearchResult, Segment
from visil_dash.safe_csv import plain_cell

NAMES = ("=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\ttab", "\rline", "a,b\"c'", "naïve ☃")


def result() -> SearchResult:
    spans = (Segment(1.5, 4.5, 61.0, 64.0, 0.8), Segment(6, 8, 9, 7, 0.5, 2.0, True))
    return SearchResult(
        query="=clip.mp4",
        query_id="q" * 64,
        matches=tuple(
            Match(f"{i:064x}", name, 1 - 0.1 * i, -0.25, None, 0, spans if i % 2 else ())
            for i, name in enumerate(NAMES)
        ),
        candidates=(),
        mode="exhaustive",
        threshold=2.5,
        library_videos=len(NAMES),
        timings={"reranking": 0.25},
        model="m",
        extractor="m-1",
        index="ready",
    )


def judged(found: SearchResult, match_score: float) -> SearchResult:
    return judge_result(found, query_seconds=8, reference_seconds={}, match_score=match_score)


def test_no_text_cell_starts_a_formula_and_every_value_comes_back() -> None:
    rows = list(csv.DictReader(io.StringIO(matches_csv(judged(result(), 0.85)), newline="")))
    assert len(rows) == sum(2 if i % 2 else 1 for i in range(len(NAMES)))
    for row in rows:
        for column in ("query", "name", "video_id"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r"))
    names = [plain_cell(row["name"]) for row in rows]
    assert list(dict.fromkeys(names)) == list(NAMES)
    spans = [row for row in rows if plain_cell(row["name"]) == "+1"]
    assert [float(row["query_start"]) for row in spans] == [1.5, 6.0]
    assert [float(row["reference_end"]) for row in spans] == [64.0, 7.0]
    assert [row["reversed"] for row in spans] == ["false", "true"]
    assert [float(row["reverse_score"]) for row in spans] == [-0.25, -0.25]
    assert rows[0]["query_start"] == ""
    called = [row["match"] for row in rows if row["rank"] in ("1", "2", "3")]
    # 1.0 without a segment is no match, 0.9 with two segments is one, 0.8 is none.
    assert called == ["false", "true", "true", "false"]


def test_json_holds_the_fields_of_the_command_line() -> None:
    read = json.loads(matches_json(judged(result(), 0.9)))
    assert read["query"] == "=clip.mp4"
    assert {"matches", "timings", "model", "index"} <= set(read)
    first = read["matches"][1]
    assert set(first) == {
        "name",
        "video_id",
        "score",
        "probability",
        "part_score",
        "strength",
        "above_background",
        "view",
        "reverse_score",
        "match",
        "relation",
        "reason",
        "min_distance",
        "candidate_frames",
        "proof",
        "segments",
        "similar",
    }
    assert (first["name"], first["score"], first["min_distance"]) == ("+1", 0.9, None)
    assert first["segments"][0]["reference_end"] == 64.0
    assert (read["background"], first["above_background"]) == (0, first["strength"])
    assert read["match_score"] == 0.9
    assert [m["match"] for m in read["matches"]] == [False, True] + 6 * [False]
    relations = [m["relation"] for m in read["matches"]]
    assert relations[:3] == ["look-alike", "partial", "none"]


def test_strengths_are_told_above_the_background() -> None:
    matches = [replace(m, part_score=0.95) for m in result().matches]
    found = replace(result(), background=0.25, matches=tuple(matches))
    told = json.loads(matches_json(judged(found, 0.9)))
    assert told["background"] == 0.25
    rows = list(csv.DictReader(matches_csv(judged(found, 0.9)).splitlines()))
    for match in (*told["matches"], *rows):
        strength = max(float(match[k]) for k in ("score", "reverse_score", "part_score"))
        assert float(match["strength"]) == pytest.approx(strength)
        assert float(match["above_background"]) == pytest.approx(strength - RANKED_SHARE * 0.25)
