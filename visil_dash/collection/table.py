"""Everything against everything: the pairwise table of a library and its groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement, groupby, islice
from threading import Lock

import numpy as np

from visil_dash.matching.similarity import Scorer, pair_scores_many
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, PairTable, VideoFeatures

ALL_PAIRS_VIDEOS = 200  # up to so many, comparing all pairs is a matter of minutes
_AT_ONCE = 16  # videos compared with one at once
TILE = 64  # videos; the features of 100 frames take about half a MB
_APART = 24  # videos on a side of a tile that another process compares: some seconds' work


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


class KnownPairs:
    """Scores of pairs that were compared, both ways, by video id. Safe to share between threads.

    One float32 an ordered pair: 4 MB for 1,000 videos.
    """

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._scores = np.full((0, 0), np.nan, np.float32)
        self._lock = Lock()

    def get(self, query: str, reference: str) -> tuple[float, float] | None:
        """Score query → reference and back; None for a pair that was not compared."""
        with self._lock:
            i, j = self._place.get(query), self._place.get(reference)
            if i is None or j is None or np.isnan(self._scores[i, j]):
                return None
            return float(self._scores[i, j]), float(self._scores[j, i])

    def keep(self, query: str, reference: str, there: float, back: float) -> None:
        with self._lock:
            i, j = (self._place.setdefault(v, len(self._place)) for v in (query, reference))
            size = len(self._scores)
            if max(i, j) >= size:
                more = max(16, size, max(i, j) + 1 - size)
                self._scores = np.pad(self._scores, (0, more), constant_values=np.nan)
            self._scores[i, j], self._scores[j, i] = there, back

    def forget(self, video_id: str) -> None:
        with self._lock:
            at = self._place.get(video_id)
            if at is not None:
                self._scores[at], self._scores[:, at] = np.nan, np.nan

    def __len__(self) -> int:
        """Ordered pairs with a score, a video with itself counted once."""
        with self._lock:
            return int((~np.isnan(self._scores)).sum())


def pair_table(
    names: Mapping[str, str],
    pairs: Iterable[tuple[str, str]] | None = None,
    *,
    load: Callable[[str], VideoFeatures],
    extractor: str,
    scorer: Scorer,
    known: KnownPairs | None = None,
    watch: Watch = UNWATCHED,
) -> PairTable:
    """Video-to-video similarity both ways, `scores[query, reference]`, NaN where not compared.

    `names`: all videos of the table, by id. `pairs`: the unordered pairs to compare, those of
    other videos passed over; None: all, and each video with itself. Pairs in `known` are not
    compared again, new ones are kept there. Features are loaded when they are needed, those
    of at most 2 · TILE videos at once. Raises Cancelled.
    """
    ids = tuple(names)
    total, wanted = _wanted(ids, pairs)
    scores = np.full((len(ids), len(ids)), np.nan, np.float32)
    known = KnownPairs() if known is None else known
    cached = lru_cache(maxsize=2 * TILE)(load)
    watch = watch.with_message("The comparison was stopped; the pairs done so far are kept.")
    done = 0
    for i, columns in _several_at_once(wanted):
        watch.check()
        new = [j for j in columns if known.get(ids[i], ids[j]) is None]
        regions = [cached(ids[j]).regions for j in new]
        query = cached(ids[i]).regions if new else np.empty((0, 0, 0))
        compared = pair_scores_many(query, regions, scorer, watch=watch.silent())
        fresh = {j: (pair.score, pair.reverse_score) for j, pair in zip(new, compared, strict=True)}
        for j in columns:
            watch.check()
            if j in fresh:
                known.keep(ids[i], ids[j], *fresh[j])
            scores[i, j], scores[j, i] = known.get(ids[i], ids[j]) or fresh[j]
            done += 1
            watch.count("Comparing pairs", done, total)
    return PairTable(ids, tuple(names.values()), scores, extractor)


def pair_tiles(
    ids: Sequence[str], pairs: Iterable[tuple[str, str]] | None, known: KnownPairs
) -> list[list[tuple[str, str]]]:
    """The pairs of pair_table that are not known yet, in tiles of few videos, which can be compared
    apart; a tile comes where the first of its `pairs` does."""
    place = {video_id: i for i, video_id in enumerate(ids)}
    every = combinations_with_replacement(ids, 2) if pairs is None else pairs
    tiles: dict[tuple[int, int], dict[tuple[str, str], None]] = {}
    for a, b in every:
        if a in place and b in place and known.get(a, b) is None:
            a, b = sorted((a, b), key=place.__getitem__)
            tile = place[a] // _APART, place[b] // _APART
            tiles.setdefault(tile, {})[a, b] = None
    return [list(tile) for tile in tiles.values()]


def _several_at_once(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """Successive pairs of one first video, at most _AT_ONCE together."""
    for i, row in groupby(pairs, key=lambda pair: pair[0]):
        while some := list(islice(row, _AT_ONCE)):
            yield i, [j for _, j in some]


def _wanted(
    ids: tuple[str, ...], pairs: Iterable[tuple[str, str]] | None
) -> tuple[int, Iterable[tuple[int, int]]]:
    """How many pairs, and their places (first ≤ second) tile by tile, so that few videos are held.

    Row by row, each of N videos would be loaded N times; in tiles, N / TILE times.
    """
    n = len(ids)
    if pairs is None:
        return n * (n + 1) // 2, _all_in_tiles(n)
    place = {video_id: i for i, video_id in enumerate(ids)}
    places = {
        (min(place[a], place[b]), max(place[a], place[b]))
        for a, b in pairs
        if a in place and b in place
    }
    return len(places), sorted(places, key=lambda p: (p[0] // TILE, p[1] // TILE, *p))


def _all_in_tiles(n: int) -> Iterator[tuple[int, int]]:
    for top in range(0, n, TILE):
        for left in range(top, n, TILE):
            for i in range(top, min(top + TILE, n)):
                for j in range(max(i, left), min(left + TILE, n)):
                    yield i, j


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
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    near = csr_array(strength(scores) >= np.float32(threshold))
    member = connected_components(near, directed=False)[1]
    for group in np.flatnonzero(np.bincount(member) > 1):
        yield tuple(np.flatnonzero(member == group).tolist())
