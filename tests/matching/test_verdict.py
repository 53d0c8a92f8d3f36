"""The verdict: from measured coverage and scores, never claiming more than both support."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.matching.verdict import (
    ANY_OFFSET,
    LABELS,
    MEANINGS,
    WHOLE_SHARE,
    Filter,
    answer,
    best_segment,
    confidence_text,
    coverage,
    judge,
    judge_result,
    near_match,
    reaches,
    verdict_of,
)
from visil_dash.records import (
    Comparison,
    Coverage,
    Match,
    Relation,
    SearchResult,
    Segment,
    Verdict,
)

MATCH = 0.5
scores = st.floats(-1, 1)
times = st.integers(0, 40)


@st.composite
def segment(draw: st.DrawFn) -> Segment:
    a, c = draw(times), draw(times)
    return Segment(a, a + draw(st.integers(1, 12)), c, c + draw(st.integers(1, 12)), 0.9)


segments = st.lists(segment(), max_size=5)
lengths = st.integers(1, 50)


def match(**changes: object) -> Match:
    plain = Match("ab" * 32, "Market Day.mp4", 0.7, 0.6, 0.2, 3, (Segment(0, 10, 0, 10, 0.9),))
    return replace(plain, **changes)  # type: ignore[arg-type]


def ruling(
    found: list[Segment],
    query: float,
    reference: float,
    score: float,
    back: float,
    part: float | None,
) -> Verdict:
    pair = match(score=score, reverse_score=back, part_score=part, segments=tuple(found))
    return judge(pair, query_seconds=query, reference_seconds=reference, match_score=MATCH)


def swapped(s: Segment) -> Segment:
    return replace(
        s,
        query_start=s.reference_start,
        query_end=s.reference_end,
        reference_start=s.query_start,
        reference_end=s.query_end,
    )


def seconds_inside(spans: list[tuple[float, float]], length: int) -> float:
    """Whole seconds of a video that some span covers, counted one by one."""
    inside = np.zeros(length, bool)
    for start, end in spans:
        inside[int(start) : int(end)] = True
    return float(inside.sum())


@given(segments, lengths, lengths)
def test_coverage_is_the_counted_share_of_each_side(
    found: list[Segment], query: int, reference: int
) -> None:
    got = coverage(found, query_seconds=query, reference_seconds=reference)
    on_query = [(s.query_start, s.query_end) for s in found]
    on_reference = [(s.reference_start, s.reference_end) for s in found]
    assert got.query == pytest.approx(seconds_inside(on_query, query) / query)
    assert got.reference == pytest.approx(seconds_inside(on_reference, reference) / reference)
    assert 0 <= got.query <= 1
    for spans, length in ((got.query_spans, query), (got.reference_spans, reference)):
        ends = [0.0, *(t for span in spans for t in span), float(length)]
        assert ends == sorted(ends)  # disjoint, in order, within the video


@given(segments, segment(), lengths, lengths)
def test_one_more_segment_never_covers_less(
    found: list[Segment], more: Segment, query: int, reference: int
) -> None:
    before = coverage(found, query_seconds=query, reference_seconds=reference)
    after = coverage([*found, more], query_seconds=query, reference_seconds=reference)
    assert after.query >= before.query - 1e-12
    assert after.reference >= before.reference - 1e-12


SWAPPED = {
    Relation.CONTAINS: Relation.CONTAINED_IN,
    Relation.CONTAINED_IN: Relation.CONTAINS,
}


@given(segments, lengths, lengths, scores, scores, scores)
def test_with_query_and_reference_swapped_contains_becomes_contained_in(
    found: list[Segment], query: int, reference: int, score: float, back: float, part: float
) -> None:
    # A span may lie past the end of one side only; then there is nothing on that side to relate.
    found = [s for s in found if s.query_start < query and s.reference_start < reference]
    there = ruling(found, query, reference, score, back, part)
    other = ruling([swapped(s) for s in found], reference, query, back, score, part)
    assert other.relation is SWAPPED.get(there.relation, there.relation)
    assert other.is_match == there.is_match


STRENGTH = {
    Relation.NONE: 0,
    Relation.LOOK_ALIKE: 1,
    Relation.PARTIAL: 2,
    Relation.CONTAINED_IN: 3,
    Relation.CONTAINS: 3,
    Relation.NEAR_DUPLICATE: 4,
}


@given(
    segments,
    lengths,
    lengths,
    st.tuples(scores, scores, scores),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_higher_scores_never_weaken_a_relation(
    found: list[Segment],
    query: int,
    reference: int,
    given_scores: tuple[float, float, float],
    more: tuple[float, float, float],
) -> None:
    higher = [score + step for score, step in zip(given_scores, more, strict=True)]
    before = ruling(found, query, reference, *given_scores)
    after = ruling(found, query, reference, *higher)
    assert STRENGTH[after.relation] >= STRENGTH[before.relation]
    assert after.is_match >= before.is_match


@given(scores, scores)
def test_without_a_segment_no_footage_is_claimed(score: float, back: float) -> None:
    got = ruling([], 10, 10, score, back, None)
    alike = max(score, back) >= MATCH
    assert got.relation is (Relation.LOOK_ALIKE if alike else Relation.NONE)
    assert not got.is_match
    assert got.best is None


@given(segments.filter(bool), lengths, lengths)
def test_without_a_match_score_no_whole_video_is_claimed(
    found: list[Segment], query: int, reference: int
) -> None:
    got = ruling(found, query, reference, 0.49, 0.49, 1.0)
    assert got.relation in (Relation.PARTIAL, Relation.NONE, Relation.LOOK_ALIKE)


@pytest.mark.parametrize(
    ("query", "reference", "score", "back", "word"),
    [
        (1.0, 1.0, 0.9, 0.9, Relation.NEAR_DUPLICATE),
        (WHOLE_SHARE, WHOLE_SHARE, 0.5, 0.5, Relation.NEAR_DUPLICATE),
        (1.0, 1.0, 0.9, 0.49, Relation.CONTAINS),  # in one direction only
        (1.0, 1.0, 0.49, 0.9, Relation.CONTAINED_IN),
        (1.0, 1.0, 0.49, 0.49, Relation.PARTIAL),  # the segment comes close
        (1.0, 0.3, 0.9, 0.2, Relation.CONTAINS),
        (0.3, 1.0, 0.2, 0.9, Relation.CONTAINED_IN),
        (1.0, 0.3, 0.2, 0.9, Relation.PARTIAL),  # the score of the whole clip says no
        (0.4, 0.4, 0.9, 0.9, Relation.PARTIAL),
        (0.79, 0.79, 0.9, 0.9, Relation.PARTIAL),
        (1.0, 1.0, 0.19, 0.19, Relation.LOOK_ALIKE),
    ],
)
def test_each_word_has_its_rule(
    query: float, reference: float, score: float, back: float, word: Relation
) -> None:
    span = Segment(0, 100 * query, 0, 100 * reference, 0.9)
    got = ruling([span], 100, 100, score, back, max(score, back))
    assert got.relation is word


def test_every_relation_has_a_label_and_a_meaning() -> None:
    assert set(LABELS) == set(MEANINGS) == set(Relation)


def judged(
    relation: Relation, *, is_match: bool, query: float = 0.5, reference: float = 0.5
) -> Match:
    spans = ((0.0, 1.0),)
    covered = Coverage(query, reference, spans, spans)
    return match(verdict=Verdict(relation, is_match, LABELS[relation], "", covered))


def test_filters_are_all_to_be_met() -> None:
    found = judged(Relation.PARTIAL, is_match=True, query=0.3, reference=0.6)
    assert Filter().passes(found)
    assert Filter(relations=frozenset({Relation.PARTIAL, Relation.CONTAINS})).passes(found)
    assert not Filter(relations=frozenset({Relation.CONTAINS})).passes(found)
    assert Filter(least_score=0.7).passes(found)
    assert not Filter(least_score=0.71).passes(found)
    assert Filter(least_coverage=0.6).passes(found)  # of either side
    assert not Filter(least_coverage=0.61).passes(found)
    assert Filter(name=" market ").passes(found)
    assert not Filter(name="harbour").passes(found)
    assert not Filter(name="market", least_score=0.9).passes(found)


def test_a_segment_without_a_score_to_confirm_it_is_a_doubt() -> None:
    def label(score: float, part: float | None) -> str:
        span = Segment(0, 10, 0, 10, 0.9)
        return ruling([span], 40, 40, score, 0.0, part).label

    assert near_match(MATCH) == pytest.approx(0.2)
    assert label(0.49, None) == "look-alike"
    assert label(0.49, 0.19) == "look-alike"
    assert label(0.49, 0.21) == "may share a part"
    assert label(-0.9, 0.49) == "may share a part"
    # The segments confirm themselves, however little of the videos they are.
    assert label(-0.9, 0.5) == "shares a part"
    assert label(0.5, None) == "shares a part"
    assert label(0.5, -0.9) == "shares a part"


@pytest.mark.parametrize(
    ("query", "reference", "label"),
    [
        (0.8, 1.0, "may be a copy"),
        (0.8, 0.79, "may contain the query clip"),
        (0.79, 0.8, "may be contained in the query clip"),
        (0.79, 0.79, "may share a part"),
    ],
)
def test_a_doubt_names_what_would_be_claimed(query: float, reference: float, label: str) -> None:
    span = Segment(0, 100 * query, 0, 100 * reference, 0.9)
    doubt = ruling([span], 100, 100, 0.4, 0.4, 0.4)
    assert doubt.label == label
    assert doubt.is_doubt


@given(segments, lengths, lengths, scores, scores)
def test_a_claim_about_a_whole_video_needs_its_coverage_and_its_score(
    found: list[Segment], query: int, reference: int, score: float, back: float
) -> None:
    got = ruling(found, query, reference, score, back, None)
    measured = coverage(found, query_seconds=query, reference_seconds=reference)
    assert got.coverage == measured
    of_query = measured.query >= WHOLE_SHARE and score >= MATCH
    of_reference = measured.reference >= WHOLE_SHARE and back >= MATCH
    if measured.query_spans and measured.reference_spans:
        assert (got.relation is Relation.NEAR_DUPLICATE) == (of_query and of_reference)
        assert (got.relation is Relation.CONTAINS) == (of_query and not of_reference)
        assert (got.relation is Relation.CONTAINED_IN) == (of_reference and not of_query)


CLAIMS = ("share", "part", "contain", "duplicate", "copy")


@given(segments, lengths, lengths, scores, scores, scores)
def test_no_word_claims_footage_without_a_segment_or_against_the_scores(
    found: list[Segment], query: int, reference: int, score: float, back: float, part: float
) -> None:
    got = ruling(found, query, reference, score, back, part if found else None)
    pair = match(verdict=got)
    ruled_out = max(score, back) < MATCH and part < near_match(MATCH)
    aligned = got.coverage.query_spans and got.coverage.reference_spans
    if not aligned or ruled_out:
        assert not any(word in got.label for word in CLAIMS)
        assert not got.is_match
        assert answer([pair]).startswith("No video shares footage with this query clip")
    if got.is_match:
        assert max(score, back, part) >= MATCH
        assert answer([pair]) == "1 video shares footage with this query clip"


def test_the_answer_counts_matches_and_doubts() -> None:
    match_, part = (judged(r, is_match=True) for r in (Relation.CONTAINS, Relation.PARTIAL))
    doubt = judged(Relation.PARTIAL, is_match=False)
    alike, none = (judged(r, is_match=False) for r in (Relation.LOOK_ALIKE, Relation.NONE))
    nothing = "No video shares footage with this query clip"
    assert answer([]) == nothing
    assert answer([none]) == nothing
    assert answer([alike, none]) == f"{nothing}; 1 video looks alike"
    assert answer([doubt, alike]) == "1 video may share footage with this query clip"
    assert answer([part, alike]) == "1 video shares footage with this query clip"
    assert answer([match_, part, doubt]) == (
        "2 videos share footage with this query clip; 1 more may"
    )


def test_a_segment_that_scores_too_low_is_a_look_alike() -> None:
    got = ruling([Segment(0, 10, 0, 10, 0.9)], 10, 10, -0.5, -0.5, 0.19)
    assert got.label == "look-alike"
    assert "score too low" in got.reason


@pytest.mark.parametrize(
    ("steps", "out"),
    [((0.95,), False), ((0.5,), True), ((0.5, 0.95), False), ((0.5, 0.69), True), ((), False)],
)
def test_a_pair_is_a_doubt_where_each_of_its_segments_fits_at_any_time_offset(
    steps: tuple[float, ...], out: bool
) -> None:
    def got(similarity: float) -> Verdict:
        spans = [Segment(n, n + 1, n, n + 1, similarity, in_step=s) for n, s in enumerate(steps)]
        return judge(
            match(score=1.0, segments=tuple(spans)),
            query_seconds=len(steps),
            reference_seconds=len(steps),
            match_score=MATCH,
            probability=0.97,
        )

    assert got(0.9).any_offset is out
    assert got(0.9).is_match is (bool(steps) and not out)
    assert confidence_text(got(0.9)) == ("cannot tell" if out else "97 %")
    if out:
        assert got(0.9).label == "may be a copy"
        assert got(0.9).reason == ANY_OFFSET
        assert got(0.9).confidence is None
    assert got(0.99).is_match is bool(steps), "a still picture is the same at any offset"


def test_the_segment_to_look_at_first_is_long_alike_and_in_step() -> None:
    plain = Segment(0, 4, 0, 4, 0.9)
    longer = replace(plain, query_end=9, reference_end=9)
    still = replace(longer, in_step=0.3)
    assert best_segment([plain, longer]) == longer
    assert best_segment([plain, still]) == plain
    assert best_segment([plain, replace(plain, score=0.95)]).score == 0.95  # type: ignore[union-attr]
    assert best_segment([]) is None


def test_every_match_of_a_result_is_judged_by_one_score_and_its_own_length() -> None:
    found = (match(video_id="a"), match(video_id="b", score=0.49, reverse_score=0.2))
    plain = SearchResult("q.mp4", "q", found, (), "exhaustive", None, 2, {}, "m", "m-1", "ready")
    with pytest.raises(ValueError, match="not judged"):
        verdict_of(plain.matches[0])
    result = judge_result(
        plain, query_seconds=10, reference_seconds={"a": 10, "b": 40}, match_score=MATCH
    )
    assert result.match_score == MATCH
    for before, after in zip(found, result.matches, strict=True):
        assert replace(after, verdict=None) == before
        assert after.verdict == judge(
            before,
            query_seconds=10,
            reference_seconds={"a": 10, "b": 40}[before.video_id],
            match_score=MATCH,
        )
    assert [m.verdict.is_match for m in result.matches if m.verdict] == [True, False]
    assert reaches(MATCH, MATCH)


@given(segments, scores, scores)
def test_a_file_is_a_near_duplicate_of_itself_whatever_it_scores(
    found: list[Segment], score: float, back: float
) -> None:
    empty = np.zeros((0, 0))
    pair = Comparison(
        "ab" * 32,
        "ab" * 32,
        query_times=np.zeros(0),
        reference_times=np.zeros(0),
        frame_similarity=empty,
        frame_similarity_reverse=empty,
        visil_output=None,
        visil_output_reverse=None,
        score=score,
        reverse_score=back,
        chamfer=score,
        chamfer_reverse=back,
        segments=tuple(found),
    )
    verdict = judge(pair, query_seconds=40, reference_seconds=40, match_score=MATCH)
    assert verdict.is_match
    assert verdict.relation is Relation.NEAR_DUPLICATE
    assert "same file" in verdict.reason
    other = judge(
        replace(pair, reference="cd" * 32), query_seconds=40, reference_seconds=40, match_score=2.0
    )
    assert not other.is_match
