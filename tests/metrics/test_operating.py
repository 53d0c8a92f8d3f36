"""Claims about operating thresholds: what one does to labelled pairs, and which is suggested."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from visil_dash.labels.label import Label
from visil_dash.labels.truth import NOT_COUNTED, PAIR_KINDS, Truth, labels_digest, truth_of
from visil_dash.metrics.bootstrap import (
    draws,
    interval,
    mean_interval,
    ratio_interval,
    weighted_average_precision,
)
from visil_dash.metrics.operating import (
    JudgedPairs,
    band_counts,
    class_histogram,
    judged,
    kind_counts,
    operating,
    operating_curves,
    suggestions,
)
from visil_dash.metrics.ranking import average_precision

VIDEOS = ("a", "b", "c", "d", "e")
LABELS = (
    Label("a", "b", "match", "ND"),
    Label("a", "c", "not_match", "CS"),
    Label("d", "a", "match"),
    Label("d", "e", "unsure"),
)


def plain_kind(
    query: str, reference: str, labels: tuple[Label, ...], count_unlabelled: bool
) -> str:
    if query == reference:
        return "not counted"
    for label in labels:
        if {label.query, label.reference} == {query, reference}:
            if label.verdict == "unsure":
                return "not counted"
            return label.relation or label.verdict.replace("_", " ")
    return "unlabelled" if count_unlabelled else "not counted"


def random_pairs(seed: int, *, queries: int = 6, videos: int = 30) -> JudgedPairs:
    """Closeness that follows the kind loosely, with ties and a few pairs that cannot pass."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(PAIR_KINDS), (queries, videos), p=[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4])
    closeness = np.round(-kind + rng.normal(0, 1.5, kind.shape), 1)
    closeness[rng.random(kind.shape) < 0.05] = np.nan
    names = tuple(f"q{i}" for i in range(queries))
    truth = Truth(names, tuple(f"v{i}" for i in range(videos)), kind.astype(np.int8))
    return judged(truth, closeness)


# -- truth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count_unlabelled", [True, False])
def test_every_pair_of_a_labelled_query_is_what_its_label_says(count_unlabelled: bool) -> None:
    truth = truth_of(LABELS, VIDEOS, count_unlabelled=count_unlabelled)
    assert truth.queries == ("a", "d")
    for (i, query), (j, reference) in product(enumerate(truth.queries), enumerate(VIDEOS)):
        kind = int(truth.kind[i, j])
        told = "not counted" if kind == NOT_COUNTED else PAIR_KINDS[kind]
        assert told == plain_kind(query, reference, LABELS, count_unlabelled), (query, reference)


@pytest.mark.parametrize(
    ("upto", "expected"),
    [
        ("DS", {"ab", "ad", "da"}),
        ("CS", {"ab", "ac", "ad", "da"}),
        ("IS", {"ab", "ac", "ad", "da"}),
    ],
)
def test_a_task_seeks_relations_up_to_its_own_and_plain_matches(
    upto: str, expected: set[str]
) -> None:
    truth = truth_of(LABELS, VIDEOS)
    found = np.argwhere(truth.relevant(upto))  # type: ignore[arg-type]
    assert {truth.queries[i] + truth.references[j] for i, j in found} == expected


def test_labels_of_videos_that_are_gone_are_left_out() -> None:
    truth = truth_of((*LABELS, Label("gone", "a", "match")), VIDEOS)
    assert truth.queries == ("a", "d")
    assert truth_of((), VIDEOS).kind.shape == (0, 5)


def test_the_digest_of_labels_follows_what_they_say_and_nothing_else() -> None:
    again = tuple(
        Label(v.query, v.reference, v.verdict, v.relation, "elsewhere", "2026") for v in LABELS
    )
    assert labels_digest(LABELS) == labels_digest(reversed(again))
    assert labels_digest(LABELS) != labels_digest(LABELS[1:])
    assert labels_digest(LABELS) != labels_digest((Label("a", "b", "match", "DS"), *LABELS[1:]))


# -- one threshold ---------------------------------------------------------------------------


