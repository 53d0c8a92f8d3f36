"""Everything against everything: the pairwise table of a library and its groups."""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np

from visil_dash.errors import Cancelled
from visil_dash.records import Array, PairTable, VideoFeatures
from visil_dash.similarity import Compare, pair_scores


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


def group_order(scores: Array) -> list[int]:
    """An order of the videos that puts similar ones side by side (greedy nearest chain)."""
    n = len(scores)
    if n == 0:
        return []
    strength = np.maximum(scores, scores.T).astype(float)
    np.fill_diagonal(strength, -np.inf)
    order = [int(strength.max(1).argmax())]
    left = set(range(n)) - set(order)
    while left:
        rest = sorted(left)
        # The last few placed videos decide: a chain by the very last alone wanders between groups.
        pull = strength[np.ix_(order[-3:], rest)].max(0)
        chosen = rest[int(pull.argmax())]
        order.append(chosen)
        left.remove(chosen)
    return order


def groups(scores: Array, threshold: float) -> Iterator[tuple[int, ...]]:
    """Connected groups of two or more videos whose score either way reaches `threshold`."""
    strength = np.maximum(scores, scores.T)
    unseen = set(range(len(scores)))
    while unseen:
        queue, group = [min(unseen)], set[int]()
        while queue:
            member = queue.pop()
            if member in group:
                continue
            group.add(member)
            queue += [i for i in unseen if strength[member, i] >= threshold and i not in group]
        unseen -= group
        if len(group) > 1:
            yield tuple(sorted(group))
