"""Labelled pairs at a threshold: counts, precision, recall, curves, and better thresholds.

The same code serves both thresholds: `closeness` is higher for closer pairs, either the score or
the negative of the smallest frame distance of two videos. A pair passes when its closeness is at
least the threshold's. A pair without a closeness (a video without frames) never passes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visil_dash.labels.label import Upto
from visil_dash.labels.truth import PAIR_KINDS, Truth, relevant_kinds
from visil_dash.metrics.bootstrap import (
    FEWEST_QUERIES,
    Interval,
    draws,
    interval,
    ratio_interval,
    ratios,
)
from visil_dash.metrics.ranking import pr_curve, roc_area
from visil_dash.records import Array

_CURVE_POINTS = 200  # thresholds at which intervals are computed
_CURVE_ROUNDS = 400


@dataclass(frozen=True)
class JudgedPairs:
    """The counted pairs, one row per pair.

    `query` `[N]` position in `queries`; `reference` `[N]` position in `references`; `kind` `[N]`
    position in PAIR_KINDS; `closeness` `[N]` float64, -inf where the pair can never pass.
    """

    queries: tuple[str, ...]
    references: tuple[str, ...]
    query: Array
    reference: Array
    kind: Array
    closeness: Array

    def __len__(self) -> int:
        return len(self.kind)

    def relevant(self, upto: Upto) -> Array:
        return np.asarray(relevant_kinds(upto)[self.kind])

    @cached_property
    def weights(self) -> Array:
        """Bootstrap draws `[rounds, Q]`, the same for every threshold: intervals do not flicker."""
        return draws(max(1, len(self.queries)), rounds=_CURVE_ROUNDS)

    def by_query(self, mask: Array) -> Array:
        """How many pairs of each query are in `mask` `[N]`: `[Q]` float64."""
        return np.asarray(np.bincount(self.query[mask], minlength=len(self.queries)).astype(float))


def judged(truth: Truth, closeness: Array) -> JudgedPairs:
    """The counted pairs of `truth` with their `closeness` `[Q, V]` (NaN counts as -inf)."""
    if closeness.shape != truth.kind.shape:
        raise ValueError(f"closeness: expected {truth.kind.shape}, got {closeness.shape}")
    query, reference = np.nonzero(truth.counted)
    values = closeness[query, reference].astype(np.float64)
    return JudgedPairs(
        queries=truth.queries,
        references=truth.references,
        query=query,
        reference=reference,
        kind=truth.kind[query, reference].astype(np.int64),
        closeness=np.where(np.isnan(values), -np.inf, values),
    )


@dataclass(frozen=True)
class KindCount:
    """How many of the `total` pairs of one of PAIR_KINDS pass a threshold."""

    kind: str
    admitted: int
    total: int

    @property
    def share(self) -> float:
        return self.admitted / self.total


def kind_counts(pairs: JudgedPairs, least: float) -> tuple[KindCount, ...]:
    """How many pairs pass, by kind; kinds without a pair are left out."""
    total = np.bincount(pairs.kind, minlength=len(PAIR_KINDS))
    inside = np.bincount(pairs.kind[pairs.closeness >= least], minlength=len(PAIR_KINDS))
    return tuple(
        KindCount(kind, int(inside[i]), int(total[i]))
        for i, kind in enumerate(PAIR_KINDS)
        if total[i]
    )


@dataclass(frozen=True)
class Operating:
    """The labelled pairs at one threshold; None where a share is 0 / 0.

    `passing_p50`, `passing_p95`: quantiles over the queries of the pairs that pass.
    """

    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    false_positive_rate: float | None
    passing_per_query: float
    passing_p50: float
    passing_p95: float


def operating(pairs: JudgedPairs, least: float, *, upto: Upto) -> Operating:
    """Shares when the pairs with a closeness of `least` or more are called relevant."""
    relevant, called = pairs.relevant(upto), pairs.closeness >= least
    right, wrong = pairs.by_query(called & relevant), pairs.by_query(called & ~relevant)
    sought = pairs.by_query(relevant)
    others = pairs.by_query(~relevant)
    middle, many = np.quantile(right + wrong, (0.5, 0.95)) if len(right) else (0.0, 0.0)
    return Operating(
        precision=ratio_interval(right, right + wrong, pairs.weights),
        recall=ratio_interval(right, sought, pairs.weights),
        f1=ratio_interval(2 * right, right + wrong + sought, pairs.weights)
        if sought.any()
        else None,
        false_positive_rate=float(wrong.sum() / others.sum()) if others.any() else None,
        passing_per_query=float(called.sum() / max(1, len(pairs.queries))),
        passing_p50=float(middle),
        passing_p95=float(many),
    )


# ---- the two classes ----


@dataclass(frozen=True)
class ClassHistogram:
    """Shares of the pairs in each bin of closeness: `edges` `[B + 1]` rising, `same` `[B]` of the
    relevant pairs, `other` `[B]` of all others. `left_out`: pairs without a closeness."""

    edges: Array
    same: Array
    other: Array
    same_pairs: int
    other_pairs: int
    left_out: int


def class_histogram(pairs: JudgedPairs, *, upto: Upto, bins: int = 40) -> ClassHistogram | None:
    """How closeness is distributed within a class, copies of one another, and between classes.

    None unless there are pairs of both with a closeness.
    """
    known = np.isfinite(pairs.closeness)
    relevant = pairs.relevant(upto)
    same, other = pairs.closeness[known & relevant], pairs.closeness[known & ~relevant]
    if not len(same) or not len(other):
        return None
    low, high = float(min(same.min(), other.min())), float(max(same.max(), other.max()))
    edges = np.linspace(low, high if high > low else low + 1e-6, bins + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (same, other)]
    return ClassHistogram(edges, shares[0], shares[1], len(same), len(other), int((~known).sum()))


# ---- curves ----


@dataclass(frozen=True)
class OperatingCurves:
    """Precision, recall and false-positive rate at falling closeness `least` `[M]`.

    `*_low`, `*_high`: 95 % intervals over queries at each threshold, NaN where there is none.
    `roc_area` None unless there are right and wrong pairs.
    """

    least: Array
    precision: Array
    precision_low: Array
    precision_high: Array
    recall: Array
    recall_low: Array
    recall_high: Array
    false_positive_rate: Array
    roc_area: float | None


def operating_curves(pairs: JudgedPairs, *, upto: Upto) -> OperatingCurves | None:
    """None when no pair is relevant."""
    relevant = pairs.relevant(upto)
    if not relevant.any():
        return None
    real = np.isfinite(pairs.closeness)
    levels = _levels(pairs.closeness[real], relevant[real])
    right = _at_least(pairs, levels, relevant)
    wrong = _at_least(pairs, levels, ~relevant)
    sought, others = pairs.by_query(relevant), pairs.by_query(~relevant)
    w = pairs.weights
    tp, fp = right.sum(0), wrong.sum(0)
    low, high = _intervals(ratios(w @ right, w @ (right + wrong)), len(pairs.queries))
    recalls = ratios(w @ right, np.broadcast_to((w @ sought)[:, None], (len(w), len(levels))))
    recall_low, recall_high = _intervals(recalls, len(pairs.queries))
    both = relevant[real].any() and (~relevant)[real].any()
    return OperatingCurves(
        least=levels,
        precision=ratios(tp, tp + fp),
        precision_low=low,
        precision_high=high,
        recall=tp / sought.sum(),
        recall_low=recall_low,
        recall_high=recall_high,
        false_positive_rate=fp / others.sum() if others.any() else np.zeros(len(levels)),
        roc_area=roc_area(pairs.closeness[real], relevant[real]) if both else None,
    )


def _levels(closeness: Array, relevant: Array) -> Array:
    """At most _CURVE_POINTS distinct values, highest first, those of relevant pairs preferred."""
    every = np.unique(closeness)[::-1]
    if len(every) <= _CURVE_POINTS:
        return every
    half = _CURVE_POINTS // 2
    kept = [_spread(np.unique(closeness[relevant]), half), _spread(every, half)]
    return np.unique(np.concatenate(kept))[::-1]


def _spread(values: Array, most: int) -> Array:
    if len(values) <= most:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, most).round().astype(int)])


def _at_least(pairs: JudgedPairs, levels: Array, mask: Array) -> Array:
    """Pairs in `mask` of each query at least as close as each level: `[Q, M]` float64."""
    step = np.searchsorted(-levels, -pairs.closeness[mask], side="left")
    counts = np.zeros((len(pairs.queries), len(levels) + 1))
    np.add.at(counts, (pairs.query[mask], step), 1)
    return np.asarray(counts[:, :-1].cumsum(1))


def _intervals(drawn: Array, queries: int) -> tuple[Array, Array]:
    """Intervals of each column of `drawn` `[rounds, M]`."""
    low, high = (np.full(drawn.shape[1], np.nan) for _ in range(2))
    if queries >= FEWEST_QUERIES:
        for i, column in enumerate(drawn.T):
            band = interval(0.0, column)
            if band.low is not None and band.high is not None:
                low[i], high[i] = band.low, band.high
    return low, high


# ---- suggestions ----


@dataclass(frozen=True)
class Suggestion:
    """A threshold, halfway between the last pair that should pass and the next one."""

    least: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True)
class Suggestions:
    """None where no threshold reaches the wanted share."""

    best_f1: Suggestion | None
    at_precision: Suggestion | None
    at_recall: Suggestion | None


def suggestions(pairs: JudgedPairs, *, upto: Upto, precision: float, recall: float) -> Suggestions:
    """Best F1; highest recall at `precision` or better; strictest threshold with `recall`.

    Raises ValueError for shares outside 0..1.
    """
    if not (0 < precision <= 1 and 0 < recall <= 1):
        raise ValueError(f"expected shares in 0..1, got {precision} and {recall}")
    relevant = pairs.relevant(upto)
    real = np.isfinite(pairs.closeness)
    if not relevant[real].any():
        return Suggestions(None, None, None)
    missed = int((relevant & ~real).sum())
    curve = pr_curve(pairs.closeness[real], relevant[real], missed=missed)
    levels = curve.thresholds

    def at(i: int | None) -> Suggestion | None:
        if i is None:
            return None
        below = levels[i + 1] if i + 1 < len(levels) else levels[i] - abs(levels[i]) * 1e-3
        middle = float(levels[i] + below) / 2
        return Suggestion(middle, float(curve.precision[i]), float(curve.recall[i]))

    exact = np.flatnonzero((curve.precision >= precision) & (curve.recall > 0))
    enough = np.flatnonzero(curve.recall >= recall)
    return Suggestions(
        best_f1=at(int(curve.f1.argmax())),
        at_precision=at(int(exact[np.argmax(curve.recall[exact])]) if len(exact) else None),
        at_recall=at(int(enough[0]) if len(enough) else None),
    )


# ---- bands ----


@dataclass(frozen=True)
class Bands:
    """Pairs in three named bands: at least `duplicate` close, at least `related` close, the rest.

    `counts` `[3, len(PAIR_KINDS)]`; the sums over kinds are the bands' sizes.
    """

    duplicate: float
    related: float
    counts: Array


BANDS = ("duplicate", "related", "distinct")


def band_of(closeness: Array, *, duplicate: float, related: float) -> Array:
    """Position in BANDS of each closeness. Raises ValueError when `related` is the stricter."""
    if related > duplicate:
        raise ValueError(f"bands: related {related} is stricter than duplicate {duplicate}")
    return np.asarray(np.where(closeness >= duplicate, 0, np.where(closeness >= related, 1, 2)))


def band_counts(pairs: JudgedPairs, *, duplicate: float, related: float) -> Bands:
    band = band_of(pairs.closeness, duplicate=duplicate, related=related)
    flat = np.bincount(band * len(PAIR_KINDS) + pairs.kind, minlength=3 * len(PAIR_KINDS))
    return Bands(duplicate, related, flat.reshape(3, len(PAIR_KINDS)))