def test_a_hand_worked_threshold() -> None:
    truth = truth_of(LABELS, VIDEOS)
    closeness = -np.array([[0, 1.0, 2.0, 3.0, 9.0], [3.0, 2.5, 9.0, 0, 1.0]])
    pairs = judged(truth, closeness)
    # Counted: a-b ND 1, a-c CS 2, a-d match 3, a-e unlabelled 9; d-a match 3, d-b 2.5 and d-c 9
    # unlabelled; d-e is unsure.
    told = {c.kind: (c.admitted, c.total) for c in kind_counts(pairs, -2.7)}
    assert told == {"ND": (1, 1), "CS": (1, 1), "match": (0, 2), "unlabelled": (1, 3)}
    point = operating(pairs, -2.7, upto="DS")
    # One right of three called and of three sought; two wrong of the four others.
    assert point.precision is not None
    assert point.precision.value == pytest.approx(1 / 3)
    assert point.recall is not None
    assert point.recall.value == pytest.approx(1 / 3)
    assert point.f1 is not None
    assert point.f1.value == pytest.approx(1 / 3)
    assert point.false_positive_rate == pytest.approx(2 / 4)
    assert point.passing_per_query == 1.5


def test_a_threshold_that_calls_nothing_has_no_precision() -> None:
    pairs = judged(truth_of(LABELS, VIDEOS), np.zeros((2, 5)))
    point = operating(pairs, 1.0, upto="DS")
    assert point.precision is None
    assert point.recall is not None
    assert point.recall.value == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("upto", ["DS", "CS", "IS"])
def test_counts_agree_with_plain_counting_at_every_threshold(seed: int, upto: str) -> None:
    pairs = random_pairs(seed)
    sought = set(PAIR_KINDS[: ("ND", "DS", "CS", "IS").index(upto) + 1]) | {"match"}
    for least in (*np.unique(pairs.closeness[np.isfinite(pairs.closeness)])[::7], 99.0):
        rows = [
            (PAIR_KINDS[k] in sought, float(c) >= least)
            for k, c in zip(pairs.kind, pairs.closeness, strict=True)
        ]
        right, wrong = rows.count((True, True)), rows.count((False, True))
        missed, passed_over = rows.count((True, False)), rows.count((False, False))
        point = operating(pairs, float(least), upto=upto)  # type: ignore[arg-type]
        for share, above, below in (
            (point.precision, right, right + wrong),
            (point.recall, right, right + missed),
            (point.f1, 2 * right, 2 * right + wrong + missed),
        ):
            assert (share is None) == (below == 0)
            assert share is None or share.value == pytest.approx(above / below)
        rate = point.false_positive_rate
        assert (rate is None) == (wrong + passed_over == 0)
        assert rate is None or rate == pytest.approx(wrong / (wrong + passed_over))
        assert point.passing_per_query == pytest.approx((right + wrong) / len(pairs.queries))


# -- curves and suggestions ------------------------------------------------------------------


def approx_bound(bound: float | None) -> Any:
    """A bound of an interval as a curve has it: NaN where there is none."""
    return pytest.approx(np.nan if bound is None else bound, nan_ok=True)


def test_the_curves_pass_through_what_each_threshold_does() -> None:
    pairs = random_pairs(7)
    curves = operating_curves(pairs, upto="CS")
    assert curves is not None
    for i, least in enumerate(curves.least):
        point = operating(pairs, float(least), upto="CS")
        assert point.precision is not None
        assert point.recall is not None
        assert curves.precision[i] == pytest.approx(point.precision.value)
        assert curves.precision_low[i] == approx_bound(point.precision.low)
        assert curves.recall[i] == pytest.approx(point.recall.value)
        assert curves.recall_high[i] == approx_bound(point.recall.high)
        assert curves.false_positive_rate[i] == pytest.approx(point.false_positive_rate)


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    pairs = random_pairs(3, queries=40, videos=100)
    rng = np.random.default_rng(0)
    fine = JudgedPairs(
        pairs.queries,
        pairs.references,
        pairs.query,
        pairs.reference,
        pairs.kind,
        pairs.closeness + rng.random(len(pairs)) * 1e-3,
    )
    curves = operating_curves(fine, upto="DS")
    assert curves is not None
    assert len(curves.least) <= 200
    real = fine.closeness[np.isfinite(fine.closeness)]
    assert curves.least[0] == real.max()
    assert curves.least[-1] == real.min()


