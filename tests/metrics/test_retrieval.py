"""Claims about evaluation: mAP and uAP of the three tasks, misses first, the re-rank curve."""

import numpy as np
import pytest

from visil_dash.labels.label import Label
from visil_dash.labels.truth import PAIR_KINDS, TASKS, Truth, truth_of
from visil_dash.metrics.retrieval import (
    RERANK_SHARES,
    difference,
    evaluate_map,
    query_rows,
    rerank_curve,
    task_results,
)

VIDEOS = ("a", "nd", "ds", "cs", "is", "x")
LABELS = tuple(
    Label("a", name, "match" if name in ("nd", "ds") else "not_match", name.upper())
    for name in VIDEOS[1:5]
)


def plain_ap(ranked: list[bool], total: int) -> float:
    """Precision at each right place, summed and divided: FIVR-200K's own loop."""
    right, out = 0, 0.0
    for place, hit in enumerate(ranked, 1):
        if hit:
            right += 1
            out += right / place
    return out / total


def plain_map(truth: Truth, scores: np.ndarray, task: str) -> float:  # type: ignore[type-arg]
    sought = {"DSVR": {"ND", "DS"}, "CSVR": {"ND", "DS", "CS"}, "ISVR": {"ND", "DS", "CS", "IS"}}
    wanted, aps = sought[task] | {"match"}, []
    for i in range(len(truth.queries)):
        kinds = {j: PAIR_KINDS[k] for j, k in enumerate(truth.kind[i]) if k >= 0}
        total = sum(kind in wanted for kind in kinds.values())
        there = [j for j in kinds if not np.isnan(scores[i, j])]
        # Of equal scores the wrong come first.
        there.sort(key=lambda j: (-scores[i, j], kinds[j] in wanted))
        if total:
            aps.append(plain_ap([kinds[j] in wanted for j in there], total))
    return sum(aps) / len(aps)


def random_case(seed: int) -> tuple[Truth, np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(PAIR_KINDS), (8, 40), p=[0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.7])
    kind[0, kind[0] < 5] = 6  # a query with nothing to find
    scores = np.round(rng.normal(0, 1, kind.shape) - kind / 4, 1)
    scores[rng.random(kind.shape) < 0.2] = np.nan
    kind[np.arange(8), np.arange(8)] = -1
    names = tuple(f"q{i}" for i in range(8))
    return Truth(names, tuple(f"v{j}" for j in range(40)), kind.astype(np.int8)), scores


def test_hand_worked_tasks() -> None:
    truth = truth_of(LABELS, VIDEOS)
    scores = np.array([[np.nan, 0.9, 0.5, 0.6, 0.1, 0.7]])  # nd x cs ds is
    found = task_results(truth, scores)
    values = {task: told.mean_average_precision.value for task, told in found.items()}
    assert values == {
        "DSVR": pytest.approx((1 / 1 + 2 / 4) / 2),
        "CSVR": pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3),
        "ISVR": pytest.approx((1 / 1 + 2 / 3 + 3 / 4 + 4 / 5) / 4),
    }
    assert found["DSVR"].micro_average_precision.value == pytest.approx(values["DSVR"])
    assert found["DSVR"].mean_average_precision.low is None, "one query tells nothing of others"


def test_what_is_not_returned_counts_as_missed() -> None:
    truth = truth_of(LABELS, VIDEOS)
    found = task_results(truth, np.array([[np.nan, 0.9, np.nan, 0.6, 0.1, 0.7]]))
    assert found["DSVR"].mean_average_precision.value == pytest.approx(1 / 2)
    nothing = task_results(truth, np.full((1, 6), np.nan))
    assert nothing["ISVR"].mean_average_precision.value == 0
    assert nothing["ISVR"].micro_average_precision.value == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("task", list(TASKS))
def test_map_agrees_with_plain_loops(seed: int, task: str) -> None:
    truth, scores = random_case(seed)
    told = task_results(truth, scores, rounds=50)[task]
    assert told.mean_average_precision.value == pytest.approx(plain_map(truth, scores, task))
    alone = evaluate_map(truth, scores, task, rounds=50)
    assert alone == told.mean_average_precision
    assert "q0" not in told.average_precisions
    low, high = told.mean_average_precision.low, told.mean_average_precision.high
    assert low is not None
    assert high is not None
    assert low <= told.mean_average_precision.value <= high


