"""Metrics of rankings, thresholds and segments against the ground truth.

Functions of scores and relevance; higher scores are better. Among equal scores the irrelevant come
first, so a constant scorer gains nothing. A relevant pair that was not returned counts as missed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array, Segment


@dataclass(frozen=True)
class ScoredPairs:
    """Query–reference pairs with scores and relevance, one row per pair.

    `queries`, `references`: N names. `scores` `[N]` float64, `relevant` `[N]` bool.
    `missed`: for every query, how many of its relevant references have no row; queries without any
    row are keys too.

    Raises ValueError on differing lengths, scores that are not finite, duplicate pairs, or a row of
    a query that is not in `missed`.
    """

    queries: tuple[str, ...]
    references: tuple[str, ...]
    scores: Array
    relevant: Array
    missed: Mapping[str, int]

    def __post_init__(self) -> None:
        n = len(self.queries)
        if (len(self.references), *self.scores.shape, *self.relevant.shape) != (n, n, n):
            raise ValueError(
                f"expected {n} references, scores and relevances, got {len(self.references)}, "
                f"{self.scores.shape} and {self.relevant.shape}"
            )
        _check(self.scores, self.relevant)
        seen: set[tuple[str, str]] = set()
        for pair in zip(self.queries, self.references, strict=True):
            if pair in seen:
                raise ValueError(f"the pair {pair} occurs twice, expected one score per pair")
            seen.add(pair)
        if unknown := set(self.queries) - set(self.missed):
            raise ValueError(f"rows of queries that are not in the ground truth: {sorted(unknown)}")
        if any(count < 0 for count in self.missed.values()):
            raise ValueError("missed counts cannot be negative")

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def total_missed(self) -> int:
        return sum(self.missed.values())


def as_judged(
    rows: Iterable[tuple[str, str, float]], truth: Mapping[str, Collection[str]]
) -> ScoredPairs:
    """Rows (query, reference, score) against the relevant references of every query.

    A query without a relevant reference in `truth` is a distractor: all its rows are irrelevant.
    Raises ValueError as ScoredPairs does.
    """
    listed = list(rows)
    queries = tuple(q for q, _, _ in listed)
    references = tuple(r for _, r, _ in listed)
    missed = {query: len(set(relevant)) for query, relevant in truth.items()}
    relevant = np.zeros(len(listed), bool)
    for i, (query, reference, _) in enumerate(listed):
        if reference in truth.get(query, ()):
            relevant[i] = True
            missed[query] -= 1
    scores = np.array([s for _, _, s in listed], np.float64)
    return ScoredPairs(queries, references, scores, relevant, missed)


def _check(scores: Array, relevant: Array) -> None:
    if scores.ndim != 1 or scores.shape != relevant.shape:
        raise ValueError(f"expected scores and relevant [N], got {scores.shape}, {relevant.shape}")
    if relevant.dtype != np.bool_:
        raise ValueError(f"relevant: expected bool, got {relevant.dtype}")
    if not np.isfinite(scores).all():
        raise ValueError("scores hold values that are not finite")


def against_us(scores: Array, relevant: Array) -> Array:
    """Ranking `[N]`, best first; among equal scores the irrelevant come before the relevant."""
    _check(scores, relevant)
    return np.asarray(np.lexsort((relevant, -scores)))


def average_precision(scores: Array, relevant: Array, *, missed: int = 0) -> float:
    """AP: precision at each relevant entry's rank, averaged over all relevant entries.

    `scores`, `relevant` `[N]`; `missed` relevant entries were not returned and add zero.
    Raises ValueError when nothing is relevant: AP has no value then.
    """
    hits = relevant[against_us(scores, relevant)]
    total = int(hits.sum()) + missed
    if total == 0:
        raise ValueError("average precision of a query without a relevant reference")
    ranks = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / total)


def query_average_precisions(pairs: ScoredPairs) -> dict[str, float]:
    rows = _rows_by_query(pairs)
    values = {}
    for query, missed in pairs.missed.items():
        mine = rows.get(query, [])
        relevant = pairs.relevant[mine]
        if missed or relevant.any():
            values[query] = average_precision(pairs.scores[mine], relevant, missed=missed)
    return values


def mean_average_precision(pairs: ScoredPairs) -> float:
    """mAP over queries with a relevant reference; scores are compared within a query only.

    Raises ValueError when no query has one.
    """
    values = query_average_precisions(pairs)
    if not values:
        raise ValueError("mean average precision without a single relevant reference")
    return float(np.mean(list(values.values())))


def micro_average_precision(pairs: ScoredPairs) -> float:
    """uAP: AP of all pairs of all queries in one ranking, so scores must be comparable.

    Raises ValueError when no query has a relevant reference.
    """
    return average_precision(pairs.scores, pairs.relevant, missed=pairs.total_missed)


def recall_at_k(pairs: ScoredPairs, k: int) -> float:
    """Share of the queries with a relevant reference that have one among their first k.

    Raises ValueError for k < 1 or when no query has a relevant reference.
    """
    if k < 1:
        raise ValueError(f"recall@k: expected k >= 1, got {k}")
    rows = _rows_by_query(pairs)
    hits = []
    for query, missed in pairs.missed.items():
        mine = rows.get(query, [])
        relevant = pairs.relevant[mine]
        if missed or relevant.any():
            order = against_us(pairs.scores[mine], relevant)
            hits.append(bool(relevant[order[:k]].any()))
    if not hits:
        raise ValueError("recall@k without a single relevant reference")
    return float(np.mean(hits))


def _rows_by_query(pairs: ScoredPairs) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for i, query in enumerate(pairs.queries):
        rows.setdefault(query, []).append(i)
    return rows


@dataclass(frozen=True)
class OperatingPoint:
    """Precision and recall when everything that scores at least `threshold` is called a copy."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall `[M]` at each distinct score `thresholds` `[M]`, highest first.

    Equal scores pass a threshold together and share one point.
    """

    thresholds: Array
    precision: Array
    recall: Array

    @property
    def f1(self) -> Array:
        """`[M]`, 0 where there is no true positive."""
        both = self.precision + self.recall
        out: Array = np.zeros_like(both)
        np.divide(2 * self.precision * self.recall, both, out=out, where=both > 0)
        return out

    def at(self, place: int) -> OperatingPoint:
        return OperatingPoint(
            float(self.thresholds[place]), float(self.precision[place]), float(self.recall[place])
        )

    def at_precision(self, precision: float) -> OperatingPoint | None:
        """The point of highest recall whose precision is at least `precision`, or None.

        Of points with the same recall the one with the highest threshold is taken.
        Raises ValueError when `precision` is outside 0..1.
        """
        if not 0 < precision <= 1:
            raise ValueError(f"precision: expected a share in 0..1, got {precision}")
        good = np.flatnonzero((self.precision >= precision) & (self.recall > 0))
        return self.at(int(good[np.argmax(self.recall[good])])) if len(good) else None


def _steps(scores: Array, relevant: Array) -> tuple[Array, Array, Array]:
    """Distinct scores `[M]`, highest first; relevant and irrelevant entries down to each."""
    order = against_us(scores, relevant)
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)[: len(ordered)]
    right = np.cumsum(relevant[order])[last]
    return ordered[last], right, last + 1 - right


def pr_curve(scores: Array, relevant: Array, *, missed: int = 0) -> PrecisionRecall:
    """Precision and recall as the threshold falls through the scores.

    Raises ValueError when nothing is relevant: recall has no value then.
    """
    thresholds, right, wrong = _steps(scores, relevant)
    total = int(relevant.sum()) + missed
    if total == 0:
        raise ValueError("a precision–recall curve without a relevant entry")
    return PrecisionRecall(thresholds, right / (right + wrong), right / total)


def roc_area(scores: Array, relevant: Array) -> float:
    """Probability that a relevant entry scores strictly above an irrelevant one; ties count 0.

    Raises ValueError unless there are both relevant and irrelevant entries.
    """
    _thresholds, right, wrong = _steps(scores, relevant)
    if not len(right) or right[-1] == 0 or wrong[-1] == 0:
        raise ValueError("a ROC area needs at least one relevant and one irrelevant entry")
    beaten = wrong[-1] - wrong  # irrelevant entries strictly below each distinct score
    return float((np.diff(right, prepend=0) * beaten).sum() / (right[-1] * wrong[-1]))


def recall_at_precision(
    scores: Array, relevant: Array, precision: float, *, missed: int = 0
) -> OperatingPoint | None:
    """The threshold of highest recall whose precision is at least `precision`, or None.

    Raises ValueError when nothing is relevant or `precision` is outside 0..1.
    """
    return pr_curve(scores, relevant, missed=missed).at_precision(precision)


@dataclass(frozen=True)
class SegmentAgreement:
    """Temporal agreement of predicted and true segments of one pair, shares in 0..1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