def test_without_anything_to_find_there_is_no_curve_and_no_suggestion() -> None:
    pairs = judged(truth_of([Label("a", "b", "not_match")], VIDEOS), np.zeros((1, 5)))
    assert operating_curves(pairs, upto="DS") is None
    none = suggestions(pairs, upto="DS", precision=0.5, recall=0.5)
    assert (none.best_f1, none.at_precision, none.at_recall) == (None, None, None)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_does_better_than_the_suggested(seed: int) -> None:
    pairs = random_pairs(seed)
    wanted_precision, wanted_recall = 0.6, 0.7
    found = suggestions(pairs, upto="DS", precision=wanted_precision, recall=wanted_recall)
    every = np.unique(pairs.closeness[np.isfinite(pairs.closeness)])
    points = [operating(pairs, float(t), upto="DS") for t in every]
    f1s = [p.f1.value for p in points if p.f1 is not None]
    assert found.best_f1 is not None
    assert found.best_f1.f1 == pytest.approx(max(f1s))
    good = [
        p.recall.value
        for p in points
        if p.recall and p.precision and p.precision.value >= wanted_precision
    ]
    assert (found.at_precision is None) == (not good)
    if found.at_precision is not None:
        assert found.at_precision.recall == pytest.approx(max(good))
    enough = [t for t, p in zip(every, points, strict=True) if p.recall.value >= wanted_recall]  # type: ignore[union-attr]
    assert (found.at_recall is None) == (not enough)
    if found.at_recall is not None:
        assert found.at_recall.least <= max(enough)
    # A suggestion does what it says where it stands, between two pairs.
    for one in (found.best_f1, found.at_precision, found.at_recall):
        if one is not None:
            point = operating(pairs, one.least, upto="DS")
            assert point.precision is not None
            assert point.recall is not None
            assert point.precision.value == pytest.approx(one.precision)
            assert point.recall.value == pytest.approx(one.recall)
            assert one.least not in every


def test_what_cannot_be_reached_is_none() -> None:
    truth = truth_of([Label("a", "b", "match"), Label("a", "c", "match")], VIDEOS)
    # The unlabelled d is nearest, and c has no frames.
    pairs = judged(truth, -np.array([[0, 2.0, np.inf, 1.0, 3.0]]))
    found = suggestions(pairs, upto="DS", precision=0.9, recall=1.0)
    assert found.at_precision is None
    assert found.at_recall is None
    assert found.best_f1 is not None
    assert found.best_f1.recall == 0.5


# -- band_counts -----------------------------------------------------------------------------------


def test_bands_count_each_pair_once() -> None:
    pairs = random_pairs(11)
    cut = band_counts(pairs, duplicate=-1.0, related=-3.0)
    for k, kind in enumerate(PAIR_KINDS):
        mine = pairs.closeness[pairs.kind == k]
        expected = [(mine >= -1).sum(), ((mine >= -3) & (mine < -1)).sum(), (mine < -3).sum()]
        assert list(cut.counts[:, k]) == expected, kind
    assert cut.counts.sum() == len(pairs)
    with pytest.raises(ValueError, match="stricter"):
        band_counts(pairs, duplicate=-3.0, related=-1.0)


# -- bootstrap -------------------------------------------------------------------------------


def test_draws_take_whole_queries_and_are_repeatable() -> None:
    weights = draws(9, rounds=50, seed=3)
    assert weights.shape == (50, 9)
    assert (weights.sum(1) == 9).all()
    assert np.array_equal(weights, draws(9, rounds=50, seed=3))
    assert not np.array_equal(weights, draws(9, rounds=50, seed=4))


