"""Hierarchical against exhaustive: counted by hand."""

from dataclasses import replace

import pytest

from visil_dash.matching.agreement import agreement
from visil_dash.matching.verdict import judge_result
from visil_dash.records import Match, SearchResult, Segment

SPAN = Segment(0, 10, 0, 10, 0.9)


def match(name: str, score: float) -> Match:
    return Match(name, name, score, score, None, 0, (SPAN,))


def judged(result: SearchResult, match_score: float) -> SearchResult:
    return judge_result(result, query_seconds=10, reference_seconds={}, match_score=match_score)


EXHAUSTIVE = SearchResult(
    query="clip",
    query_id="q",
    matches=(match("a", 0.9), match("b", 0.7), match("c", 0.4), match("d", 0.1)),
    candidates=(),
    mode="exhaustive",
    threshold=2.0,
    library_videos=4,
    timings={"candidates": 0.5, "reranking": 4.0},
    model="m",
    extractor="m-1",
    index="ready",
)
HIERARCHICAL = replace(
    EXHAUSTIVE,
    mode="hierarchical",
    matches=(match("a", 0.9), match("c", 0.4)),
    timings={"candidates": 0.5, "reranking": 2.0},
)


def test_it_tells_what_the_candidates_left_out_and_what_that_saved() -> None:
    found = agreement(HIERARCHICAL, judged(EXHAUSTIVE, 0.6), k=3)
    assert [m.name for m in found.missed] == ["b", "d"]
    assert [m.name for m in found.missed_above] == ["b"]
    assert (found.above, found.k) == (2, 3)
    assert found.overlap == pytest.approx(2 / 3)
    assert (found.hierarchical_seconds, found.exhaustive_seconds) == (2.5, 4.0)


def test_a_short_library_is_not_counted_as_missing() -> None:
    found = agreement(HIERARCHICAL, replace(EXHAUSTIVE, matches=()))
    assert (found.above, found.missed, found.k, found.overlap) == (0, (), 0, 1.0)


def test_a_score_equal_to_the_match_score_is_a_match() -> None:
    assert agreement(HIERARCHICAL, judged(EXHAUSTIVE, 0.7)).above == 2


@pytest.mark.parametrize(
    ("hierarchical", "exhaustive"),
    [
        (replace(HIERARCHICAL, query_id="other"), EXHAUSTIVE),
        (replace(HIERARCHICAL, extractor="m-2"), EXHAUSTIVE),
        (EXHAUSTIVE, EXHAUSTIVE),
        (HIERARCHICAL, HIERARCHICAL),
    ],
)
def test_searches_that_do_not_belong_together_are_refused(
    hierarchical: SearchResult, exhaustive: SearchResult
) -> None:
    with pytest.raises(ValueError, match="agreement: expected"):
        agreement(hierarchical, exhaustive)
