"""Claims about the probability of a copy: what it is made of, and that it means what it says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.matching.confidence import (
    EVIDENCE_SHARE,
    Reliability,
    ScoreEvidence,
    above_background,
    background,
    calibration_error,
    fit_evidence,
    in_words,
    measure_evidence,
    probability,
    reliability,
)
from visil_dash.records import Match
from visil_dash.workbench.search import with_probability


def drawn(seed, copies, strangers, apart=1.0):
    """Scores of two normal distributions: their log likelihood ratio is a line in the score."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(apart, 0.4, copies), rng.normal(0.0, 0.4, strangers)])
    return scores, np.arange(len(scores)) < copies


def test_the_fit_finds_the_likelihood_ratio_that_the_scores_were_drawn_with():
    fitted = fit_evidence(*drawn(0, 20_000, 20_000))
    for score in np.linspace(-0.2, 1.2, 8):
        # log N(s; 1, 0.4) - log N(s; 0, 0.4) = s / 0.16 - 0.5 / 0.16
        assert fitted.of(score) == pytest.approx(score / 0.16 - 0.5 / 0.16, abs=0.6)


def test_the_fit_does_not_depend_on_how_many_strangers_there_are():
    few = fit_evidence(*drawn(1, 20_000, 4_000))
    many = fit_evidence(*drawn(2, 20_000, 200_000))
    for score in np.linspace(0.2, 0.9, 8):
        assert few.of(score) == pytest.approx(many.of(score), abs=0.6)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40))
def test_blocks_are_those_of_isotonic_regression_by_plain_loops(pairs):
    scores = np.array([s / 10 for s, _ in pairs])
    copies = np.array([c for _, c in pairs])
    if copies.all() or not copies.any():
        return
    weight = np.where(copies, 1 / copies.sum(), 1 / (~copies).sum())
    levels = sorted(set(scores.tolist()))
    mass = [[float(weight[(scores == v) & (copies == c)].sum()) for v in levels] for c in (1, 0)]

    def mean(a, b):
        mine, others = sum(mass[0][a : b + 1]), sum(mass[1][a : b + 1])
        return mine / (mine + others)

    count = len(levels)
    # The isotonic fit at i is the largest over a of the smallest over b of the means of a..b.
    isotonic = [
        max(min(mean(a, b) for b in range(i, count)) for a in range(i + 1)) for i in range(count)
    ]
    blocks = [[0]]
    for i in range(1, count):
        if math.isclose(isotonic[i], isotonic[i - 1], abs_tol=1e-12):
            blocks[-1].append(i)
        else:
            blocks.append([i])
    fitted = fit_evidence(scores, copies)
    inside = [np.isin(scores, [levels[i] for i in block]) for block in blocks]
    assert fitted.strengths == pytest.approx([scores[m].mean() for m in inside])
    ratios = [
        math.log(
            ((copies & m).sum() + 0.5)
            / (copies.sum() + 1)
            / (((~copies & m).sum() + 0.5) / ((~copies).sum() + 1))
        )
        for m in inside
    ]
    assert fitted.log_ratios == pytest.approx(list(np.maximum.accumulate(ratios)))


def test_scores_that_part_the_classes_give_no_more_than_the_counts_can_show():
    fitted = fit_evidence(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False]))
    most = math.log((2.5 / 3) / (0.5 / 3))
    assert fitted.of(0.9) == pytest.approx(most)
    assert fitted.of(1.0) == pytest.approx(most), "constant beyond what was seen"
    assert fitted.of(-1.0) == pytest.approx(-most)


def test_one_class_is_no_calibration():
    with pytest.raises(ValueError, match="copies and pairs that are none"):
        fit_evidence(np.array([0.1, 0.2]), np.array([False, False]))


@pytest.mark.parametrize(
    "knots",
    [
        ((), ()),
        ((0.1,), ()),
        ((0.2, 0.1), (0.0, 1.0)),
        ((0.1, 0.2), (1.0, 0.0)),
        ((0.1, 0.2), (0.0, 1.0), -0.1),
    ],
)
def test_knots_out_of_order_and_a_background_below_zero_are_refused(knots):
    with pytest.raises(ValueError, match="evidence"):
        ScoreEvidence(*knots)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 10**7))
