"""One immutable state of a frame space; searches hold it by reference and take no lock."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visil_dash.errors import NotFound
from visil_dash.index.base import checked_vectors
from visil_dash.index.exact import nearest_rows, rescored
from visil_dash.index.generations import Generation
from visil_dash.index.ids import split_ids
from visil_dash.index.tally import (
    NO_HITS,
    Hits,
    Rows,
    VideoCounts,
    hits_together,
    joined,
    tally,
    tally_of_hits,
)
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import Reduction

# Above this share of the generation, exact search is faster than the graph:
# measured by benchmarks/index_speed.py at 20,000 and 100,000 frames of 256 dimensions.
EXACT_SHARE = 0.01
FIRST_K = 32  # neighbours of a query that the graph is asked for
# From so many frames on, asking the graph costs less than a fifth of comparing with all of them:
# measured by benchmarks/speed.
GRAPH_FRAMES = 65_536
# So many queries are asked first, and where this share of them has more neighbours, none further.
_SAMPLE, _MANY = 8, 0.5
_ROUNDING = 1e-5  # more than a distance by products is off, between vectors of unit length


@dataclass(frozen=True, eq=False)
class Block:
    """One video of the tail: frame ids `[n]` and reduced vectors `[n, d]`."""

    ordinal: int
    ids: Array
    vectors: Array


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A generation, the videos added since (`tail`) and the generation's videos `removed` since.

    Vectors and queries are reduced ones, `[*, reduction.dim]`.
    """

    reduction: Reduction
    generation: Generation | None
    tail: tuple[Block, ...]
    removed: frozenset[int]
    version: int

    def __len__(self) -> int:
        return self._generation_live + self.tail_frames

    @cached_property
    def tail_frames(self) -> int:
        return sum(len(block.ids) for block in self.tail)

    @cached_property
    def removed_frames(self) -> int:
        return 0 if self._alive is None else int((~self._alive).sum())

    @cached_property
    def ordinals(self) -> frozenset[int]:
        """Videos that can be found."""
        old = self.generation.videos if self.generation else {}
        return frozenset(set(old) - self.removed | {block.ordinal for block in self.tail})

    @cached_property
    def ids(self) -> Array:
        """Frame ids `[N]` of everything that can be found."""
        return self._live[0]

    @cached_property
    def vectors(self) -> Array:
        """Reduced frame vectors `[N, d]` in the order of `ids`."""
        return self._live[1]

    def sample(self) -> tuple[Array, Array]:
        """Frame ids `[n]` and reduced vectors `[n, d]` by which the space can be judged: all."""
        return self.ids, self.vectors

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """Ids `[Q, k]` and exact squared L2 distances `[Q, k]`, nearest first, k clamped.

        The generation is searched by its graph, the tail exactly; distances are re-scored from
        the stored vectors. Raises ValueError on wrong shapes and values that are not finite.
        """
        return self._merged(queries, k, graph=True)

    def within(
        self,
        queries: Array,
        threshold: float,
        *,
        passed_over: Callable[[Array], Array],
        numbers: Array | None = None,
        only: Collection[int] | None = None,
    ) -> VideoCounts:
        """Frames within `threshold` (squared L2) of the queries `[Q, d]`, counted by video.

        `passed_over`: which of these frame ids do not count, bool. `numbers` `[Q]`: frame numbers
        of the queries, ascending; None: their places. Where the generation is large, the graph is
        asked for FIRST_K neighbours of each query; queries of which more may be within the
        threshold are compared with all frames, which costs the same whatever that admits. `only`:
        ordinals of which alone frames can count; `passed_over` passes over the others.
        """
        numbers = np.arange(len(queries)) if numbers is None else numbers
        if not len(self) or not len(queries):
            return tally_of_hits(NO_HITS, threshold, numbers=numbers)
        queries = checked_vectors(queries, dim=self.reduction.dim)
        hits, pending = self._few_hits(queries, threshold, passed_over)
        if not len(pending):
            return tally_of_hits(hits, threshold, numbers=numbers)
        tallies = []
        for rows, gone in self._held:
            passed = passed_over(rows.ids) if gone is None else passed_over(rows.ids) | gone
            tallies.append(
                tally(
                    rows,
                    queries,
                    threshold,
                    numbers,
                    compared=pending,
                    passed_over=passed,
                    hits=hits,
                )
            )
        return joined(tallies)

    def _few_hits(
        self, queries: Array, threshold: float, passed_over: Callable[[Array], Array]
    ) -> tuple[Hits, Array]:
        """The hits of queries of which the graph knows all, and the places of the others.

        A few queries are asked first: where most of them have more, so have the rest.
        """
        every = np.arange(len(queries))
        if self._generation_live < max(1, GRAPH_FRAMES):
            return NO_HITS, every
        some = np.unique(np.linspace(0, len(queries) - 1, _SAMPLE).astype(int))
        rest = np.setdiff1d(every, some)
        ids, distances = self.search(queries[some], FIRST_K)
        if (distances[:, -1] <= threshold).mean() > _MANY:
            return NO_HITS, every
        if len(rest):
            more = self.search(queries[rest], FIRST_K)
            ids, distances = np.concatenate([ids, more[0]]), np.concatenate([distances, more[1]])
        asked = np.concatenate([some, rest])
        ended = distances[:, -1] > threshold
        hit = ended[:, None] & (distances <= threshold) & ~passed_over(ids)
        found = np.unique(split_ids(ids[hit])[0])
        hits = self._hits_of(found, queries, np.sort(asked[ended]), threshold, passed_over)
        return hits, np.sort(asked[~ended])

    def _hits_of(
        self,
        ordinals: Array,
        queries: Array,
        places: Array,
        threshold: float,
        passed_over: Callable[[Array], Array],
    ) -> Hits:
        """All hits of the queries at `places` in these videos.

        Of the nearest of a million frames in shots the graph finds 79 to 95 %, but of a video with
        several hits some: so it names the videos, and their hits are found here.
        """
        parts = []
        for rows, gone in self._held:
            at = rows.of(ordinals)
            at = at if gone is None else at[~gone[at]]
            at = at[~passed_over(rows.ids[at])]
            rough = squared_distances(queries[places], rows.vectors[at])
            query, row = np.nonzero(rough <= threshold + _ROUNDING * (1 + threshold))
            gaps = queries[places[query]] - rows.vectors[at[row]]
            exact = np.einsum("hd,hd->h", gaps, gaps)
            hit = exact <= threshold
            parts.append(Hits(places[query[hit]], rows.ids[at[row[hit]]], exact[hit]))
        return hits_together(parts)

    def exact_search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """As `search`, without the graph: nothing can be missed."""
        return self._merged(queries, k, graph=False)

    def holds(self, block: Block) -> bool:
        """Whether the video can be found already with these very vectors."""
        if block.ordinal not in self.ordinals:
            return False
        mine = split_ids(self.ids)[0] == block.ordinal
        return np.array_equal(self.vectors[mine], block.vectors)

    def vectors_of(self, ids: Array) -> Array:
        """Reduced vectors `[n, d]` of frame ids `[n]`; raises NotFound."""
        ids = np.asarray(ids, np.int64)
        order = self._order
        place = np.searchsorted(self.ids, ids, sorter=order)
        found = order[np.minimum(place, len(order) - 1)] if len(order) else place
        if len(ids) and (not len(order) or (self.ids[found] != ids).any()):
            raise NotFound("frame ids: some are not in the index.")
        return np.asarray(self.vectors[found])

    # -- inside ----------------------------------------------------------------------------

    @cached_property
    def _alive(self) -> Array | None:
        """Which rows of the generation can be found; None when all can."""
        if self.generation is None or not self.removed:
            return None
        ordinals, _ = split_ids(self.generation.ids)
        return ~np.isin(ordinals, np.fromiter(self.removed, np.int64))

    @cached_property
    def _held(self) -> tuple[tuple[Rows, Array | None], ...]:
        """The frames of the generation and of the tail, and which of them are gone."""
        parts: list[tuple[Rows, Array | None]] = []
        if self.generation is not None:
            gone = None if self._alive is None else ~self._alive
            parts.append((Rows(self.generation.ids, self.generation.vectors), gone))
        if self.tail_frames:
            parts.append((Rows(*self._tail), None))
        return tuple(parts)

    @cached_property
    def _generation_live(self) -> int:
        if self.generation is None:
            return 0
        return len(self.generation) if self._alive is None else int(self._alive.sum())

    @cached_property
    def _tail(self) -> tuple[Array, Array]:
        if not self.tail:
            return np.empty(0, np.int64), np.empty((0, self.reduction.dim), np.float32)
        tail = sorted(self.tail, key=lambda block: block.ordinal)
        ids = np.concatenate([block.ids for block in tail])
        return ids, np.concatenate([block.vectors for block in tail])

    @cached_property
    def _live(self) -> tuple[Array, Array]:
        if self.generation is None:
            return self._tail
        ids, vectors = self.generation.ids, self.generation.vectors
        if self._alive is not None:
            ids, vectors = ids[self._alive], vectors[self._alive]
        if not self.tail:
            return ids, vectors
        return np.concatenate([ids, self._tail[0]]), np.concatenate([vectors, self._tail[1]])

    @cached_property
    def _order(self) -> Array:
        return np.argsort(self.ids, kind="stable")

    def _merged(self, queries: Array, k: int, *, graph: bool) -> tuple[Array, Array]:
        k = min(k, len(self))
        if k <= 0 or not len(queries):
            shape = (len(queries), max(k, 0))
            return np.empty(shape, np.int64), np.empty(shape, np.float32)
        queries = checked_vectors(queries, dim=self.reduction.dim)
        ids, distances = [], []
        if self.generation is not None and self._generation_live:
            wanted = min(k, self._generation_live)
            rows = self._by_graph(self.generation, queries, wanted) if graph else None
            vectors = self.generation.vectors
            if rows is None:
                rows, near = nearest_rows(vectors, queries, wanted, alive=self._alive)
            else:
                rows, near = rescored(vectors, queries, rows)
            ids.append(self.generation.ids[rows])
            distances.append(near)
        if self.tail_frames:
            rows, near = nearest_rows(self._tail[1], queries, k)
            ids.append(self._tail[0][rows])
            distances.append(near)
        found, far = np.concatenate(ids, 1), np.concatenate(distances, 1)
        order = np.lexsort((found, far))[:, :k]
        return np.take_along_axis(found, order, 1), np.take_along_axis(far, order, 1)

    def _by_graph(self, generation: Generation, queries: Array, k: int) -> Array | None:
        """Rows `[Q, k]` of living neighbours, None where exact search is to be used.

        Removed videos may fill a query's neighbourhood, so more are fetched until k living ones
        are among them for every query.
        """
        if generation.index is None:
            return None
        fetch, most = k, int(EXACT_SHARE * len(generation))
        while fetch <= most:
            found, _ = generation.index.search(queries, fetch)
            rows = np.searchsorted(generation.ids, found)
            if self._alive is None:
                return rows
            living = self._alive[rows]
            if (living.sum(1) >= k).all():
                first = np.argsort(~living, axis=1, kind="stable")[:, :k]
                return np.take_along_axis(rows, first, 1)
            fetch *= 2
        return None
