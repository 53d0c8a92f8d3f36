"""Re-ranking under a budget: the best candidates first, and going on gives what no budget gives."""

from dataclasses import replace

import pytest

from visil_dash.exports.search import search_as_dict
from visil_dash.records import SearchResult

ALL = 1e6  # a threshold that admits every video


def plain(result: SearchResult) -> SearchResult:
    """Without what no two searches share, and without the budget itself."""
    return replace(result, timings={}, budget=None, waiting=0)


@pytest.fixture(scope="module")
def query(bench, clips):  # type: ignore[no-untyped-def]
    return bench.open_clip(clips["query.mp4"]).query_id


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("budget", [1, 2, 3])
def test_what_is_re_ranked_is_a_prefix_by_evidence(bench, query, budget, inside):  # type: ignore[no-untyped-def]
    every = bench.search(query, threshold=ALL, budget=0, inside=inside)
    some = bench.search(query, threshold=ALL, budget=budget, inside=inside)
    assert some.candidates == every.candidates
    evidence = [c.evidence for c in every.candidates]
    assert evidence == sorted(evidence, reverse=True)
    assert {m.video_id for m in some.matches} == {c.video_id for c in every.candidates[:budget]}
    assert (some.reranked, some.waiting, some.budget) == (budget, len(evidence) - budget, budget)
    of_every = {m.video_id: m for m in every.matches}
    for match in some.matches:
        assert match.score == of_every[match.video_id].score
        assert match.segments == of_every[match.video_id].segments


def test_going_on_gives_the_same_as_no_budget(bench, query):  # type: ignore[no-untyped-def]
    every = bench.search(query, threshold=ALL, budget=0)
    result = bench.search(query, threshold=ALL, budget=1)
    while result.waiting:
        result = bench.search(query, threshold=ALL, budget=2 * result.reranked)
    assert plain(result) == plain(every)
    assert (every.waiting, every.budget) == (0, None)


def test_the_source_is_among_the_first(bench, query):  # type: ignore[no-untyped-def]
    result = bench.search(query, threshold=ALL, budget=2)
    assert {m.name for m in result.matches} == {"a.mp4", "b.mp4"}


def test_the_result_tells_how_many_were_re_ranked(bench, query):  # type: ignore[no-untyped-def]
    exported = search_as_dict(bench.search(query, threshold=ALL, budget=3))
    assert (exported["reranked"], exported["candidates"], exported["budget"]) == (3, 4, 3)


def test_without_a_word_the_settings_decide_and_an_exhaustive_search_has_no_budget(bench, query):  # type: ignore[no-untyped-def]
    assert bench.search(query).budget == bench.settings.rerank_budget
    assert bench.search(query, exhaustive=True, budget=1).waiting == 0
