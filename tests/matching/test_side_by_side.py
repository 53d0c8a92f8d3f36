"""Two models' answers to one query: rows, and who finds what, counted by hand."""

from dataclasses import replace

import pytest

from visil_dash.matching.side_by_side import side_by_side
from visil_dash.matching.verdict import judge_result
from visil_dash.records import Match, SearchResult, Segment

SPAN = Segment(0, 10, 0, 10, 0.9)


def answer(model: str, *scores: tuple[str, float], query_id: str = "q") -> SearchResult:
    """Matches from 0.5 on; every pair has a segment, so that the score alone decides."""
    result = SearchResult(
        query="clip",
        query_id=query_id,
        matches=tuple(Match(name, name, s, s, None, 0, (SPAN,)) for name, s in scores),
        candidates=(),
        mode="exhaustive",
        threshold=None,
        library_videos=5,
        timings={},
        model=model,
        extractor=f"{model}-1",
        index="ready",
    )
    return judge_result(result, query_seconds=10, reference_seconds={}, match_score=0.5)


FIRST = answer("one", ("a", 0.9), ("b", 0.8), ("c", 0.3), ("d", 0.2))
SECOND = answer("two", ("c", 0.9), ("a", 0.7), ("e", 0.6), ("b", 0.1))


def names(rows: object) -> list[str]:
    return [row.name for row in rows]  # type: ignore[attr-defined]


def test_rows_are_ordered_by_the_better_rank_and_hold_both_ranks() -> None:
    rows = side_by_side(FIRST, SECOND, top=10).rows
    assert names(rows) == ["a", "c", "b", "e", "d"]
    ranks = [
        tuple(placed.rank if placed else None for placed in (row.first, row.second)) for row in rows
    ]
    assert ranks == [(1, 2), (3, 1), (2, 4), (None, 3), (4, None)]
    strengths = [(row.first.match.strength, row.second.match.strength) for row in rows[:3]]  # type: ignore[union-attr]
    assert strengths == [(0.9, 0.7), (0.3, 0.9), (0.8, 0.1)]


def test_the_first_rows_are_of_either_list_but_what_is_missed_is_of_the_whole() -> None:
    joined = side_by_side(FIRST, SECOND, top=1)
    assert names(joined.rows) == ["a", "c"]
    assert names(joined.both) == ["a"]
    assert names(joined.only_first) == ["b"]
    assert names(joined.only_second) == ["c", "e"]


def test_two_models_that_agree_miss_nothing() -> None:
    joined = side_by_side(FIRST, replace(FIRST, model="other"), top=10)
    assert names(joined.both) == ["a", "b"]
    assert not joined.only_first
    assert not joined.only_second


def test_a_model_without_an_answer_leaves_its_half_empty() -> None:
    joined = side_by_side(FIRST, answer("none"), top=10)
    assert [row.second for row in joined.rows] == [None] * 4
    assert names(joined.only_first) == ["a", "b"]


def test_answers_to_different_queries_are_not_joined() -> None:
    with pytest.raises(ValueError, match="one query"):
        side_by_side(FIRST, answer("two", query_id="another"), top=10)