_Span = tuple[float, float]


def _length(spans: Iterable[_Span]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _meet(a: _Span, b: _Span) -> _Span:
    return max(a[0], b[0]), min(a[1], b[1])


def _spans(segment: Segment) -> tuple[_Span, _Span]:
    return (
        (segment.query_start, segment.query_end),
        (segment.reference_start, segment.reference_end),
    )


def segment_agreement(predicted: Sequence[Segment], truth: Sequence[Segment]) -> SegmentAgreement:
    """Overlap of predicted and true segments on both time axes (after He et al. 2022, VCSL).

    A predicted and a true segment intersect where they overlap on the query's axis and on the
    reference's. On each axis, the union of these overlaps is divided by the union of the predicted
    segments (precision) and by that of the true ones (recall); the two axes are combined by their
    geometric mean. The right seconds of the query with the wrong seconds of the reference gain
    nothing. Direction and speed are not compared.

    Raises ValueError when `truth` is empty or a segment of either has no length on an axis.
    """
    if not truth:
        raise ValueError("segment agreement needs at least one true segment")
    for segment in (*predicted, *truth):
        if any(end <= start for start, end in _spans(segment)):
            raise ValueError(f"a segment without length: {segment}")
    shared: tuple[list[_Span], list[_Span]] = ([], [])
    for one in predicted:
        for other in truth:
            meets = [_meet(a, b) for a, b in zip(_spans(one), _spans(other), strict=True)]
            if all(end > start for start, end in meets):
                for axis in (0, 1):
                    shared[axis].append(meets[axis])
    precision = recall = 1.0
    for axis in (0, 1):
        common = _length(shared[axis])
        precision *= common / _length([_spans(s)[axis] for s in predicted]) if predicted else 0.0
        recall *= common / _length([_spans(s)[axis] for s in truth])
    return SegmentAgreement(float(precision**0.5), float(recall**0.5))
