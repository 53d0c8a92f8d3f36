"""How sure: from a video-to-video similarity to the probability that the pair is a copy.

A score alone says little: 0.6 among five videos is another matter than among a million. So a model
carries how much more often a score comes from a copy than from strangers (the likelihood ratio,
measured on pairs of known truth), and the probability follows by Bayes' rule from it and from how
many videos were asked.
"""

import math
from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array

BACKGROUND = (3, 12)  # ranks whose mean is a query's own level of unrelated videos


@dataclass(frozen=True)
class Evidence:
    """Log likelihood ratio of a score: linear between knots, constant beyond them.

    `scores` rise, and `log_ratios` never fall.
    """

    scores: tuple[float, ...]
    log_ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.scores or len(self.scores) != len(self.log_ratios):
            raise ValueError("evidence: expected as many log ratios as scores, at least one")
        if (np.diff(self.scores) <= 0).any() or (np.diff(self.log_ratios) < 0).any():
            raise ValueError("evidence: expected rising scores and log ratios that never fall")

    def of(self, score: float) -> float:
        return float(np.interp(score, self.scores, self.log_ratios))


def probability(evidence: Evidence, score: float, *, among: int, parts: int = 1) -> float:
    """Probability that a reference of this score holds footage of the query, 0..1.

    Beforehand each of `among` videos is as likely as the others to be the one copy in a library
    that holds one; a library of a single video holds it or not with equal chance. `parts`: how many
    parts of the picture were tried, when one of them is what scored: all together are as likely as
    the whole picture, so that the best of many does not seem sure by chance. Raises ValueError when
    `among` or `parts` is below 1.
    """
    if among < 1 or parts < 1:
        raise ValueError(f"expected at least 1 video and 1 part, got {among} and {parts}")
    before = -math.log(max(among - 1, 1) * parts)
    return 1 / (1 + math.exp(-(before + evidence.of(score))))


def in_words(chance: float) -> str:
    """A probability for people: whole per cent, never 0 or 100."""
    if chance < 0.01:
        return "<1 %"
    return ">99 %" if chance > 0.99 else f"{100 * chance:.0f} %"


def background(scores: Array) -> float | None:
    """What a query scores against videos that it has nothing to do with: the mean of its 3rd to
    12th best scores of `[N]`, one a reference.

    A query that many videos resemble scores high everywhere; less its background its scores can be
    held against those of other queries. None of fewer than four: there is no background then.
    """
    first, last = BACKGROUND
    if len(scores) <= first:
        return None
    return float(np.sort(scores)[::-1][first - 1 : last].mean())


def fit_evidence(scores: Array, copies: Array) -> Evidence:
    """How much likelier scores `[N]` are among copies (bool `[N]`) than among strangers.

    Isotonic regression (pool adjacent violators) with both classes weighing the same: blocks of
    scores whose ratio rises from one to the next. Half a pair is added to both counts of a block,
    so that no ratio exceeds what so many pairs can show. Raises ValueError when a class is missing.
    """
    y = np.asarray(copies, bool)
    if y.all() or not y.any():
        raise ValueError("evidence needs pairs that are copies and pairs that are none")
    values, place = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    found = np.bincount(place, y).tolist()
    strange = np.bincount(place, ~y).tolist()
    most = int(y.sum()), int((~y).sum())
    blocks: list[_Block] = []
    for value, true, false in zip(values.tolist(), found, strange, strict=True):
        blocks.append(_Block(value * (true + false), true, false))
        while len(blocks) > 1 and blocks[-2].share(*most) >= blocks[-1].share(*most):
            last = blocks.pop()
            blocks[-1] = blocks[-1].joined(last)
    ratios = [b.log_ratio(*most) for b in blocks]
    return Evidence(
        tuple(b.total / (b.copies + b.strangers) for b in blocks),
        tuple(np.maximum.accumulate(ratios).tolist()),
    )


@dataclass(frozen=True)
class _Block:
    """Pairs of neighbouring scores: their scores' sum, and how many are copies and strangers."""

    total: float
    copies: float
    strangers: float

    def joined(self, other: "_Block") -> "_Block":
        return _Block(
            self.total + other.total,
            self.copies + other.copies,
            self.strangers + other.strangers,
        )

    def share(self, copies: int, strangers: int) -> float:
        """Share of copies if, of so many in all, there were as many copies as strangers."""
        mine, others = self.copies / copies, self.strangers / strangers
        return mine / (mine + others)

    def log_ratio(self, copies: int, strangers: int) -> float:
        mine = (self.copies + 0.5) / (copies + 1)
        others = (self.strangers + 0.5) / (strangers + 1)
        return math.log(mine / others)


@dataclass(frozen=True)
class Reliability:
    """Pairs whose probability lies in one bin: their mean probability, and the share of copies."""

    count: int
    predicted: float
    observed: float


def reliability(probabilities: Array, copies: Array, *, bins: int = 10) -> tuple[Reliability, ...]:
    """The reliability curve over bins of equal width; empty bins are left out."""
    p, y = np.asarray(probabilities, np.float64), np.asarray(copies, bool)
    place = np.minimum((p * bins).astype(int), bins - 1)
    return tuple(
        Reliability(int(mine.sum()), float(p[mine].mean()), float(y[mine].mean()))
        for mine in (place == b for b in range(bins))
        if mine.any()
    )


def calibration_error(curve: tuple[Reliability, ...]) -> float:
    """Expected calibration error: mean distance of predicted and observed, by count."""
    total = sum(r.count for r in curve)
    return sum(r.count * abs(r.predicted - r.observed) for r in curve) / total
