"""A snapshot whose generation lies in an index server; the tail is searched in this process.

Of what the server returns only videos count that this snapshot knows: those that are being written
or deleted meanwhile are in the tail, or gone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from visil_dash.errors import InputError
from visil_dash.index.base import checked_vectors
from visil_dash.index.exact import nearest_rows
from visil_dash.index.generations import Generation
from visil_dash.index.ids import split_ids
from visil_dash.index.milvus import MOST_K, MilvusIndex
from visil_dash.index.snapshot import FIRST_K, Snapshot
from visil_dash.index.tally import Hits, VideoCounts, hits_together, joined, tally_of_hits
from visil_dash.records import Array

_READ_BYTES = 2 * 1024**3  # of vectors that one process takes from the server at once
_SAMPLE_FRAMES = 50_000
_FILTERED = 256  # videos that are left out by the server; beyond, more is fetched instead
FILTERED_FOR = 4096  # ordinals in a filter at most: they make an expression of 40 kB
_SLACK = 1e-3  # of the engine's distances, which are not trusted to the last digits


@dataclass(frozen=True, eq=False)
class ServedGeneration(Generation):
    """What the server holds: `frames` by ordinal, blank ones included, which are not stored."""

    server: MilvusIndex | None = None
    frames: Mapping[int, int] | None = None

    def __len__(self) -> int:
        return sum((self.frames or {}).values())


def served_generation(
    server: MilvusIndex, *, videos: dict[int, str], frames: Mapping[int, int]
) -> ServedGeneration:
    nothing = np.empty(0, np.int64), np.empty((0, server.dim), np.float32)
    of_these = {ordinal: frames.get(ordinal, 0) for ordinal in videos}
    return ServedGeneration(0, Path(), *nothing, videos, None, 0, server=server, frames=of_these)


@dataclass(frozen=True, eq=False)
class ServedSnapshot(Snapshot):
    """As Snapshot; every search of its generation raises StoreError while the server is away."""

    def within(
        self,
        queries: Array,
        threshold: float,
        *,
        passed_over: Callable[[Array], Array],
        numbers: Array | None = None,
        only: Collection[int] | None = None,
    ) -> VideoCounts:
        """As Snapshot.within, by nearest neighbours of growing number; of a query frame with more
        than MOST_K frames within the threshold, the nearest MOST_K count. Where `only` are
        few, the server looks among these; where they are many, others are dropped here."""
        numbers = np.arange(len(queries)) if numbers is None else numbers
        mine = self._local.within(queries, threshold, passed_over=passed_over, numbers=numbers)
        if not self._generation_live or not len(queries):
            return mine
        queries = checked_vectors(queries, dim=self.reduction.dim)
        pending, k = np.arange(len(queries)), FIRST_K
        found: list[Hits] = []
        kept = None if only is None or len(only) > FILTERED_FOR else only
        while len(pending):
            ids, rough = self._server.nearest(
                queries[pending], k, without=self._left_out, only=kept
            )
            ended = (rough[:, -1] > threshold + _SLACK) | (k >= MOST_K)
            wanted = ended[:, None] & (rough <= threshold + _SLACK) & self._known(ids)
            wanted[wanted] = ~passed_over(ids[wanted])
            query, frames, distance = self._exact(queries, pending, ids, wanted)
            hit = distance <= threshold
            found.append(Hits(query[hit], frames[hit], distance[hit]))
            pending, k = pending[~ended], min(4 * k, MOST_K)
        hits = tally_of_hits(hits_together(found), threshold, numbers=numbers)
        return joined([hits, mine])

    def sample(self) -> tuple[Array, Array]:
        """All frames, or those of evenly spread videos where these are many."""
        if len(self) <= _SAMPLE_FRAMES or self.generation is None:
            return self.ids, self.vectors
        kept = sorted(set(self.generation.videos) - self.removed)
        each = max(1, len(self) // max(1, len(kept)))
        step = max(1, len(kept) * each // _SAMPLE_FRAMES)
        return self._server.everything(only=kept[::step])

    @property
    def _server(self) -> MilvusIndex:
        assert isinstance(self.generation, ServedGeneration)
        assert self.generation.server is not None
        return self.generation.server

    @cached_property
    def _local(self) -> Snapshot:
        return Snapshot(self.reduction, None, self.tail, frozenset(), self.version)

    @cached_property
    def _left_out(self) -> frozenset[int]:
        gone = self.removed | {block.ordinal for block in self.tail}
        return frozenset(gone) if len(gone) <= _FILTERED else frozenset()

    def _known(self, ids: Array) -> Array:
        """Which ids are of videos of the generation that are not removed."""
        return np.asarray(np.isin(split_ids(ids)[0], self._kept))

    @cached_property
    def _kept(self) -> Array:
        videos = self.generation.videos if self.generation else {}
        return np.fromiter((o for o in videos if o not in self.removed), np.int64)

    def _exact(
        self, queries: Array, rows: Array, ids: Array, wanted: Array
    ) -> tuple[Array, Array, Array]:
        """Query, frame id and exact distance of the `wanted` answers; without those of videos that
        the server has deleted meanwhile."""
        place, column = np.nonzero(wanted)
        query, frames = rows[place], ids[place, column]
        there, vectors = self._server.stored(frames)
        query, frames = query[there], frames[there]
        gap = vectors[there] - queries[query]
        return query, frames, np.einsum("hd,hd->h", gap, gap)

    @cached_property
    def removed_frames(self) -> int:
        if not isinstance(self.generation, ServedGeneration) or self.generation.frames is None:
            return 0
        return sum(self.generation.frames.get(ordinal, 0) for ordinal in self.removed)

    @cached_property
    def _generation_live(self) -> int:
        return 0 if self.generation is None else len(self.generation) - self.removed_frames

    @cached_property
    def _live(self) -> tuple[Array, Array]:
        if self.generation is None:
            return self._tail
        if 4 * len(self) * self.reduction.dim > _READ_BYTES:
            raise InputError(
                f"{len(self):,} frames",
                "this takes all frames of the library at once, which one process cannot hold",
                "it works on smaller libraries; searches with a threshold do not need it",
            )
        ids, vectors = self._server.everything(without=self._left_out)
        kept = self._known(ids)
        if not self.tail:
            return ids[kept], vectors[kept]
        ids = np.concatenate([ids[kept], self._tail[0]])
        vectors = np.concatenate([vectors[kept], self._tail[1]])
        order = np.argsort(ids, kind="stable")
        return ids[order], vectors[order]

    def _merged(self, queries: Array, k: int, *, graph: bool) -> tuple[Array, Array]:
        if not graph or not self._generation_live:
            rows, distances = nearest_rows(self.vectors, queries, k)
            return self.ids[rows], distances
        queries = checked_vectors(queries, dim=self.reduction.dim)
        k, fetch = min(k, len(self), MOST_K), min(k, MOST_K)
        while True:
            ids, _ = self._server.nearest(queries, fetch, without=self._left_out)
            known = self._known(ids)
            if (known.sum(1) >= min(k, self._generation_live)).all() or fetch >= MOST_K:
                break
            if (ids[:, -1] < 0).any():  # there are no more
                break
            fetch = min(2 * fetch, MOST_K)
        query, frames, exact = self._exact(queries, np.arange(len(queries)), ids, known)
        mine, far = self._local.search(queries, k)
        query = np.concatenate([query, np.repeat(np.arange(len(queries)), mine.shape[1])])
        frames, exact = np.concatenate([frames, mine.ravel()]), np.concatenate([exact, far.ravel()])
        order = np.lexsort((frames, exact, query))
        counts = np.bincount(query, minlength=len(queries))
        if counts.min(initial=k) < k:  # the graph reached fewer than there are
            return self._merged(queries, k, graph=False)
        starts = np.cumsum(counts) - counts
        chosen = order[starts[:, None] + np.arange(k)]
        return frames[chosen], exact[chosen]
