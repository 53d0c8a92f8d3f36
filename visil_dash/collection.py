"""Everything against everything: the pairwise table of a library and its groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np

from visil_dash.errors import Cancelled
from visil_dash.records import Array, PairTable, VideoFeatures
from visil_dash.similarity import Compare, pair_scores

ALL_PAIRS_VIDEOS = 200  # up to so many, comparing all pairs is a matter of minutes


@dataclass(frozen=True)
class CollectionTable:
    """A pair table and how it came about; pairs that were not compared are NaN in it.

    `compared` of `total` unordered pairs of different videos. `threshold`: squared-L2 distance
    of candidate generation, None where every pair was compared.
    """

    table: PairTable
    compared: int
    total: int
    threshold: float | None = None
    capped: int = 0


def pair_table(
    features: Mapping[str, VideoFeatures],
    names: Mapping[str, str],
    *,
    compare: Compare | None,
    symmetric: bool = False,
    known: Mapping[tuple[str, str], float] | None = None,
    on_pair: Callable[[str, str, float, float], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PairTable:
    """Video-to-video similarity of all ordered pairs, `scores[query, reference]`.

    `known` holds pairs computed earlier; each new pair is handed to `on_pair` both ways, so that
    a caller can keep it. Raises Cancelled.
    """
    ids = tuple(features)
    scores = np.zeros((len(ids), len(ids)), np.float32)
    known = known or {}
    pairs = list(combinations_with_replacement(range(len(ids)), 2))
    for done, (i, j) in enumerate(pairs):
        if cancelled is not None and cancelled():
            raise Cancelled("The pairwise table was stopped; the pairs done so far are kept.")
        a, b = ids[i], ids[j]
        if (a, b) in known and (b, a) in known:
            there, back = known[a, b], known[b, a]
        else:
            pair = pair_scores(
                features[a].regions, features[b].regions, compare=compare, symmetric=symmetric
            )
            there, back = pair.score, pair.reverse_score
            if on_pair is not None:
                on_pair(a, b, there, back)
        scores[i, j], scores[j, i] = there, back
        if on_progress is not None:
            on_progress(done + 1, len(pairs))
    extractor = next(iter(features.values())).extractor if features else ""
    return PairTable(ids, tuple(names[v] for v in ids), scores, extractor)


def strength(scores: Array) -> Array:
    """The better score of each pair `[N, N]`, symmetric.

    -inf for pairs that were not compared (NaN) and for a video with itself.
    """
    links: Array = np.fmax(scores, scores.T)
    links = np.where(np.isnan(links), -np.inf, links)
    np.fill_diagonal(links, -np.inf)
    return links


def without(table: PairTable, pairs: Iterable[tuple[str, str]]) -> PairTable:
    """The table as if these pairs had not been compared; pairs of other videos do not matter."""
    place = {video_id: i for i, video_id in enumerate(table.video_ids)}
    scores = table.scores.copy()
    for a, b in pairs:
        if a in place and b in place:
            scores[place[a], place[b]] = scores[place[b], place[a]] = np.nan
    return replace(table, scores=scores)


def group_order(scores: Array) -> list[int]:
    """An order of the videos that puts similar ones side by side (greedy nearest chain)."""
    n = len(scores)
    if n == 0:
        return []
    links = strength(scores)
    order = [int(links.max(1).argmax())]
    left = set(range(n)) - set(order)
    while left:
        rest = sorted(left)
        # The last few placed videos decide: a chain by the very last alone wanders between groups.
        pull = links[np.ix_(order[-3:], rest)].max(0)
        chosen = rest[int(pull.argmax())]
        order.append(chosen)
        left.remove(chosen)
    return order


def groups(scores: Array, threshold: float) -> Iterator[tuple[int, ...]]:
    """Connected groups of two or more videos whose score either way reaches `threshold`."""
    near = strength(scores) >= np.float32(threshold)
    unseen = near.any(0)
    while unseen.any():
        group = np.zeros(len(near), bool)
        group[int(unseen.argmax())] = True
        edge = group
        while edge.any():
            edge = near[edge].any(0) & ~group
            group = group | edge
        unseen &= ~group
        yield tuple(np.flatnonzero(group).tolist())
