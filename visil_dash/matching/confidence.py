"""Confidence: from the scores of a pair to the probability that it is a copy.

A score alone means little. 0.6 among five videos differs from 0.6 among a million, and 0.8 for a
query that scores 0.7 against a dozen others differs from 0.8 for a query that resembles nothing
else. So what counts is the best of a match's scores (its strength) less a share of the background
of its query. A model carries the likelihood ratio of such a value: how much more often it comes
from a copy than from unrelated videos, measured on pairs of known truth. The probability follows by
Bayes' rule from this ratio and from the number of videos that were compared.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.records import Array, ProofState

_BACKGROUND_RANKS = (3, 12)  # ranks whose mean is a query's own level of unrelated videos
# Share of the background that is subtracted where matches of several queries are ranked together.
# It moves queries against each other only, so it may be larger than the share for a probability:
# so large a share would call a dozen true copies of one clip unrelated.
RANKED_SHARE = 0.7
EVIDENCE_SHARE = 0.5
# How much likelier verification ends so for a copy than for another video: log likelihood ratios
# beside that of the strength. Of 234 copies that were verified 226 were proved and none
# contradicted, of 37 others none and 10. PROVED is more than 37 can show: proof has to outweigh
# that a copy is one of thousands of videos. The calibration error of 5,000 pairs is 0.0014.
_PROOF_EVIDENCE = {
    ProofState.PROVED: 7.0,
    ProofState.CONTRADICTED: -5.0,
    ProofState.UNDECIDABLE: -1.5,
}
_ROUNDING = 1e-12  # steps of the isotonic fit below this are none
_EVIDENCE_SEEN = 0.95  # share of the measured queries whose background is no higher than counts


@dataclass(frozen=True)
class ScoreEvidence:
    """Log likelihood ratio of a strength less EVIDENCE_SHARE of the background: linear between
    knots, constant beyond them.

    `strengths` rise, and `log_ratios` never fall. `most_background`: the highest background that
    counts. A dozen true copies of one clip look like a dozen videos that resemble it, and this
    bounds what they can do to each other.
    """

    strengths: tuple[float, ...]
    log_ratios: tuple[float, ...]
    most_background: float = math.inf

    def __post_init__(self) -> None:
        if not self.strengths or len(self.strengths) != len(self.log_ratios):
            raise ValueError("evidence: expected as many log ratios as strengths, at least one")
        if (np.diff(self.strengths) <= 0).any() or (np.diff(self.log_ratios) < 0).any():
            raise ValueError("evidence: expected rising strengths and log ratios that never fall")
        if not self.most_background >= 0:
            raise ValueError(f"evidence: background of at most {self.most_background}")

    def of(self, above: float) -> float:
        return float(np.interp(above, self.strengths, self.log_ratios))


def probability(
    evidence: ScoreEvidence,
    strength: float,
    *,
    level: float = 0.0,
    among: int,
    parts: int = 1,
    proof: ProofState | None = None,
) -> float:
    """Probability that a reference of this strength holds footage of the query, 0..1.

    `level`: the background of the query. Beforehand each of `among` videos is as likely as the
    others to be the one copy in a library that holds one; a library of a single video holds it or
    not with equal chance. `parts`: how many parts of the picture were tried, when one of them is
    what scored: all together are as likely as the whole picture, so that the best of many is not
    overrated. `proof`: how verification on the pixels ended, None before.

    Raises ValueError when `among` or `parts` is below 1.
    """
    if among < 1 or parts < 1:
        raise ValueError(f"expected at least 1 video and 1 part, got {among} and {parts}")
    before = -math.log(max(among - 1, 1) * parts)
    above = strength - EVIDENCE_SHARE * min(level, evidence.most_background)
    proved = 0.0 if proof is None else _PROOF_EVIDENCE[proof]
    return 1 / (1 + math.exp(-(before + evidence.of(above) + proved)))


def in_words(chance: float) -> str:
    """A probability for people: whole per cent, never 0 or 100."""
    if chance < 0.01:
        return "<1 %"
    return ">99 %" if chance > 0.99 else f"{100 * chance:.0f} %"


def background(strengths: Array) -> float:
    """Strength of a query against unrelated videos: the mean of the 3rd to 12th best of `[N]`, one
    per compared video.

    What was not compared, or is below zero, counts as zero: nothing of it resembles the query.
    """
    first, last = _BACKGROUND_RANKS
    ranked = np.sort(strengths)[::-1][first - 1 : last]
    return float(np.clip(ranked, 0, None).sum() / (last - first + 1))


def above_background(strength: float, level: float) -> float:
    """A strength made comparable with those of other queries, to rank them together."""
    return strength - RANKED_SHARE * level


def measure_evidence(strengths: Array, copies: Array) -> ScoreEvidence:
    """Evidence of strengths `[queries, references]`, each less EVIDENCE_SHARE of its query's
    background, where `copies` (bool, the same shape) is known.

    A background that _EVIDENCE_SEEN of the queries stay below is the highest that counts: of
    higher ones too little was seen. Raises ValueError when a class is missing.
    """
    levels = np.array([background(row) for row in strengths])
    most = float(np.quantile(levels, _EVIDENCE_SEEN))
    above = strengths - EVIDENCE_SHARE * np.minimum(levels, most)[:, None]
    return replace(fit_evidence(above.ravel(), copies.ravel()), most_background=most)


def fit_evidence(strengths: Array, copies: Array) -> ScoreEvidence:
    """How much likelier strengths `[N]` are among copies (bool `[N]`) than among other pairs.

    Isotonic regression (pool adjacent violators) with both classes weighing the same: blocks of
    strengths whose ratio rises from one to the next. Half a pair is added to both counts of a
    block, so that no ratio exceeds what so many pairs can show. Raises ValueError when a class is
    missing.
    """
    from scipy.optimize import isotonic_regression  # most of a second; needed in training alone

    y = np.asarray(copies, bool)
    if y.all() or not y.any():
        raise ValueError("evidence needs pairs that are copies and pairs that are none")
    values, place = np.unique(np.asarray(strengths, np.float64), return_inverse=True)
    counts = np.stack([np.bincount(place, y), np.bincount(place, ~y)])
    shares = counts / counts.sum(1, keepdims=True)
    weights = shares.sum(0)
    rising = isotonic_regression(shares[0] / weights, weights=weights).x
    block = np.cumsum(np.diff(rising, prepend=rising[:1]) > _ROUNDING)
    true, false = (np.bincount(block, row) for row in counts)
    mine, others = (true + 0.5) / (y.sum() + 1), (false + 0.5) / ((~y).sum() + 1)
    return ScoreEvidence(
        tuple((np.bincount(block, values * counts.sum(0)) / (true + false)).tolist()),
        tuple(np.maximum.accumulate(np.log(mine / others)).tolist()),
    )


@dataclass(frozen=True)
class Reliability:
    """Pairs whose probability lies in one bin: their mean probability, and the share of copies."""

    count: int
    predicted: float
    observed: float


def reliability(probabilities: Array, copies: Array, *, bins: int = 10) -> tuple[Reliability, ...]:
    """The reliability curve over bins of equal width; empty bins are left out.

    scikit-learn's `calibration_curve` leaves out the counts, which the calibration error needs.
    """
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
