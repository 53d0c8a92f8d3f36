"""How sure: from a video-to-video similarity to the probability that the pair is a copy.

A score alone says little: 0.6 among five videos is another matter than among a million. So a model
carries how much more often a score comes from a copy than from strangers (the likelihood ratio,
fitted on pairs of known truth by Platt's logistic regression), and the probability follows by
Bayes' rule from it and from how many videos were asked.
"""

import math
from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array

_RIDGE = 1e-3  # keeps the slope finite when scores part copies from strangers without error
_STEPS = 100


@dataclass(frozen=True)
class Evidence:
    """Log likelihood ratio of a score: slope · score + intercept.

    `strongest`: the most that it may be, either way: with n strangers in the calibration, nothing
    rarer than one in n was seen.
    """

    slope: float
    intercept: float
    strongest: float

    def of(self, score: float) -> float:
        return float(np.clip(self.slope * score + self.intercept, -self.strongest, self.strongest))


def probability(evidence: Evidence, score: float, *, among: int) -> float:
    """Probability that a reference of this score holds footage of the query, 0..1.

    Beforehand each of `among` videos is as likely as the others to be the one copy in a library
    that holds one; a library of a single video holds it or not with equal chance. Raises
    ValueError when `among` is below 1.
    """
    if among < 1:
        raise ValueError(f"among: expected at least 1 video, got {among}")
    before = -math.log(max(among - 1, 1))
    return 1 / (1 + math.exp(-(before + evidence.of(score))))


def in_words(chance: float) -> str:
    """A probability for people: whole per cent, never 0 or 100."""
    if chance < 0.01:
        return "<1 %"
    return ">99 %" if chance > 0.99 else f"{100 * chance:.0f} %"


def fit_evidence(scores: Array, copies: Array) -> Evidence:
    """Platt's logistic regression of copies (bool `[N]`) on scores `[N]`, both classes weighing
    the same, by Newton's method.

    Raises ValueError when a class is missing.
    """
    x = np.stack([np.asarray(scores, np.float64), np.ones(len(scores))], 1)
    y = np.asarray(copies, bool)
    if y.all() or not y.any():
        raise ValueError("evidence needs pairs that are copies and pairs that are none")
    weight = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    ridge = np.diag([_RIDGE, 0.0]) / len(y)
    theta = np.zeros(2)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ theta, -50, 50)))
        gradient = x.T @ (weight * (p - y)) + ridge @ theta
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        theta -= step * min(1.0, 4.0 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return Evidence(float(theta[0]), float(theta[1]), math.log(max(2, int((~y).sum()))))


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