def test_a_higher_score_is_never_less_sure_and_more_videos_never_more(low, high, among):
    evidence = ScoreEvidence((-0.5, 0.2, 0.9), (-4.0, 0.0, 7.0))
    low, high = sorted((low, high))
    assert 0 <= probability(evidence, low, among=among) <= 1
    assert probability(evidence, low, among=among) <= probability(evidence, high, among=among)
    assert probability(evidence, low, among=among) >= probability(evidence, low, among=among + 1)


def test_the_number_of_videos_asked_outweighs_evidence():
    evidence = ScoreEvidence((0.0, 1.0), (0.0, math.log(50)))
    assert probability(evidence, 1.0, among=1) == pytest.approx(50 / 51)
    assert probability(evidence, 1.0, among=51) == pytest.approx(0.5)
    assert probability(evidence, 0.0, among=2) == pytest.approx(0.5)


def test_the_best_of_nine_parts_is_as_sure_as_one_of_nine_times_the_videos():
    evidence = ScoreEvidence((0.0, 1.0), (0.0, 5.0))
    for score in (0.0, 0.4, 1.0):
        assert probability(evidence, score, among=11, parts=9) == pytest.approx(
            probability(evidence, score, among=91)
        )


def test_only_what_a_part_of_the_picture_found_is_told_less_surely():
    evidence = ScoreEvidence((0.0, 1.0), (0.0, 5.0))
    match = Match("id", "a.mp4", 0.8, 0.8, None, 0, ())
    (whole, part), level = with_probability(
        (match, replace(match, view="left")), evidence, among=11, parts=9
    )
    assert level == 0, "two are no background"
    assert whole.probability == probability(evidence, 0.8, among=11)
    assert part.probability == probability(evidence, 0.8, among=11, parts=9)
    assert with_probability((match,), None, among=11) == ((match,), 0.0)


def matches(*strengths: float) -> list[Match]:
    return [Match(str(i), f"{i}.mp4", s, s - 0.1, None, 0, ()) for i, s in enumerate(strengths)]


@pytest.mark.parametrize("told", [{"reverse_score": 0.9}, {"part_score": 0.9}, {"score": 0.9}])
def test_a_match_is_as_strong_as_the_best_of_its_scores_and_that_says_how_sure(told):
    evidence = ScoreEvidence((0.0, 1.0), (0.0, 5.0))
    match = replace(Match("id", "a.mp4", 0.2, 0.1, None, 0, (), part_score=0.3), **told)
    assert match.strength == 0.9
    ((found,), _level) = with_probability((match,), evidence, among=11)
    assert found.probability == probability(evidence, 0.9, among=11)


def test_the_same_strength_says_less_where_many_videos_come_near_it():
    evidence = ScoreEvidence((0.0, 1.0), (-5.0, 5.0))
    alone, lone_level = with_probability(matches(0.8, 0.1, *[0.0] * 20), evidence, among=22)
    crowd, level = with_probability(matches(0.8, *[0.6] * 21), evidence, among=22)
    assert (lone_level, level) == (0, pytest.approx(0.6))
    assert alone[0].probability == probability(evidence, 0.8, among=22)
    less = 0.8 - EVIDENCE_SHARE * 0.6
    assert crowd[0].probability == pytest.approx(probability(evidence, less, among=22))


def test_a_crowd_counts_no_more_than_crowds_that_were_measured():
    evidence = ScoreEvidence((0.0, 1.0), (-5.0, 5.0), most_background=0.4)
    copies, level = with_probability(matches(*[0.95] * 30), evidence, among=30)
    assert level == pytest.approx(0.95)
    less = 0.95 - EVIDENCE_SHARE * 0.4
    assert copies[0].probability == pytest.approx(probability(evidence, less, among=30))


