"""The sentences and rows about a pair say what was measured, whichever way it came out."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.comparisons import pair
from visil_dash.clock import clock
from visil_dash.collection.rows import matching_pairs, pair_rows, strongest
from visil_dash.matching.maps import (
    Direction,
    best_cell,
    duration,
    first_look,
    maps,
    region_matches,
)
from visil_dash.matching.reason_parts import ceilings, faint, missing
from visil_dash.matching.reasons import Explanation, explain
from visil_dash.matching.similarity import frame_to_frame_both
from visil_dash.matching.verdict import coverage, judge
from visil_dash.records import (
    Array,
    Comparison,
    PairTable,
    Relation,
    Segment,
    VideoFeatures,
)


def explained(compared: Comparison, *, seconds: float = 0.0, **options: Any) -> Explanation:
    verdict = judge(
        compared,
        query_seconds=seconds or duration(compared.query_times),
        reference_seconds=seconds or duration(compared.reference_times),
        match_score=0.6,
    )
    return explain(
        compared,
        verdict,
        match_score=0.6,
        query_seconds=seconds,
        reference_seconds=seconds,
        **({"frame_level": 0.7} | options),
    )


def say(compared: Comparison) -> str:
    return " ".join(explained(compared).sentences)


# ---- directions ----


def test_each_direction_keeps_the_query_as_rows() -> None:
    there, back = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    compared = pair(visil_output=there, visil_output_reverse=back)
    assert maps(compared, Direction.FORWARD).output is there
    for direction in Direction:
        found = maps(compared, direction)
        assert found.frame.shape == (8, 12)
        assert found.output is not None
        assert found.output.shape == (2, 3)
    i, j = 5, 7
    forward = compared.frame_similarity[i, j]
    reverse = compared.frame_similarity_reverse[j, i]
    assert maps(compared, Direction.REVERSE).frame[i, j] == reverse
    assert maps(compared, Direction.SYMMETRIC).frame[i, j] == pytest.approx((forward + reverse) / 2)
    both = maps(compared, Direction.SYMMETRIC).output
    assert both is not None
    assert both[1, 2] == (there[1, 2] + back[2, 1]) / 2


def test_without_a_comparator_there_is_no_output_map() -> None:
    assert all(maps(pair(), direction).output is None for direction in Direction)


# ---- the verdict ----


@pytest.mark.parametrize(
    ("score", "reverse", "segments", "title"),
    [
        (0.6, 0.6, 1, "The two videos are near duplicates"),
        (0.9, 0.59, 1, "The reference contains the query"),
        (0.59, 0.9, 1, "The query contains the reference"),
        (0.59, 0.59, 1, "Similar segments, but not a match"),
        (0.59, 0.59, 0, "No shared footage found"),
    ],
)
def test_the_title_is_that_of_the_verdict(
    score: float, reverse: float, segments: int, title: str
) -> None:
    found = (Segment(0, 8, 1, 11, 0.8),) * segments
    explanation = explained(pair(score=score, reverse_score=reverse, segments=found))
    assert explanation.title == title
    assert explanation.verdict.is_match == (max(score, reverse) >= 0.6)


def test_segments_that_score_as_a_match_are_a_shared_part_though_the_whole_does_not() -> None:
    found = (Segment(2, 5, 4, 7, 0.9),)
    explanation = explained(pair(score=0.1, reverse_score=0.0, segments=found, part_score=0.9))
    assert explanation.verdict.is_match
    assert explanation.title == "The two videos share a part"
    assert any("segments alone score 0.90" in sentence for sentence in explanation.sentences)
    explanation = explained(pair(score=0.1, reverse_score=0.0, segments=found, part_score=-0.5))
    assert explanation.verdict.relation is Relation.LOOK_ALIKE
    assert not explanation.verdict.is_match


def test_a_score_without_a_segment_claims_no_footage() -> None:
    for score, reverse in ((0.9, 0.9), (0.9, 0.1), (0.1, 0.9)):
        explanation = explained(pair(score=score, reverse_score=reverse))
        assert explanation.title == "Alike as a whole, but no segment matches"


def test_shares_are_of_the_whole_video_and_overlaps_count_once() -> None:
    found = (Segment(0, 4, 0, 4, 0.8), Segment(2, 6, 6, 10, 0.6))
    explanation = explained(pair(segments=found))
    assert (explanation.covered_query, explanation.covered_reference) == (6.0, 8.0)
    coverage = explanation.verdict.coverage
    assert (coverage.query, coverage.reference) == (6 / 8, 8 / 12)
    assert "2 segments cover 6.0 s of the query's 8.0 s and 8.0 s of the reference's 12.0 s" in (
        " ".join(explanation.sentences)
    )


def test_speed_and_direction_of_play_are_told_only_when_they_differ() -> None:
    plain = Segment(0, 4, 3, 7, 0.8)
    assert "plays 0:00–0:04 of the query at 0:03–0:07 of the reference." in say(
        pair(segments=(plain,))
    )
    fast = say(pair(segments=(replace(plain, speed=1.5),)))
    assert "faster in the query (each second of it shows 1.50 s)" in fast
    assert "slower in the query" in say(pair(segments=(replace(plain, speed=0.5),)))
    assert "backwards" in say(pair(segments=(replace(plain, reversed=True),)))


def test_segments_that_match_at_any_time_offset_are_a_doubt() -> None:
    still = Segment(0, 4, 3, 7, 0.8, in_step=0.5)
    reason = "Nothing in the matched segments distinguishes one time offset from another"
    assert reason in say(pair(segments=(still,)))
    for scores in ({"score": 0.9, "reverse_score": 0.9}, {"score": 0.9}, {"reverse_score": 0.9}):
        explanation = explained(pair(segments=(still,), **scores))
        assert explanation.title.startswith("Alike at any time offset")
        assert not explanation.verdict.is_match
    weak = explained(pair(segments=(still,)))
    assert weak.verdict.relation is Relation.LOOK_ALIKE
    assert reason not in say(pair(segments=(still, replace(still, query_start=4, in_step=0.9))))


def test_no_segment_is_explained_by_the_closest_frames() -> None:
    low = np.full((8, 12), 0.1)
    low[3, 9] = 0.5
    compared = pair(frame_similarity=low, frame_similarity_reverse=low.T)
    closest = "0:03 of the query and 0:09 of the reference, have a similarity of 0.50"
    assert f"{closest}; two frames count as the same from 0.70" in say(compared)
    low[3, 9] = low[6, 2] = 0.9
    text = say(pair(frame_similarity=low, frame_similarity_reverse=low.T))
    assert "2 of 8 query frames have partners above 0.70" in text


def test_the_comparators_part_is_told_when_there_is_one() -> None:
    output = np.zeros((2, 3))
    raised = pair(visil_output=output, visil_output_reverse=output.T, score=0.8, chamfer=0.3)
    assert "raises the Chamfer similarity of the frames from 0.30 to 0.80" in say(raised)
    assert "lowers" in say(replace(raised, score=0.1))
    assert "as it is" in say(replace(raised, score=0.3))
    assert "comparator" not in say(pair())


# ---- parts ----


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6))
def test_missing_stretches_are_the_seconds_in_no_interval(
    intervals: list[tuple[int, int]],
) -> None:
    spans = [(float(min(a, b)), float(max(a, b))) for a, b in intervals]
    gaps = missing(spans, 20.0)
    for second in range(20):
        middle = second + 0.5
        assert any(a < middle < b for a, b in gaps) != any(a < middle < b for a, b in spans)
    assert all(a < b for a, b in gaps)
    assert all(b < c for (_, b), (c, _) in pairwise(gaps))


def test_what_is_not_found_is_named_with_its_best_frame() -> None:
    matrix = np.full((8, 12), 0.1)
    matrix[7, 3], matrix[2, 4] = 0.4, 0.95
    found = (Segment(2, 6, 4, 8, 0.8),)
    text = say(pair(frame_similarity=matrix, frame_similarity_reverse=matrix.T, segments=found))
    assert "Not matched in the query: 0:00–0:02 and 0:06–0:08; the best of these frames" in text
    assert "reaches 0.40" in text
    assert "Not matched in the reference: 0:00–0:04 and 0:08–0:12" in text
    assert "Not matched" not in say(pair(segments=(Segment(0, 8, 0, 12, 0.8),)))
    assert "Not matched" not in say(pair())
    matrix[7, 3] = 0.8
    near = say(pair(frame_similarity=matrix, frame_similarity_reverse=matrix.T, segments=found))
    assert "1 of 4 reaches 0.70, but not enough in a row and in order" in near


def test_the_order_of_segments_is_told_when_there_are_several() -> None:
    a, b = Segment(0, 3, 0, 3, 0.8), Segment(4, 7, 6, 9, 0.8)
    assert "in the same order in both videos." in say(pair(segments=(a, b)))
    turned = (replace(a, reference_start=6, reference_end=9), replace(b, reference_start=0))
    assert "another order in the reference" in say(pair(segments=turned))
    twice = (a, replace(b, reference_start=0, reference_end=3))
    assert "a part of the reference occurs more than once in the query" in say(pair(segments=twice))
    assert "1 of 2 plays backwards" in say(pair(segments=(a, replace(b, reversed=True))))
    assert "order in" not in say(pair(segments=(a,)))


def test_stretches_alike_that_are_no_match_say_what_is_lacking() -> None:
    few = (Segment(0, 2, 0, 2, 0.8),)
    assert "only 25% of the query lies in a segment" in say(pair(segments=few))
    most = (Segment(0, 7, 0, 7, 0.8),)
    assert "too different for a match" in say(pair(segments=most))
    assert "averages over" not in say(pair(segments=few, score=0.9))


def test_flat_frames_are_told_by_what_an_identical_frame_would_score() -> None:
    flat = features("q", 6, 0)
    regions = flat.regions.copy()
    regions[4] *= 0.1
    flat = replace(flat, regions=regions)
    own = [
        np.mean([max(float(x @ y) for y in frame) for x in frame])
        for frame in regions.astype(float)
    ]
    np.testing.assert_allclose(ceilings(flat), own, atol=1e-5)
    level = (sorted(own)[0] + sorted(own)[1]) / 2
    text = faint(flat, side="query", frame_level=level)
    assert text is not None
    assert "1 of the query's 6 frames is so flat" in text
    assert f"score {own[4]:.2f} at most (first at 0:04)" in text
    lower = faint(flat, side="query", frame_level=0.0)
    assert lower is not None
    assert "1 of the query's 6 frames counts less" in lower
    assert "lowest at 0:04" in lower
    assert faint(features("q", 6, 0), side="query", frame_level=0.0) is None
    explanation = explained(pair(), frame_level=level, reference=flat)
    assert "the reference's 6 frames is so flat" in " ".join(explanation.sentences)


# ---- time and cells ----


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12), st.integers(1, 5)), max_size=4),
    st.sampled_from([0.0, 5.5, 8.0, 20.0]),
)
def test_coverage_is_that_of_a_search(spans: list[tuple[int, int, int]], length: float) -> None:
    found = tuple(Segment(a, a + n, b, b + n, 0.8) for a, b, n in spans)
    explanation = explained(pair(segments=found), seconds=length)
    query, reference = length or 8.0, length or 12.0  # the pair's frames last so long
    plain = coverage(found, query_seconds=query, reference_seconds=reference)
    assert explanation.verdict.coverage == plain
    tenths = [t / 10 for t in range(round(10 * query))]
    inside = sum(any(a <= t < a + n for a, _, n in spans) for t in tenths)
    assert explanation.covered_query == pytest.approx(inside / 10)


def test_a_video_ends_after_its_last_frames_interval() -> None:
    assert duration(np.array([0.0])) == 1.0
    assert duration(np.array([0.0, 0.5, 1.0])) == 1.5
    assert (clock(83.4), clock(3723)) == ("1:23", "1:02:03")
    assert (clock(83.417, digits=2), clock(59.999, digits=2)) == ("1:23.42", "1:00.00")


def test_the_first_look_is_the_best_cell_of_the_best_segment() -> None:
    matrix = np.zeros((8, 12))
    matrix[0, 0], matrix[5, 8] = 0.9, 0.7
    assert best_cell(matrix) == (0, 0)
    found = (Segment(4, 7, 7, 10, 0.6), Segment(1, 2, 1, 2, 0.7))
    assert first_look(pair(segments=found), matrix) == (5, 8)
    assert first_look(pair(), matrix) == (0, 0)


# ---- regions ----


def features(video_id: str, frames: int, seed: int) -> VideoFeatures:
    regions = np.random.default_rng(seed).standard_normal((frames, 9, 16)).astype(np.float32)
    regions /= np.linalg.norm(regions, axis=-1, keepdims=True)
    weights: Array = np.linspace(0.2, 1.0, 9, dtype=np.float32)
    return VideoFeatures(video_id, "x", regions * weights[:, None], np.arange(float(frames)))


def test_regions_explain_exactly_the_cell_that_they_belong_to() -> None:
    query, reference = features("q", 4, 0), features("r", 5, 1)
    forward, reverse = frame_to_frame_both(query.regions, reference.regions)
    for i in range(4):
        for j in range(5):
            found = region_matches(query, reference, i, j)
            assert found.frame_similarity == pytest.approx(forward[i, j], abs=1e-6)
            assert found.similarity.max(0).mean() == pytest.approx(reverse[j, i], abs=1e-6)
    for region in range(9):
        products = [
            float(query.regions[i, region] @ reference.regions[j, other]) for other in range(9)
        ]
        assert found.best[region] == int(np.argmax(products))
        assert found.best_similarity[region] == pytest.approx(max(products), abs=1e-6)
    np.testing.assert_allclose(found.query_attention, np.linspace(0.2, 1, 9), atol=1e-6)


# ---- rows ----


@given(
    st.integers(0, 4).flatmap(
        lambda n: st.lists(st.integers(0, 5), min_size=n * n, max_size=n * n)
    ),
    st.sampled_from([-1.0, 0.0, 0.3, 0.5]),
)
def test_rows_are_all_ordered_pairs_that_reach_the_score(cells: list[int], least: float) -> None:
    n = round(len(cells) ** 0.5)
    scores = (np.array(cells, np.float32) / 5).reshape(n, n)
    ids = tuple(f"v{i}" for i in range(n))
    table = PairTable(ids, tuple(f"{v}.mp4" for v in ids), scores, "x")
    rows = pair_rows(table, least=least)
    expected = {
        (f"v{i}", f"v{j}"): (scores[i, j], scores[j, i])
        for i in range(n)
        for j in range(n)
        if i != j and scores[i, j] >= np.float32(least)
    }
    found = {(r["query_id"], r["reference_id"]): (r["score"], r["reverse"]) for r in rows}
    assert found == expected
    assert len(rows) == len(expected)
    assert [r["score"] for r in rows] == sorted((r["score"] for r in rows), reverse=True)
    assert all(r["query"] == f"{r['query_id']}.mp4" for r in rows)

    once = pair_rows(table, least=least, once=True)
    pairs = [frozenset((r["query_id"], r["reference_id"])) for r in once]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {frozenset(p) for p in expected}
    assert all(r["score"] >= r["reverse"] for r in once)
    assert matching_pairs(table, least) == len(pairs)
    assert pair_rows(table, least=least, most=2) == rows[:2]
    for chosen in (set(ids[:1]), set(ids[:2]), set(ids[1:3])):
        wanted = min(2, len(chosen))
        some = [r for r in rows if len(chosen & {r["query_id"], r["reference_id"]}) >= wanted]
        assert pair_rows(table, least=least, among=chosen) == (some if chosen else rows)


def test_a_large_table_is_cut_to_the_videos_with_the_strongest_links() -> None:
    scores = np.eye(5, dtype=np.float32)
    scores[4, 1], scores[0, 3] = 0.9, 0.4
    table = PairTable(tuple("abcde"), tuple("ABCDE"), scores, "x")
    assert strongest(table, 5) is table
    cut = strongest(table, 3)
    assert cut.names == ("A", "B", "E")
    assert cut.scores[2, 1] == scores[4, 1]
    assert strongest(table, 4).video_ids == tuple("abde")
