"""A snapshot answers as if its graph missed nothing, as long as it finds some frame of a video."""

from pathlib import Path

import numpy as np
import pytest

from visil_dash.index.exact import nearest_rows
from visil_dash.index.generations import Generation
from visil_dash.index.ids import frame_ids, split_ids
from visil_dash.index.snapshot import Block, Snapshot
from visil_dash.records import Array
from visil_dash.reduction.pca import identity
from visil_dash.reduction.unit import unit_length

DIM, VIDEOS, FRAMES = 8, 50, 20


class LeakyGraph:
    """Reaches every fourth frame, and returns the nearest of these."""

    def __init__(self, ids: Array, vectors: Array) -> None:
        reached = split_ids(ids)[1] % 4 == 0
        self.ids, self.vectors = ids[reached], vectors[reached]

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        rows, distances = nearest_rows(self.vectors, queries, k)
        return self.ids[rows], distances


def snapshots(*, removed: frozenset[int]) -> tuple[Snapshot, Snapshot]:
    """The same frames with a leaky graph and with none; one video is in the tail."""
    random = np.random.default_rng(2)
    starts = random.standard_normal((VIDEOS, 1, DIM))
    walks = starts + 0.1 * random.standard_normal((VIDEOS, FRAMES, DIM)).cumsum(1)
    vectors = unit_length(walks.reshape(-1, DIM)).astype(np.float32)
    ids = np.concatenate([frame_ids(video, FRAMES) for video in range(VIDEOS)])
    kept, last = slice(0, -FRAMES), slice(-FRAMES, None)
    videos = dict.fromkeys(range(VIDEOS - 1), "")
    graph = LeakyGraph(ids[kept], vectors[kept])
    leaky, none = (
        Generation(1, Path(), ids[kept], vectors[kept], videos, index, 0)  # type: ignore[arg-type]
        for index in (graph, None)
    )
    tail = (Block(VIDEOS - 1, ids[last], vectors[last]),)
    reduction = identity(DIM)
    return (
        Snapshot(reduction, leaky, tail, removed, 1),
        Snapshot(reduction, none, tail, removed, 1),
    )


@pytest.mark.parametrize("removed", [frozenset(), frozenset({3, 8})], ids=["all", "some removed"])
@pytest.mark.parametrize("threshold", [0.01, 0.1, 0.6])
def test_frames_that_the_graph_misses_are_counted_with_their_video(
    monkeypatch: pytest.MonkeyPatch, threshold: float, removed: frozenset[int]
) -> None:
    monkeypatch.setattr("visil_dash.index.snapshot.EXACT_SHARE", 1.0)
    leaky, exact = snapshots(removed=removed)
    copied = [2, 3, VIDEOS - 1]
    queries = np.concatenate([exact.vectors[split_ids(exact.ids)[0] == v] for v in copied])

    def passed_over(ids: Array) -> Array:
        return np.asarray(split_ids(ids)[0] == 5)

    monkeypatch.setattr("visil_dash.index.snapshot.GRAPH_FRAMES", 1)
    got = leaky.within(queries, threshold, passed_over=passed_over)
    monkeypatch.setattr("visil_dash.index.snapshot.GRAPH_FRAMES", 10**9)
    expected = exact.within(queries, threshold, passed_over=passed_over)
    assert expected.hits.max() > 4
    many = expected.ordinals[expected.reference_frames > 0.75 * FRAMES]  # some are reached
    assert len(many)
    assert set(many) <= set(got.ordinals) <= set(expected.ordinals)
    places = {ordinal: place for place, ordinal in enumerate(expected.ordinals)}
    same = [places[ordinal] for ordinal in got.ordinals]
    for name, column in vars(expected).items():
        np.testing.assert_allclose(getattr(got, name), column[same], atol=1e-5, err_msg=name)
