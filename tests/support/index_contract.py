"""What every index back end promises; plain loops are the oracle of exact search.

A class of tests derives from IndexContract and gives it the fixture `make`.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.support.exact_index import ExactIndex
from tests.support.library_fakes import fake_video_features, plain_nearest
from visil_dash.candidates.generation import library_candidates
from visil_dash.errors import NotFound
from visil_dash.index.base import FrameIndex
from visil_dash.index.snapshot import Snapshot
from visil_dash.library.store import Library
from visil_dash.records import Array

INDEX_DIM = 5
MakeIndex = Callable[[int], FrameIndex]  # an empty index of vectors of so many dimensions


def some_vectors(count: int, dim: int = INDEX_DIM, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def check_answer(
    index: FrameIndex, held: dict[int, Array], queries: Array, k: int, *, exact: bool
) -> None:
    ids, distances = index.search(queries, k)
    count = min(k, len(held))
    assert ids.shape == distances.shape == (len(queries), count)
    assert ids.dtype == np.int64
    assert (np.diff(distances, axis=1) >= 0).all()
    for row, query in enumerate(queries):
        assert len(set(ids[row].tolist())) == count
        for place, number in enumerate(ids[row].tolist()):
            gap = float(((held[number].astype(np.float64) - query) ** 2).sum())
            assert distances[row, place] == pytest.approx(gap, rel=1e-4, abs=1e-5)
    if exact and held:
        truth = plain_nearest(np.stack(list(held.values())), queries, k)
        np.testing.assert_allclose(distances, truth, rtol=1e-4, atol=1e-5)


def check_changes(index: FrameIndex, steps: Sequence[tuple[str, object]]) -> None:
    """Adds, removes, restores and searches; below 64 vectors a graph owes the exact answer too."""
    held: dict[int, Array] = {}
    gone: list[int] = []
    number, queries = 7, some_vectors(3)
    for what, value in steps:
        if what == "add" and isinstance(value, np.ndarray):
            ids = np.arange(number, number + len(value)) * 3
            index.add(value, ids)
            held |= dict(zip(ids.tolist(), value, strict=True))
            number += len(value)
        elif what == "remove" and held and isinstance(value, int):
            victim = sorted(held)[value % len(held)]
            index.remove(np.array([victim]))
            del held[victim]
            gone.append(victim)
        elif what == "restore" and gone and isinstance(value, int):
            back = gone.pop(value % len(gone))
            held[back] = some_vectors(1, seed=value)[0]
            index.add(held[back][None], np.array([back]))
        elif what == "search" and isinstance(value, int):
            check_answer(index, held, queries, value, exact=True)
        assert len(index) == len(held)
    check_answer(index, held, queries, 5, exact=True)


def clustered(videos: int = 60) -> tuple[Array, Array]:
    """Frames `[50·videos, 32]` that come video by video, as sampled, and 200 queries near them."""
    random = np.random.default_rng(5)
    starts = random.normal(size=(videos, 1, 32))
    steps = 0.1 * random.normal(size=(videos, 50, 32)).cumsum(1)
    vectors = (starts + steps).reshape(-1, 32).astype(np.float32)
    every = len(vectors) // 200
    return vectors, vectors[: 200 * every : every] + 0.05 * some_vectors(200, 32)


class IndexContract:
    def test_changes_are_answered_as_plain_loops_do(self, make: MakeIndex) -> None:
        check_changes(
            make(INDEX_DIM),
            [
                ("add", some_vectors(6)),
                ("search", 4),
                ("remove", 3),
                ("search", 40),
                ("add", some_vectors(5, seed=1)),
                ("restore", 0),
                ("search", 9),
                ("remove", 1),
            ],
        )

    def test_empty_and_too_large_k_give_what_there_is(self, make: MakeIndex) -> None:
        index = make(INDEX_DIM)
        assert index.search(some_vectors(2), 3)[0].shape == (2, 0)
        index.add(some_vectors(3), np.arange(3))
        assert index.search(some_vectors(2), 100)[0].shape == (2, 3)
        assert index.search(some_vectors(0), 2)[0].shape == (0, 2)
        assert index.search(some_vectors(2), 0)[0].shape == (2, 0)
        index.remove(np.arange(3))
        assert index.search(some_vectors(2), 3)[0].shape == (2, 0)

    def test_values_that_are_not_finite_are_refused_and_change_nothing(
        self, make: MakeIndex
    ) -> None:
        """hnswlib itself answers a NaN query silently."""
        index = make(INDEX_DIM)
        index.add(some_vectors(3), np.arange(3))
        for bad in (np.nan, np.inf):
            poisoned = some_vectors(2)
            poisoned[1, 2] = bad
            with pytest.raises(ValueError, match="not finite"):
                index.add(poisoned, np.array([8, 9]))
            with pytest.raises(ValueError, match="not finite"):
                index.search(poisoned, 1)
        assert len(index) == 3

    def test_wrong_shapes_and_ids_are_refused_and_change_nothing(self, make: MakeIndex) -> None:
        index = make(INDEX_DIM)
        index.add(some_vectors(3), np.arange(3))
        with pytest.raises(ValueError, match=r"expected \[N, 5\], got \[2, 4\]"):
            index.add(some_vectors(2, 4), np.array([8, 9]))
        with pytest.raises(ValueError, match=r"expected \[2\], got \[3\]"):
            index.add(some_vectors(2), np.array([7, 8, 9]))
        for ids in ([2, 9], [9, 9]):
            with pytest.raises(ValueError, match="there already"):
                index.add(some_vectors(2), np.array(ids))
        with pytest.raises(ValueError, match="below 0"):
            index.add(some_vectors(2), np.array([-1, 9]))
        with pytest.raises(ValueError, match=r"expected \[N, 5\]"):
            index.search(some_vectors(1, 6), 1)
        with pytest.raises(NotFound):
            index.remove(np.array([0, 77]))
        assert len(index) == 3

    def test_search_finds_99_of_100_neighbours_of_clustered_frames(self, make: MakeIndex) -> None:
        """Frames come video by video: in that order of insertion a graph would miss whole ones."""
        vectors, queries = clustered()
        index, truth = make(32), ExactIndex(32)
        for each in (index, truth):
            each.add(vectors, np.arange(len(vectors)))
        wait_until_built(index)
        got, want = index.search(queries, 10)[0], truth.search(queries, 10)[0]
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(got, want, strict=True)])
        assert recall >= 0.99


def wait_until_built(index: FrameIndex, seconds: float = 60.0) -> None:
    """Waits for an engine that builds its index after a flush: before, it compares with all vectors
    and its recall says nothing of the index."""
    if not hasattr(index, "pending") or not hasattr(index, "flush"):
        return
    index.flush()
    end = time.monotonic() + seconds
    while index.pending():
        assert time.monotonic() < end, "the engine did not build its index"
        time.sleep(0.1)


def check_tag_filter(library: Library, view: Snapshot, *, thresholds: Sequence[float]) -> None:
    """Candidates among tagged videos are those of all videos, less the others; `library` may be
    written, and every second of its videos is tagged."""
    videos = library.videos()
    for video in videos[1::2]:
        if not video.tags:
            library.set_tags(video.video_id, ("sea", "2024")[: 1 + video.ordinal % 4 // 2])
    query = fake_video_features(videos[0].video_id)
    for threshold in thresholds:
        every = library_candidates(query, threshold, library=library, view=view)
        for tags in (("sea",), ("2024", "sea")):
            kept = {v.video_id for v in library.videos() if set(tags) <= set(v.tags)}
            assert 0 < len(kept) < len(videos)
            some = library_candidates(query, threshold, library=library, view=view, tags=tags)
            want = [candidate for candidate in every if candidate.video_id in kept]
            assert [c.video_id for c in some] == [c.video_id for c in want]
            for mine, theirs in zip(some, want, strict=True):
                assert vars(mine) == pytest.approx(vars(theirs), abs=1e-5), (tags, threshold)