def test_evidence_is_measured_above_each_querys_background():
    rng = np.random.default_rng(4)
    crowded = np.arange(200) < 100  # half of the queries resemble every video by 0.5 more
    strengths = rng.normal(0.1, 0.05, (200, 40)) + np.where(crowded, 0.5, 0.0)[:, None]
    copies = np.zeros((200, 40), bool)
    copies[:, 0] = True
    strengths[:, 0] += 0.3
    evidence = measure_evidence(strengths, copies)
    plain = fit_evidence(strengths.ravel(), copies.ravel())
    assert evidence.most_background == pytest.approx(0.7, abs=0.05)
    # A copy in no crowd has 0.4, of which half of 0.18 is background; a crowd's strangers have 0.6.
    assert evidence.of(0.31) > plain.of(0.4) + 1
    assert evidence.of(0.6 - 0.34) < plain.of(0.6) - 0.2


@pytest.mark.parametrize("asked", [{"among": 0}, {"among": 5, "parts": 0}])
def test_a_library_without_videos_is_no_question(asked):
    with pytest.raises(ValueError, match="at least 1"):
        probability(ScoreEvidence((0.0,), (0.0,)), 0.5, **asked)


def test_the_best_of_nine_parts_is_never_told_surer_than_it_is():
    rng = np.random.default_rng(3)
    evidence = fit_evidence(*drawn(8, 5_000, 5_000))
    copies = rng.random(20_000) < 0.5  # in one of the nine parts, the others are strangers
    scores = rng.normal(0, 0.4, (len(copies), 9))
    scores[copies, 0] += 1

    def too_sure(parts: int) -> float:
        best = scores.max(axis=1)
        told = np.array([probability(evidence, float(s), among=2, parts=parts) for s in best])
        return max(row.predicted - row.observed for row in reliability(told, copies))

    assert too_sure(9) < 0.03
    assert too_sure(1) > 0.2


def test_probabilities_mean_what_they_say_when_one_of_many_is_the_copy():
    rng = np.random.default_rng(7)
    evidence = fit_evidence(*drawn(8, 5_000, 5_000))
    told, true = [], []
    for _ in range(3_000):
        scores = rng.normal(0, 0.4, 20)
        scores[0] = rng.normal(1, 0.4)
        told += [probability(evidence, float(s), among=20) for s in scores]
        true += [True] + [False] * 19
    curve = reliability(np.array(told), np.array(true))
    assert calibration_error(curve) < 0.01
    for row in curve:
        chance = 4 * math.sqrt(row.predicted * (1 - row.predicted) / row.count)
        assert row.predicted == pytest.approx(row.observed, abs=chance + 0.03)


def test_reliability_by_hand():
    curve = reliability(np.array([0.05, 0.15, 0.12, 1.0]), np.array([0, 1, 0, 1], bool))
    assert curve == (
        Reliability(1, 0.05, 0.0),
        Reliability(2, pytest.approx(0.135), 0.5),
        Reliability(1, 1.0, 1.0),
    )
    assert calibration_error(curve) == pytest.approx((0.05 + 2 * 0.365 + 0) / 4)


@pytest.mark.parametrize(
    ("chance", "told"),
    [(0.0, "<1 %"), (0.0099, "<1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.99, "99 %"), (1.0, ">99 %")],
)
def test_nothing_is_told_as_certain(chance, told):
    assert in_words(chance) == told


@given(st.lists(st.floats(-1, 1), max_size=20))
def test_the_background_is_the_mean_of_the_third_to_the_twelfth_best(strengths):
    ranked = [*sorted(strengths, reverse=True), *[0.0] * 12]
    mean = sum(max(s, 0.0) for s in ranked[2:12]) / 10
    assert background(np.array(strengths)) == pytest.approx(mean)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_background_never_helps_a_match(strength, low, high):
    low, high = sorted((low, high))
    assert above_background(strength, high) <= above_background(strength, low) <= strength
    evidence = ScoreEvidence((-1.0, 1.0), (-5.0, 5.0))
    sure_of = [probability(evidence, strength, level=v, among=9) for v in (high, low, 0)]
    assert sure_of == sorted(sure_of)
