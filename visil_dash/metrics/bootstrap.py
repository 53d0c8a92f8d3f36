"""Confidence intervals: percentile bootstrap over queries (Efron, 1979).

Pairs of one query are not independent, so whole queries are drawn, with replacement. A draw is a
row of weights, how often each query was drawn; statistics that are ratios of sums over queries are
then one matrix product for all draws.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array

_ROUNDS = 1000
_LEVEL = 0.95
FEWEST_QUERIES = 5  # with fewer, the draws repeat so few queries that their spread says nothing


def too_few(queries: int) -> str:
    """Why a result on so few queries says little, as a sentence; empty with enough of them."""
    if queries >= FEWEST_QUERIES:
        return ""
    count = "1 query" if queries == 1 else f"{queries} queries"
    return f"Only {count}: too few to judge, so there is no interval."


@dataclass(frozen=True)
class Interval:
    """A measured `value` and the interval that holds the share `level` of the draws.

    `low`, `high` are None with fewer than FEWEST_QUERIES queries, with too many draws without a
    value, and where all queries agree: an interval without width would pretend certainty.
    """

    value: float
    low: float | None
    high: float | None
    level: float = _LEVEL


def draws(queries: int, *, rounds: int = _ROUNDS, seed: int = 0) -> Array:
    """Weights `[rounds, queries]` float64, each row a draw of `queries` with replacement."""
    if queries < 1:
        raise ValueError("a bootstrap needs at least one query")
    rng = np.random.default_rng(seed)
    return rng.multinomial(queries, np.full(queries, 1 / queries), size=rounds).astype(np.float64)


def interval(value: float, drawn: Array) -> Interval:
    """The percentile interval of `drawn` `[rounds]`; NaN marks draws without a value.

    None where half of the draws or more have no value, as the others would be biased, and where all
    have the same.
    """
    finite = drawn[np.isfinite(drawn)]
    if len(finite) * 2 <= len(drawn):
        return Interval(value, None, None)
    if np.ptp(finite) < 1e-9:
        return Interval(value, None, None)
    low, high = np.quantile(finite, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return Interval(value, float(low), float(high))


def mean_interval(values: Array, *, rounds: int = _ROUNDS, seed: int = 0) -> Interval:
    """Mean of one value per query `[Q]`, such as mAP of average precisions.

    Raises ValueError when empty.
    """
    values = np.asarray(values, float)
    if not len(values):
        raise ValueError("expected at least one value, got none")
    mean = float(values.mean())
    if len(values) < FEWEST_QUERIES:
        return Interval(mean, None, None)
    drawn = draws(len(values), rounds=rounds, seed=seed) @ values / len(values)
    return interval(mean, drawn)


def ratio_interval(above: Array, below: Array, weights: Array) -> Interval | None:
    """Sum of `above` `[Q]` over sum of `below` `[Q]`, such as precision; None when that is 0 / 0.

    `weights` `[rounds, Q]` from `draws`.
    """
    total = float(np.sum(below))
    if not total:
        return None
    value = float(np.sum(above)) / total
    if len(below) < FEWEST_QUERIES:
        return Interval(value, None, None)
    return interval(value, ratios(weights @ above, weights @ below))


def ratios(above: Array, below: Array) -> Array:
    """above / below, NaN where `below` is 0."""
    out = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=out, where=np.asarray(below) > 0)
    return out


def statistic_interval(
    value: float,
    statistic: Callable[[Array], float],
    queries: int,
    *,
    rounds: int = _ROUNDS,
    seed: int = 0,
) -> Interval:
    """For other statistics, such as uAP: `statistic(weights [Q])` is evaluated on each draw."""
    if queries < FEWEST_QUERIES:
        return Interval(value, None, None)
    weights = draws(queries, rounds=rounds, seed=seed)
    return interval(value, np.array([statistic(row) for row in weights]))


def weighted_average_precision(
    order: Array, relevant: Array, query: Array, weights: Array, missed: Array
) -> float:
    """AP of one ranking of all pairs, in which the pairs of query q count `weights[q]` times.

    `order` `[N]` ranks the pairs, best first, irrelevant before relevant among equal scores;
    `relevant`, `query` `[N]` are per pair, `missed` `[Q]` per query. Repetitions of a pair take
    consecutive ranks. NaN when nothing is relevant.
    """
    w = weights[query[order]]
    ranked = relevant[order]
    hits = np.cumsum(np.where(ranked, w, 0.0))
    seen = np.cumsum(w)
    total = float(hits[-1] if len(hits) else 0.0) + float(weights @ missed)
    if not total:
        return float("nan")
    drawn = ranked & (w > 0)
    # The precision changes over the w ranks of a pair that was drawn w times: sum over each rank.
    out = 0.0
    for count, hit, rank in zip(w[drawn], hits[drawn], seen[drawn], strict=True):
        back = np.arange(count)
        out += float(((hit - back) / (rank - back)).sum())
    return out / total