def test_uap_ranks_all_pairs_in_one_list() -> None:
    truth, scores = random_case(3)
    sought = truth.relevant("CS")
    rows = [
        (float(scores[i, j]), bool(sought[i, j]))
        for i, j in zip(*np.nonzero(truth.counted & ~np.isnan(scores)), strict=True)
    ]
    rows.sort(key=lambda row: (-row[0], row[1]))
    expected = plain_ap([hit for _, hit in rows], int(sought.sum()))
    told = task_results(truth, scores, rounds=20)["CSVR"].micro_average_precision
    assert told.value == pytest.approx(expected)


def test_the_same_seed_gives_the_same_interval() -> None:
    truth, scores = random_case(4)
    one, same, other = (task_results(truth, scores, rounds=60, seed=s)["DSVR"] for s in (1, 1, 2))
    assert one.mean_average_precision == same.mean_average_precision
    assert one.micro_average_precision == same.micro_average_precision
    assert one.mean_average_precision != other.mean_average_precision


def test_queries_that_missed_come_first_and_name_what_they_missed() -> None:
    labels = (Label("a", "b", "match", "ND"), Label("c", "d", "match", "DS"))
    truth = truth_of(labels, ("a", "b", "c", "d"))
    scores = np.array([[np.nan, 0.9, 0.1, 0.2], [0.3, 0.4, np.nan, np.nan]])
    rows = query_rows(truth, scores, "DSVR")
    assert [(r.query, r.average_precision) for r in rows] == [("c", 0.0), ("a", 1.0)]
    assert (rows[0].worst, rows[0].worst_kind, rows[0].worst_rank) == ("d", "DS", None)
    assert (rows[0].relevant, rows[0].returned) == (1, 0)
    assert rows[1].worst is None
    behind = query_rows(truth, np.array([[np.nan, 0.1, 0.9, 0.2], [0, 0, np.nan, 1]]), "DSVR")
    assert (behind[0].worst, behind[0].worst_rank) == ("b", 3)


def test_the_difference_of_two_settings_is_paired_by_query() -> None:
    truth, scores = random_case(5)
    better = np.where(truth.relevant("DS"), np.abs(np.nan_to_num(scores)) + 10, scores)
    one, other = task_results(truth, scores, rounds=20)["DSVR"], task_results(truth, better)["DSVR"]
    gain = difference(one, other)
    assert gain is not None
    assert gain.value == pytest.approx(
        other.mean_average_precision.value - one.mean_average_precision.value
    )
    assert difference(one, one) is not None
    assert difference(one, one).value == 0  # type: ignore[union-attr]


def test_the_rerank_curve_goes_from_distance_alone_to_all_scores() -> None:
    truth, scores = random_case(6)
    scores = np.nan_to_num(scores)
    rng = np.random.default_rng(1)
    distances = rng.random(scores.shape).astype(np.float32)
    distances[:, 5] = np.inf
    seconds = np.full(scores.shape, 0.25)
    points = rerank_curve(truth, scores, distances, seconds, "DSVR", rounds=20)
    assert [p.share for p in points] == list(RERANK_SHARES)
    values = [p.mean_average_precision.value for p in points]
    assert values[0] == pytest.approx(plain_map(truth, -np.minimum(distances, 1e9), "DSVR"))
    assert values[-1] == pytest.approx(plain_map(truth, scores, "DSVR"))
    assert points[0].seconds == 0
    assert points[-1].pairs == pytest.approx(truth.counted.sum(1).mean())
    assert points[-1].seconds == pytest.approx(0.25 * points[-1].pairs)
    half = points[RERANK_SHARES.index(0.5)]
    mixed = np.empty(scores.shape)
    for i in range(len(truth.queries)):
        mine = [j for j in range(40) if truth.counted[i, j]]
        mine.sort(key=lambda j: distances[i, j])
        for place, j in enumerate(mine):
            ahead = place < -(-len(mine) // 2)
            mixed[i, j] = scores[i, j] if ahead else -100 - min(float(distances[i, j]), 1e9)
    assert half.mean_average_precision.value == pytest.approx(plain_map(truth, mixed, "DSVR"))


def test_a_curve_without_all_scores_is_refused() -> None:
    truth, scores = random_case(0)
    with pytest.raises(ValueError, match="every pair"):
        rerank_curve(truth, scores, np.zeros_like(scores), np.zeros_like(scores), "DSVR")
