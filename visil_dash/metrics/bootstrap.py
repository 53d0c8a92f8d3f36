"""How far a measured number could be off: percentile bootstrap over queries (Efron, 1979).

Pairs of one query stand or fall together, so whole queries are drawn, with replacement. A draw is
a row of weights, how often each query was drawn; statistics that are ratios of sums over queries
are then one matrix product for all draws.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array

ROUNDS = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured `value` and the interval in which `level` of the draws lie.

    `low`, `high` None: too few queries, or too many draws without a value.
    """

    value: float
    low: float | None
    high: float | None
    level: float = LEVEL


def draws(queries: int, *, rounds: int = ROUNDS, seed: int = 0) -> Array:
    """Weights `[rounds, queries]` float64, each row a draw of `queries` with replacement."""
    if queries < 1:
        raise ValueError("a bootstrap needs at least one query")
    rng = np.random.default_rng(seed)
    return rng.multinomial(queries, np.full(queries, 1 / queries), size=rounds).astype(np.float64)


def interval(value: float, drawn: Array, *, level: float = LEVEL) -> Interval:
    """The percentile interval of `drawn` `[rounds]`; NaN marks draws in which there is no value.

    None where more than half of the draws have none: what is left would flatter.
    """
    good = drawn[np.isfinite(drawn)]
    if len(good) * 2 <= len(drawn):
        return Interval(value, None, None, level)
    low, high = np.quantile(good, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high), level)


def mean_interval(
    values: Array, *, rounds: int = ROUNDS, seed: int = 0, level: float = LEVEL
) -> Interval:
    """Mean of one value a query `[Q]`, such as mAP of average precisions.

    One query alone tells nothing of others: no interval then. Raises ValueError when empty.
    """
    values = np.asarray(values, float)
    if not len(values):
        raise ValueError("the mean of no query")
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, None, None, level)
    drawn = draws(len(values), rounds=rounds, seed=seed) @ values / len(values)
    return interval(mean, drawn, level=level)


def ratio_interval(
    above: Array, below: Array, weights: Array, *, level: float = LEVEL
) -> Interval | None:
    """Sum of `above` `[Q]` over sum of `below` `[Q]`, such as precision; None when that is 0 / 0.

    `weights` `[rounds, Q]` from `draws`.
    """
    total = float(np.sum(below))
    if not total:
        return None
    value = float(np.sum(above)) / total
    if len(below) == 1:
        return Interval(value, None, None, level)
    return interval(value, ratios(weights @ above, weights @ below), level=level)


def ratios(above: Array, below: Array) -> Array:
    """above / below; NaN where that has no value."""
    out = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=out, where=np.asarray(below) > 0)
    return out


def statistic_interval(
    value: float,
    statistic: Callable[[Array], float],
    queries: int,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """For a statistic that is no ratio of sums, such as uAP: `statistic(weights [Q])` a draw."""
    if queries == 1:
        return Interval(value, None, None, level)
    weights = draws(queries, rounds=rounds, seed=seed)
    return interval(value, np.array([statistic(row) for row in weights]), level=level)


def weighted_average_precision(
    order: Array, relevant: Array, query: Array, weights: Array, missed: Array
) -> float:
    """AP of one ranking of all pairs in which the pairs of query q stand `weights[q]` times.

    `order` `[N]` ranks the pairs, best first, of equal scores the wrong before the right;
    `relevant`, `query` `[N]` are by pair, `missed` `[Q]` by query. Copies of a pair tie with it;
    they take the places after all earlier pairs one by one, right ones last. NaN when nothing is
    relevant.
    """
    w = weights[query[order]]
    right = relevant[order]
    hits = np.cumsum(np.where(right, w, 0.0))
    seen = np.cumsum(w)
    total = float(hits[-1] if len(hits) else 0.0) + float(weights @ missed)
    if not total:
        return float("nan")
    here = right & (w > 0)
    # A pair drawn w times: the mean precision over its w places is close to that at the last one
    # only when much came before; sum the places exactly.
    out = 0.0
    for count, hit, place in zip(w[here], hits[here], seen[here], strict=True):
        back = np.arange(count)
        out += float(((hit - back) / (place - back)).sum())
    return out / total
