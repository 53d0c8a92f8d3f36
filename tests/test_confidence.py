"""Claims about the probability of a copy: what it is made of, and that it means what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.confidence import (
    Evidence,
    Reliability,
    calibration_error,
    fit_evidence,
    in_words,
    probability,
    reliability,
)


def drawn(seed, copies, strangers, apart=1.0):
    """Scores of two normal distributions: their log likelihood ratio is a line in the score."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(apart, 0.4, copies), rng.normal(0.0, 0.4, strangers)])
    return scores, np.arange(len(scores)) < copies


def test_the_fit_finds_the_likelihood_ratio_that_the_scores_were_drawn_with():
    scores, copies = drawn(0, 20_000, 20_000)
    fitted = fit_evidence(scores, copies)
    # log N(s; 1, 0.4) - log N(s; 0, 0.4) = s / 0.16 - 0.5 / 0.16
    assert fitted.slope == pytest.approx(1 / 0.16, rel=0.05)
    assert fitted.intercept == pytest.approx(-0.5 / 0.16, rel=0.05)


def test_the_fit_does_not_depend_on_how_many_strangers_there_are():
    few = fit_evidence(*drawn(1, 20_000, 2_000))
    many = fit_evidence(*drawn(2, 20_000, 200_000))
    assert few.slope == pytest.approx(many.slope, rel=0.1)
    assert few.intercept == pytest.approx(many.intercept, rel=0.1)


def test_the_fit_is_where_plain_descent_ends():
    scores, copies = drawn(3, 60, 240, apart=0.6)
    fitted = fit_evidence(scores, copies)
    a = b = 0.0
    weight = [0.5 / 60 if y else 0.5 / 240 for y in copies]
    for _ in range(40_000):
        down_a = down_b = 0.0
        p = 1 / (1 + np.exp(-(a * scores + b)))
        down_a = float(np.sum(weight * (p - copies) * scores)) + 1e-3 / 300 * a
        down_b = float(np.sum(weight * (p - copies)))
        a, b = a - 3 * down_a, b - 3 * down_b
    assert (fitted.slope, fitted.intercept) == pytest.approx((a, b), rel=1e-3)


def test_scores_that_part_the_classes_give_a_finite_line():
    fitted = fit_evidence(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False]))
    assert math.isfinite(fitted.slope)
    assert fitted.of(0.9) > 0 > fitted.of(0.1)


def test_one_class_is_no_calibration():
    with pytest.raises(ValueError, match="copies and pairs that are none"):
        fit_evidence(np.array([0.1, 0.2]), np.array([False, False]))


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 10**7))
def test_a_higher_score_is_never_less_sure_and_more_videos_never_more(low, high, among):
    evidence = Evidence(8.0, -3.0, 9.0)
    low, high = sorted((low, high))
    assert 0 <= probability(evidence, low, among=among) <= 1
    assert probability(evidence, low, among=among) <= probability(evidence, high, among=among)
    assert probability(evidence, low, among=among) >= probability(evidence, low, among=among + 1)


def test_no_evidence_is_stronger_than_the_calibration_could_show():
    evidence = Evidence(100.0, 0.0, math.log(50))
    assert probability(evidence, 1.0, among=1) == pytest.approx(50 / 51)
    # Among 51 videos it is outweighed by 50 others.
    assert probability(evidence, 1.0, among=51) == pytest.approx(0.5)


def test_a_library_without_videos_is_no_question():
    with pytest.raises(ValueError, match="at least 1"):
        probability(Evidence(1, 0, 1), 0.5, among=0)


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
