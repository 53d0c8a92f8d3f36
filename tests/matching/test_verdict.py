"""Relations in words: from measured coverage and scores, never more than both of them say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.matching.verdict import (
    LABELS,
    MEANINGS,
    OUT_OF_STEP,
    WHOLE,
    Coverage,
    Filter,
    Related,
    Relation,
    answer,
    coverage,
    near_match,
    related,
    relation,
)
from visil_dash.records import Match, Segment

MATCH = 0.5
scores = st.floats(-1, 1)
times = st.integers(0, 40)


@st.composite
def segment(draw: st.DrawFn) -> Segment:
    a, c = draw(times), draw(times)
    return Segment(a, a + draw(st.integers(1, 12)), c, c + draw(st.integers(1, 12)), 0.9)


segments = st.lists(segment(), max_size=5)
lengths = st.integers(1, 50)


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


@given(segments, lengths, lengths, scores, scores, scores, st.booleans())
def test_asked_the_other_way_round_contains_becomes_contained_in(
    found: list[Segment],
    query: int,
    reference: int,
    score: float,
    back: float,
    part: float,
    near: bool,
) -> None:
    # A span may lie past the end of one side only; then there is nothing on that side to relate.
    found = [s for s in found if s.query_start < query and s.reference_start < reference]
    there = relation(
        coverage(found, query_seconds=query, reference_seconds=reference),
        score=score,
        reverse_score=back,
        part_score=part,
        match_score=MATCH,
        near=near,
    )
    other = relation(
        coverage([swapped(s) for s in found], query_seconds=reference, reference_seconds=query),
        score=back,
        reverse_score=score,
        part_score=part,
        match_score=MATCH,
        near=near,
    )
    assert other is SWAPPED.get(there, there)


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
    st.booleans(),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_higher_scores_never_weaken_a_relation(
    found: list[Segment],
    query: int,
    reference: int,
    given_scores: tuple[float, float, float],
    near: bool,
    more: tuple[float, float, float],
) -> None:
    measured = coverage(found, query_seconds=query, reference_seconds=reference)

    def strength(score: float, back: float, part: float) -> int:
        word = relation(
            measured,
            score=score,
            reverse_score=back,
            part_score=part,
            match_score=MATCH,
            near=near,
        )
        return STRENGTH[word]

    higher = [score + step for score, step in zip(given_scores, more, strict=True)]
    assert strength(*higher) >= strength(*given_scores)


@given(scores, scores, st.booleans())
def test_where_nothing_lines_up_no_footage_is_claimed(
    score: float, back: float, near: bool
) -> None:
    nothing = coverage([], query_seconds=10, reference_seconds=10)
    got = relation(
        nothing, score=score, reverse_score=back, part_score=None, match_score=MATCH, near=near
    )
    alike = near or max(score, back) >= MATCH
    assert got is (Relation.LOOK_ALIKE if alike else Relation.NONE)


@given(segments.filter(bool), lengths, lengths)
def test_without_a_match_score_no_whole_video_is_claimed(
    found: list[Segment], query: int, reference: int
) -> None:
    measured = coverage(found, query_seconds=query, reference_seconds=reference)
    got = relation(measured, score=0.49, reverse_score=0.49, part_score=1.0, match_score=MATCH)
    assert got in (Relation.PARTIAL, Relation.NONE, Relation.LOOK_ALIKE)


def covered(query: float, reference: float) -> Coverage:
    spans = ((0.0, 1.0),)
    return Coverage(query, reference, spans, spans)


@pytest.mark.parametrize(
    ("query", "reference", "score", "back", "word"),
    [
        (1.0, 1.0, 0.9, 0.9, Relation.NEAR_DUPLICATE),
        (WHOLE, WHOLE, 0.5, 0.5, Relation.NEAR_DUPLICATE),
        (1.0, 1.0, 0.9, 0.49, Relation.CONTAINS),  # one way only: of that way it is told
        (1.0, 1.0, 0.49, 0.9, Relation.CONTAINED_IN),
        (1.0, 1.0, 0.49, 0.49, Relation.PARTIAL),  # what lines up comes near
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
    got = relation(
        covered(query, reference),
        score=score,
        reverse_score=back,
        part_score=max(score, back),
        match_score=MATCH,
    )
    assert got is word


def test_every_relation_has_a_label_and_a_meaning() -> None:
    assert set(LABELS) == set(MEANINGS) == set(Relation)


def match(**changes: object) -> Match:
    plain = Match("ab" * 32, "Market Day.mp4", 0.7, 0.6, 0.2, 3, (Segment(0, 10, 0, 10, 0.9),))
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_nearest_frame_beyond_the_threshold_is_not_near() -> None:
    def word(distance: float | None) -> Relation:
        return related(
            match(score=0.1, reverse_score=0.1, min_distance=distance, segments=()),
            query_seconds=10,
            reference_seconds=10,
            match_score=MATCH,
            threshold=1.0,
        ).relation

    assert word(1.0) is Relation.LOOK_ALIKE
    assert word(1.1) is Relation.NONE
    assert word(None) is Relation.NONE


def test_filters_are_all_to_be_met() -> None:
    found = Related(match(), covered(0.3, 0.6), Relation.PARTIAL, confirmed=True)
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


def test_a_part_without_a_score_to_confirm_it_is_told_as_possible() -> None:
    def label(score: float, part: float | None) -> str:
        found = match(score=score, reverse_score=0.0, part_score=part)
        lengths = {"query_seconds": 40.0, "reference_seconds": 40.0}
        return related(found, **lengths, match_score=MATCH, threshold=None).label

    assert near_match(MATCH) == pytest.approx(0.2)
    assert label(0.49, None) == "look-alike"
    assert label(0.49, 0.19) == "look-alike"
    assert label(0.49, 0.21) == "may share a part"
    assert label(-0.9, 0.49) == "may share a part"
    # What lines up confirms itself, however little of the videos it is.
    assert label(-0.9, 0.5) == "shares a part"
    assert label(0.5, None) == "shares a part"
    assert label(0.5, -0.9) == "shares a part"


@pytest.mark.parametrize(
    ("query", "reference", "label"),
    [
        (0.8, 1.0, "may be a copy"),
        (0.8, 0.79, "may contain the clip"),
        (0.79, 0.8, "may be contained in the clip"),
        (0.79, 0.79, "may share a part"),
    ],
)
def test_a_doubt_names_what_would_be_claimed(query: float, reference: float, label: str) -> None:
    doubt = Related(match(), covered(query, reference), Relation.PARTIAL, confirmed=False)
    assert doubt.label == label


@given(segments, lengths, lengths, scores, scores, st.booleans())
def test_a_claim_about_a_whole_video_needs_its_coverage_and_its_score(
    found: list[Segment], query: int, reference: int, score: float, back: float, near: bool
) -> None:
    measured = coverage(found, query_seconds=query, reference_seconds=reference)
    got = relation(
        measured, score=score, reverse_score=back, part_score=None, match_score=MATCH, near=near
    )
    of_query = measured.query >= WHOLE and score >= MATCH
    of_reference = measured.reference >= WHOLE and back >= MATCH
    if measured.query_spans and measured.reference_spans:
        assert (got is Relation.NEAR_DUPLICATE) == (of_query and of_reference)
        assert (got is Relation.CONTAINS) == (of_query and not of_reference)
        assert (got is Relation.CONTAINED_IN) == (of_reference and not of_query)


CLAIMS = ("share", "part", "contain", "duplicate", "copy")


@given(segments, lengths, lengths, scores, scores, scores, st.floats(0, 2))
def test_no_word_claims_footage_where_nothing_lines_up_or_scores_rule_it_out(
    found: list[Segment],
    query: int,
    reference: int,
    score: float,
    back: float,
    part: float,
    distance: float,
) -> None:
    told = related(
        match(
            score=score,
            reverse_score=back,
            min_distance=distance,
            segments=tuple(found),
            part_score=part if found else None,
        ),
        query_seconds=query,
        reference_seconds=reference,
        match_score=MATCH,
        threshold=1.0,
    )
    ruled_out = max(score, back) < MATCH and part < near_match(MATCH)
    if not told.lines_up or ruled_out:
        assert not any(word in told.label for word in CLAIMS)
        assert not told.shares
        assert answer([told]).startswith("No video shares footage with this clip")
    if told.shares:
        assert max(score, back, part) >= MATCH
        assert answer([told]) == "1 video shares footage with this clip"


def test_the_answer_counts_what_is_sure_and_what_is_possible() -> None:
    def told(word: Relation, confirmed: bool) -> Related:
        return Related(match(), covered(0.5, 0.5), word, confirmed)

    sure = told(Relation.CONTAINS, True)
    part, perhaps = told(Relation.PARTIAL, True), told(Relation.PARTIAL, False)
    alike, none = told(Relation.LOOK_ALIKE, True), told(Relation.NONE, False)
    assert answer([]) == "No video shares footage with this clip"
    assert answer([none]) == "No video shares footage with this clip"
    assert answer([alike, none]) == "No video shares footage with this clip; 1 video looks alike"
    assert answer([perhaps, alike]) == "1 video may share footage with this clip"
    assert answer([part, alike]) == "1 video shares footage with this clip"
    assert answer([sure, part, perhaps]) == "2 videos share footage with this clip, 1 more may"


def test_what_lines_up_and_scores_too_low_is_told_as_such() -> None:
    found = match(score=-0.5, reverse_score=-0.5, part_score=0.19)
    told = related(found, query_seconds=10, reference_seconds=10, match_score=MATCH, threshold=None)
    assert told.label == "look-alike"
    assert "score too low" in told.meaning


@pytest.mark.parametrize(
    ("steps", "out"),
    [((0.95,), False), ((0.5,), True), ((0.5, 0.95), False), ((0.5, 0.69), True), ((), False)],
)
def test_a_match_is_out_of_step_only_where_no_span_of_it_runs_in_step(
    steps: tuple[float, ...], out: bool
) -> None:
    def told(similarity: float) -> Related:
        spans = [Segment(n, n + 1, n, n + 1, similarity, in_step=s) for n, s in enumerate(steps)]
        return related(
            match(score=1.0, segments=tuple(spans), probability=0.97),
            query_seconds=len(steps),
            reference_seconds=len(steps),
            match_score=MATCH,
            threshold=None,
        )

    assert told(0.9).out_of_step is out
    assert told(0.9).shares is (bool(steps) and not out)
    assert told(0.9).how_sure == ("cannot tell" if out else "97 %")
    if out:
        assert told(0.9).label == "may be a copy"
        assert told(0.9).meaning == OUT_OF_STEP
    assert told(0.99).shares is bool(steps), "a still picture is the same at any moment"