def test_the_interval_of_a_mean_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for trial in range(250):
        told = mean_interval(rng.exponential(1.0, 60), rounds=300, seed=trial)
        assert told.low is not None
        assert told.high is not None
        held += told.low <= 1.0 <= told.high
    # The percentile interval of a skewed mean of 60 covers a little less than its 95 %.
    assert 0.88 <= held / 250 <= 0.98


def test_the_interval_of_a_ratio_shrinks_with_the_queries() -> None:
    rng = np.random.default_rng(8)
    widths = []
    for queries in (10, 100, 1000):
        below = rng.integers(1, 9, queries).astype(float)
        above = rng.binomial(below.astype(int), 0.7).astype(float)
        told = ratio_interval(above, below, draws(queries, rounds=400))
        assert told is not None
        assert told.low is not None
        assert told.high is not None
        assert told.low <= told.value <= told.high
        widths.append(told.high - told.low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("values", [[0.4], [1.0, 1.0], [0.2, 0.9, 1.0, 0.7], [1.0] * 12])
def test_few_queries_and_queries_that_agree_have_a_value_and_no_interval(
    values: list[float],
) -> None:
    told = mean_interval(np.array(values))
    assert (told.value, told.low, told.high) == (pytest.approx(np.mean(values)), None, None)


def test_a_share_without_a_value_has_no_interval() -> None:
    assert ratio_interval(np.zeros(3), np.zeros(3), draws(3)) is None
    assert interval(0.5, np.array([0.5, np.nan, np.nan])).low is None


def test_weighted_average_precision_is_that_of_the_repeated_list() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        n = 25
        scores = rng.permutation(n).astype(float)
        relevant, query = rng.random(n) < 0.4, rng.integers(0, 4, n)
        weights = rng.integers(0, 3, 4).astype(float)
        missed = rng.integers(0, 2, 4).astype(float)
        many = np.repeat(np.arange(n), weights[query].astype(int))
        total = int(relevant[many].sum() + weights @ missed)
        told = weighted_average_precision(np.argsort(-scores), relevant, query, weights, missed)
        if not total:
            assert np.isnan(told)
            continue
        # Break the ties of copies by a hair; they are of one kind, so their order does not matter.
        expected = average_precision(
            scores[many] - np.arange(len(many)) * 1e-9,
            relevant[many],
            missed=int(weights @ missed),
        )
        assert told == pytest.approx(expected)


@pytest.mark.parametrize("upto", ["DS", "CS", "IS"])
def test_the_two_classes_are_counted_apart_and_each_adds_up_to_one(upto: Any) -> None:
    pairs = random_pairs(3)
    found = class_histogram(pairs, upto=upto, bins=7)
    assert found is not None
    relevant, known = pairs.relevant(upto), np.isfinite(pairs.closeness)
    assert found.same_pairs == int((relevant & known).sum())
    assert found.other_pairs == int((~relevant & known).sum())
    assert found.left_out == int((~known).sum()) > 0
    assert found.same.sum() == pytest.approx(1)
    assert found.other.sum() == pytest.approx(1)
    for i, share in enumerate(found.same):
        low, high = found.edges[i : i + 2]
        last = i == len(found.same) - 1
        inside = [
            c for c in pairs.closeness[relevant & known] if low <= c < high or (last and c == high)
        ]
        assert share == pytest.approx(len(inside) / found.same_pairs)


def test_one_class_alone_makes_no_histogram() -> None:
    pairs = judged(truth_of(LABELS[:1], VIDEOS, count_unlabelled=False), np.full((1, 5), 0.5))
    assert class_histogram(pairs, upto="DS") is None


def test_the_pairs_that_pass_are_counted_by_query() -> None:
    pairs = random_pairs(1)
    point = operating(pairs, -2.0, upto="DS")
    passing = [
        sum(c >= -2.0 for c, q in zip(pairs.closeness, pairs.query, strict=True) if q == query)
        for query in range(len(pairs.queries))
    ]
    assert point.passing_per_query == pytest.approx(np.mean(passing))
    assert point.passing_p50 == pytest.approx(np.median(passing))
    assert point.passing_p50 <= point.passing_p95 <= max(passing)
