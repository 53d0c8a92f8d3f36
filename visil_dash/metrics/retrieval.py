"""Retrieval quality on labelled queries, with the tasks of FIVR-200K.

Relevant are ND and DS in DSVR, also CS in CSVR, also IS in ISVR (Kordopatis-Zilos et al., 2019).
mAP is the mean over queries with a relevant video; a relevant video that was not returned counts
as missed. uAP ranks the pairs of all queries in one list.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from visil_dash.labels.label import Upto
from visil_dash.labels.truth import PAIR_KINDS, TASKS, Truth
from visil_dash.metrics.bootstrap import (
    Interval,
    mean_interval,
    statistic_interval,
    weighted_average_precision,
)
from visil_dash.metrics.operating import JudgedPairs, OperatingCurves, judged, operating_curves
from visil_dash.metrics.ranking import PrecisionRecall, against_us, average_precision, pr_curve
from visil_dash.records import Array

_UAP_ROUNDS = 200  # each draw ranks all pairs again
RERANK_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class TaskResult:
    """Results of one of TASKS. `queries`: how many have a relevant video; `relevant`: pairs in all.

    `average_precisions` by query id; `curves` of all pairs in one list, with intervals.
    """

    task: str
    queries: int
    relevant: int
    mean_average_precision: Interval
    micro_average_precision: Interval
    average_precisions: Mapping[str, float]
    curve: PrecisionRecall
    curves: OperatingCurves


@dataclass(frozen=True)
class QueryRow:
    """The result of one query in one task.

    `worst`: the relevant video with the lowest rank, None where all relevant videos come first;
    `worst_rank` None: it was not returned. `worst_kind`: one of PAIR_KINDS.
    """

    query: str
    average_precision: float
    relevant: int
    returned: int
    worst: str | None
    worst_kind: str
    worst_rank: int | None


def task_results(
    truth: Truth, scores: Array, *, seed: int = 0, rounds: int = 1000
) -> dict[str, TaskResult]:
    """Results by task; a task in which nothing is relevant is left out.

    `scores` `[Q, V]` higher is closer, NaN where the pair was not returned.
    """
    pairs = judged(truth, scores)
    return {
        task: _task(task, upto, pairs, seed=seed, rounds=rounds)
        for task, upto in TASKS.items()
        if truth.relevant(upto).any()
    }


def _task(task: str, upto: Upto, pairs: JudgedPairs, *, seed: int, rounds: int) -> TaskResult:
    relevant, returned = pairs.relevant(upto), np.isfinite(pairs.closeness)
    missed = pairs.by_query(relevant & ~returned)
    aps: dict[str, float] = {}
    for i, name in enumerate(pairs.queries):
        mine = (pairs.query == i) & returned
        if missed[i] or relevant[mine].any():
            aps[name] = average_precision(
                pairs.closeness[mine], relevant[mine], missed=int(missed[i])
            )
    scores, right = pairs.closeness[returned], relevant[returned]
    query = pairs.query[returned]
    order = against_us(scores, right)
    curves = operating_curves(pairs, upto=upto)
    if curves is None:
        raise ValueError(f"{task}: nothing is relevant")
    return TaskResult(
        task=task,
        queries=len(aps),
        relevant=int(relevant.sum()),
        mean_average_precision=mean_interval(
            np.array(list(aps.values())), rounds=rounds, seed=seed
        ),
        micro_average_precision=statistic_interval(
            average_precision(scores, right, missed=int(missed.sum())),
            lambda weights: weighted_average_precision(order, right, query, weights, missed),
            len(pairs.queries),
            rounds=min(rounds, _UAP_ROUNDS),
            seed=seed,
        ),
        average_precisions=aps,
        curve=pr_curve(scores, right, missed=int(missed.sum())),
        curves=curves,
    )


def query_rows(truth: Truth, scores: Array, task: str) -> tuple[QueryRow, ...]:
    """Every query with a relevant video, the lowest average precision first."""
    upto = TASKS[task]
    rows = []
    for i, query in enumerate(truth.queries):
        sought = np.flatnonzero(truth.relevant(upto)[i])
        if not len(sought):
            continue
        returned = np.flatnonzero(truth.counted[i] & ~np.isnan(scores[i]))
        right = np.isin(returned, sought)
        order = returned[against_us(scores[i, returned].astype(float), right)]
        rank = {int(v): place + 1 for place, v in enumerate(order)}
        lost = [int(v) for v in sought if int(v) not in rank]
        last = max((int(v) for v in sought if int(v) in rank), key=lambda v: rank[v], default=None)
        worst = lost[0] if lost else last
        # All relevant videos come first: nothing was missed.
        if not lost and last is not None and rank[last] <= len(sought):
            worst = None
        rows.append(
            QueryRow(
                query=query,
                average_precision=average_precision(
                    scores[i, returned].astype(float), right, missed=len(lost)
                ),
                relevant=len(sought),
                returned=len(sought) - len(lost),
                worst=None if worst is None else truth.references[worst],
                worst_kind="" if worst is None else PAIR_KINDS[truth.kind[i, worst]],
                worst_rank=None if worst is None else rank.get(worst),
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.average_precision, r.query)))


def difference(
    one: TaskResult, other: TaskResult, *, seed: int = 0, rounds: int = 1000
) -> Interval | None:
    """mAP of `other` minus that of `one` over the queries of both; None without such a query."""
    both = [q for q in one.average_precisions if q in other.average_precisions]
    if not both:
        return None
    gain = [other.average_precisions[q] - one.average_precisions[q] for q in both]
    return mean_interval(np.array(gain), rounds=rounds, seed=seed)


# ---- re-ranking a share of the videos ----


@dataclass(frozen=True)
class RerankPoint:
    """The result when `share` of each query's videos, those with the nearest frames, are re-ranked;
    the others follow in the order of their distance. `pairs`, `seconds`: re-ranked per query."""

    share: float
    pairs: float
    seconds: float
    mean_average_precision: Interval


def rerank_curve(
    truth: Truth,
    scores: Array,
    distances: Array,
    seconds: Array,
    task: str,
    *,
    seed: int = 0,
    rounds: int = 1000,
) -> tuple[RerankPoint, ...]:
    """mAP and time over the share that is re-ranked.

    `scores` `[Q, V]` of the scorer for every pair, `distances` `[Q, V]` smallest frame distance
    (inf without frames), `seconds` `[Q, V]` spent on scoring the pair. Raises ValueError where a
    counted pair has no score.
    """
    if np.isnan(scores[truth.counted]).any():
        raise ValueError("a re-rank curve needs the score of every pair")
    points = []
    for share in RERANK_SHARES:
        combined, reranked = _rerank_nearest(truth, scores, distances, share)
        result = evaluate_map(truth, combined, task, seed=seed, rounds=rounds)
        points.append(
            RerankPoint(
                share=share,
                pairs=float(reranked.sum(1).mean()),
                seconds=float(np.where(reranked, seconds, 0.0).sum(1).mean()),
                mean_average_precision=result,
            )
        )
    return tuple(points)


def _rerank_nearest(
    truth: Truth, scores: Array, distances: Array, share: float
) -> tuple[Array, Array]:
    """Scores `[Q, V]` that rank the re-ranked pairs first, and which pairs were re-ranked."""
    reranked = np.zeros(scores.shape, bool)
    combined = np.full(scores.shape, np.nan)
    for i in range(len(truth.queries)):
        mine = np.flatnonzero(truth.counted[i])
        order = mine[np.argsort(distances[i, mine], kind="stable")]
        first = order[: int(np.ceil(share * len(order)))]
        reranked[i, first] = True
        # Below every score; videos without frames come last, as equals.
        far = np.minimum(distances[i, mine], np.float32(1e9)).astype(float)
        combined[i, mine] = -1e3 - far
        combined[i, first] = scores[i, first]
    return combined, reranked


def evaluate_map(
    truth: Truth, scores: Array, task: str, *, seed: int = 0, rounds: int = 1000
) -> Interval:
    relevant = truth.relevant(TASKS[task])
    aps = []
    for i in range(len(truth.queries)):
        if not relevant[i].any():
            continue
        mine = truth.counted[i] & ~np.isnan(scores[i])
        missed = int((relevant[i] & ~mine).sum())
        aps.append(
            average_precision(scores[i, mine].astype(float), relevant[i, mine], missed=missed)
        )
    return mean_interval(np.array(aps), rounds=rounds, seed=seed)
