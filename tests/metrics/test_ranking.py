"""Claims about the metrics: worked by hand, against plain loops, and as properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.metrics.ranking import (
    OperatingPoint,
    as_judged,
    average_precision,
    mean_average_precision,
    micro_average_precision,
    pr_curve,
    query_average_precisions,
    recall_at_k,
    recall_at_precision,
    roc_area,
    segment_agreement,
)
from visil_dash.records import Segment

# Few distinct scores, so that ties are common.
entries = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12)
missing = st.integers(0, 3)


def split(rows):
    return np.array([s for s, _ in rows], float), np.array([r for _, r in rows], bool)


def walked_ap(scores, relevant, missed):
    """AP as the area under precision over recall, walked one entry at a time, worst order first."""
    entries = sorted(zip(scores, relevant, strict=True), key=lambda e: (-e[0], e[1]))
    total = sum(relevant) + missed
    area, right, recall = 0.0, 0, 0.0
    for rank, (_, hit) in enumerate(entries, start=1):
        right += bool(hit)
        area += (right / total - recall) * right / rank
        recall = right / total
    return area


# ---- average precision ----


def test_ap_worked_by_hand():
    # right, wrong, right, wrong, right: (1/1 + 2/3 + 3/5) / 3
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    relevant = np.array([True, False, True, False, True])
    assert average_precision(scores, relevant) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    # One more that was never returned divides by four.
    assert average_precision(scores, relevant, missed=1) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)


@given(entries, missing)
def test_two_ways_to_compute_ap_agree(rows, missed):
    scores, relevant = split(rows)
    if relevant.sum() + missed:
        assert average_precision(scores, relevant, missed=missed) == pytest.approx(
            walked_ap(scores, relevant, missed)
        )


@given(entries)
def test_no_order_of_the_ties_gives_a_lower_ap(rows):
    scores, relevant = split(rows[:6])
    if not relevant.any():
        return
    lowest = min(
        walked_ap([n - i for i in range(n)], [hits[j] for j in range(n)], 0)
        for n in [len(scores)]
        for order in itertools.permutations(range(n))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
        for hits in [[relevant[j] for j in order]]
    )
    assert average_precision(scores, relevant) == pytest.approx(lowest)


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_constant_scorer_gains_nothing(right, wrong):
    relevant = np.array([True] * right + [False] * wrong)
    scores = np.ones(right + wrong)
    worst = average_precision(-relevant.astype(float), relevant)
    assert average_precision(scores, relevant) == worst
    assert roc_area(scores, relevant) == 0


@given(entries, missing, st.randoms())
def test_only_the_order_of_scores_matters(rows, missed, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    scores, relevant = split(rows)
    if relevant.sum() + missed:
        expected = average_precision(scores, relevant, missed=missed)
        moved, moved_relevant = split(shuffled)
        assert average_precision(moved**3 - 7, moved_relevant, missed=missed) == expected


def test_ap_without_anything_relevant_has_no_value():
    with pytest.raises(ValueError, match="without a relevant"):
        average_precision(np.array([1.0]), np.array([False]))


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        average_precision(np.array([np.nan, 1.0]), np.array([True, False]))
    with pytest.raises(ValueError, match="bool"):
        average_precision(np.array([0.5, 1.0]), np.array([1, 0]))


# ---- several queries ----

TRUTH = {"a": {"x"}, "b": {"y", "z"}, "distractor": set()}
ROWS = [
    ("a", "x", 0.9),
    ("a", "y", 0.2),
    ("b", "x", 0.8),
    ("b", "y", 0.7),  # z was never returned for b
    ("distractor", "z", 0.85),
]


def test_map_and_uap_worked_by_hand():
    pairs = as_judged(ROWS, TRUTH)
    # a: right first. b: right second of two relevant, one missed. The distractor has no AP.
    assert query_average_precisions(pairs) == {"a": 1.0, "b": pytest.approx(0.25)}
    assert mean_average_precision(pairs) == pytest.approx(0.625)
    # All rows together: x right at 1, distractor and (b, x) wrong, (b, y) right at 4, one missed.
    assert micro_average_precision(pairs) == pytest.approx((1 + 2 / 4) / 3)


def test_a_query_that_found_nothing_counts_as_zero():
    pairs = as_judged([("a", "x", 0.9)], {"a": {"x"}, "b": {"y"}})
    assert mean_average_precision(pairs) == 0.5
    assert micro_average_precision(pairs) == 0.5
    assert recall_at_k(pairs, 1) == 0.5


def test_scores_that_do_not_compare_across_queries_cost_uap_but_not_map():
    truth = {"a": {"x"}, "b": {"y"}}
    rows = [("a", "x", 10.0), ("a", "y", 9.0), ("b", "y", 2.0), ("b", "x", 1.0)]
    pairs = as_judged(rows, truth)
    assert mean_average_precision(pairs) == 1
    assert micro_average_precision(pairs) == pytest.approx((1 + 2 / 3) / 2)


def test_the_same_pair_twice_is_an_error():
    with pytest.raises(ValueError, match=r"\('a', 'x'\) occurs twice"):
        as_judged([*ROWS, ("a", "x", 0.1)], TRUTH)


def test_a_row_of_an_unknown_query_is_an_error():
    with pytest.raises(ValueError, match="not in the ground truth"):
        as_judged([("stranger", "x", 1.0)], TRUTH)


def test_recall_at_k_breaks_ties_against_us():
    truth = {"a": {"x"}, "b": {"y"}}
    rows = [("a", "x", 0.5), ("a", "y", 0.5), ("b", "y", 0.6), ("b", "x", 0.5)]
    assert recall_at_k(as_judged(rows, truth), 1) == 0.5
    assert recall_at_k(as_judged(rows, truth), 2) == 1.0


pair_tables = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("uvwxyz")), st.integers(0, 3), max_size=18
)
truths = st.fixed_dictionaries({q: st.sets(st.sampled_from("uvwxyz")) for q in "abc"})


@given(pair_tables, truths, st.integers(1, 6))
def test_recall_at_k_equals_the_plain_loop(table, truth, k):
    if not any(truth.values()):
        return
    found = []
    for query, relevant in truth.items():
        if not relevant:
            continue
        mine = sorted(
            ((-s, r in relevant, r) for (q, r), s in table.items() if q == query),
            key=lambda e: e[:2],
        )
        found.append(any(right for _, right, _ in mine[:k]))
    pairs = as_judged([(q, r, float(s)) for (q, r), s in table.items()], truth)
    assert recall_at_k(pairs, k) == pytest.approx(sum(found) / len(found))


@given(pair_tables, truths)
def test_what_was_judged_and_what_was_missed_add_up_to_the_truth(table, truth):
    pairs = as_judged([(q, r, float(s)) for (q, r), s in table.items()], truth)
    assert pairs.relevant.sum() + pairs.total_missed == sum(len(r) for r in truth.values())


# ---- thresholds ----


@given(entries, missing)
def test_the_pr_curve_counts_what_each_threshold_admits(rows, missed):
    scores, relevant = split(rows)
    total = relevant.sum() + missed
    if not total:
        return
    curve = pr_curve(scores, relevant, missed=missed)
    assert curve.thresholds.tolist() == sorted(set(scores), reverse=True)
    for threshold, precision, recall in zip(
        curve.thresholds, curve.precision, curve.recall, strict=True
    ):
        admitted = [r for s, r in zip(scores, relevant, strict=True) if s >= threshold]
        assert precision == pytest.approx(sum(admitted) / len(admitted))
        assert recall == pytest.approx(sum(admitted) / total)


@given(entries, missing, st.sampled_from([0.5, 0.75, 0.9, 1.0]))
def test_recall_at_precision_is_the_best_of_all_thresholds(rows, missed, wanted):
    scores, relevant = split(rows)
    total = relevant.sum() + missed
    if not total:
        return
    best = None
    for threshold in sorted(set(scores), reverse=True):
        admitted = [r for s, r in zip(scores, relevant, strict=True) if s >= threshold]
        precision, recall = sum(admitted) / len(admitted), sum(admitted) / total
        if precision >= wanted and recall > 0 and (best is None or recall > best.recall):
            best = OperatingPoint(threshold, precision, recall)
    assert recall_at_precision(scores, relevant, wanted, missed=missed) == best


def test_a_precision_out_of_reach_has_no_threshold():
    scores, relevant = np.array([0.9, 0.5]), np.array([False, True])
    assert recall_at_precision(scores, relevant, 0.9) is None
    reached = recall_at_precision(scores, relevant, 0.5)
    assert reached == OperatingPoint(0.5, 0.5, 1.0)


@given(entries)
def test_the_roc_area_is_the_share_of_pairs_in_strict_order(rows):
    scores, relevant = split(rows)
    right, wrong = scores[relevant], scores[~relevant]
    if not len(right) or not len(wrong):
        with pytest.raises(ValueError, match="at least one"):
            roc_area(scores, relevant)
        return
    expected = sum(r > w for r in right for w in wrong) / (len(right) * len(wrong))
    assert roc_area(scores, relevant) == pytest.approx(expected)


# ---- segments ----


def segment(query_start, query_end, reference_start, reference_end):
    return Segment(query_start, query_end, reference_start, reference_end, 1.0)


def test_the_right_segment_is_perfect_and_none_is_nothing():
    truth = [segment(0, 10, 5, 15)]
    assert segment_agreement(truth, truth).f1 == 1
    nothing = segment_agreement([], truth)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0)


def test_segment_agreement_worked_by_hand():
    # Found 4 s too long on both axes: precision 10/14, recall 1.
    found = segment_agreement([segment(0, 14, 5, 19)], [segment(0, 10, 5, 15)])
    assert (found.precision, found.recall) == (pytest.approx(10 / 14), 1)
    # Query seconds right, half of the reference's: each is the root of the two axes' product.
    half = segment_agreement([segment(0, 10, 5, 10)], [segment(0, 10, 5, 15)])
    assert (half.precision, half.recall) == (1, pytest.approx(0.5**0.5))


def test_right_seconds_of_the_query_beside_wrong_ones_of_the_reference_gain_nothing():
    assert segment_agreement([segment(0, 10, 20, 30)], [segment(0, 10, 5, 15)]).f1 == 0


def test_swapped_pieces_must_be_found_as_pieces():
    truth = [segment(0, 5, 10, 15), segment(5, 10, 0, 5)]
    assert segment_agreement(truth, truth).f1 == 1
    assert segment_agreement([segment(0, 5, 0, 5), segment(5, 10, 10, 15)], truth).f1 == 0


def test_the_same_segment_found_twice_is_no_better_and_no_worse():
    truth = [segment(0, 10, 5, 15)]
    once = segment_agreement([segment(2, 9, 7, 14)], truth)
    assert segment_agreement([segment(2, 9, 7, 14)] * 2, truth) == once


def test_segments_without_length_and_truth_without_segments_are_refused():
    with pytest.raises(ValueError, match="without length"):
        segment_agreement([segment(3, 3, 1, 2)], [segment(0, 1, 0, 1)])
    with pytest.raises(ValueError, match="at least one true"):
        segment_agreement([segment(0, 1, 0, 1)], [])


# Whole seconds, so that a loop over seconds measures every length exactly.
whole = st.tuples(st.integers(0, 8), st.integers(1, 5), st.integers(0, 8), st.integers(1, 5)).map(
    lambda t: segment(t[0], t[0] + t[1], t[2], t[2] + t[3])
)


def loop_agreement(found, truth):
    def axis(spans_found, spans_true, meets):
        shared = {
            second
            for f, t in meets
            for second in range(20)
            if f[0] <= second < f[1] and t[0] <= second < t[1]
        }
        in_found = {s for f in spans_found for s in range(f[0], f[1])}
        in_truth = {s for t in spans_true for s in range(t[0], t[1])}
        return len(shared) / max(len(in_found), 1), len(shared) / len(in_truth)

    def query(s):
        return s.query_start, s.query_end

    def reference(s):
        return s.reference_start, s.reference_end

    def overlap(a, b):
        return max(a[0], b[0]) < min(a[1], b[1])

    meets = [
        (f, t)
        for f in found
        for t in truth
        if overlap(query(f), query(t)) and overlap(reference(f), reference(t))
    ]
    shares = [
        axis(
            [side(f) for f in found],
            [side(t) for t in truth],
            [(side(f), side(t)) for f, t in meets],
        )
        for side in (query, reference)
    ]
    return (shares[0][0] * shares[1][0]) ** 0.5, (shares[0][1] * shares[1][1]) ** 0.5


@given(st.lists(whole, max_size=3), st.lists(whole, min_size=1, max_size=3))
def test_segment_agreement_equals_counting_seconds(found, truth):
    agreement = segment_agreement(found, truth)
    precision, recall = loop_agreement(found, truth)
    assert agreement.precision == pytest.approx(precision)
    assert agreement.recall == pytest.approx(recall)
    assert 0 <= agreement.f1 <= 1
