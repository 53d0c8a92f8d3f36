"""How the parts of a search follow from the size of the collection.

Videos that a query has nothing to do with lie within the threshold, and before its copy, each with
a chance of its own that does not depend on the others. So the number of candidates grows in
proportion to the collection, and a copy's place among them is a sum of such chances. Storage and
times follow the planner (laboratory.planner.costs).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.stats import betabinom

from visil_dash.records import Array


@dataclass(frozen=True)
class Counted:
    """Of one query among `videos` unrelated ones: how many lie within the threshold, and how many
    have more evidence than the best copy; `found`: whether a copy is within it at all."""

    videos: int
    admitted: int
    before: int
    found: bool


def candidates(counted: Sequence[Counted], videos: int) -> float:
    """Unrelated videos within the threshold of a query on average, among so many."""
    return videos * float(np.mean([query.admitted / query.videos for query in counted]))


def recall_within(counted: Sequence[Counted], videos: int, budget: int) -> float:
    """The share of queries whose copy is among the first `budget` candidates.

    The chance that an unrelated video comes before the copy differs from query to query, by a beta
    distribution that is fitted to all of them; a copy's place among more videos is beta-binomial.
    """
    found = [query for query in counted if query.found]
    if not found:
        return 0.0
    before = np.array([query.before for query in found])
    of = np.array([query.videos for query in found])
    a, b = _beta(before, of)
    chances = betabinom.cdf(budget - 1, videos, a + before, b + of - before)
    return float(chances.sum() / len(counted))


def _beta(before: Array, of: Array) -> tuple[float, float]:
    """The beta distribution of the chances that makes the counts most likely."""

    def unlikely(logs: Array) -> float:
        return -float(betabinom.logpmf(before, of, *np.exp(logs)).sum())

    best = minimize(unlikely, np.log([0.3, 10.0]), method="Nelder-Mead", bounds=[(-7, 3), (-3, 12)])
    a, b = np.exp(best.x)
    return float(a), float(b)


def recall_counted(counted: Sequence[Counted], budget: int) -> float:
    return float(np.mean([query.found and query.before < budget for query in counted]))
