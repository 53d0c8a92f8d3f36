"""Claims about candidate pairs: the index proposes what exact search would, nothing more."""

import itertools

import numpy as np
import pytest

from visil_dash.collection.likely_pairs import candidate_pairs
from visil_dash.errors import Cancelled
from visil_dash.index.ids import frame_ids
from visil_dash.progress import Watch
from visil_dash.records import Array

DIM = 6


class Exact:
    """Frames of videos by ordinal; exact search by plain numpy, k at most all."""

    def __init__(self, videos: dict[int, Array]) -> None:
        self.ids = np.concatenate([frame_ids(o, len(v)) for o, v in videos.items()])
        self.vectors = np.concatenate(list(videos.values())).astype(np.float32)
        self.looked_up = 0

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        self.looked_up += len(queries) * k
        far = ((queries[:, None].astype(float) - self.vectors[None]) ** 2).sum(-1)
        order = np.argsort(far, axis=1, kind="stable")[:, :k]
        return self.ids[order], np.take_along_axis(far, order, 1)


def world(seed: int, videos: int = 9) -> dict[int, Array]:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(4, DIM))
    made = {}
    for video in range(videos):
        frames = int(random.integers(1, 12))
        made[10 + 3 * video] = centres[random.integers(0, 4, frames)] + 0.3 * random.normal(
            size=(frames, DIM)
        )
    return made


def plain_pairs(videos: dict[int, Array], threshold: float) -> dict[tuple[int, int], float]:
    out = {}
    for a, b in itertools.combinations(sorted(videos), 2):
        nearest = min(
            float(((x - y) ** 2).sum())
            for x in videos[a].astype(np.float32).astype(float)
            for y in videos[b].astype(np.float32).astype(float)
        )
        if nearest <= threshold:
            out[a, b] = nearest
    return out


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.05, 0.6, 3.0])
@pytest.mark.parametrize("first_k", [1, 4])
def test_candidates_are_the_pairs_with_a_near_frame(
    seed: int, threshold: float, first_k: int
) -> None:
    videos = world(seed)
    found = candidate_pairs(Exact(videos), threshold, first_k=first_k)
    told = dict(zip(zip(found.first, found.second, strict=True), found.distance, strict=True))
    expected = plain_pairs(videos, threshold)
    assert told.keys() == expected.keys()
    assert [told[pair] for pair in expected] == pytest.approx(list(expected.values()), rel=1e-5)
    assert found.capped == 0
    assert found.frames == sum(map(len, videos.values()))


def test_a_still_video_does_not_hide_its_neighbour() -> None:
    still = np.zeros((40, DIM))
    videos = {1: still, 2: np.full((1, DIM), 0.1), 3: np.full((5, DIM), 9.0)}
    found = candidate_pairs(Exact(videos), 0.5, first_k=2)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(1, 2)]


def test_frames_with_more_neighbours_than_are_looked_at_are_told() -> None:
    videos = {1: np.zeros((40, DIM)), 2: np.zeros((40, DIM))}
    found = candidate_pairs(Exact(videos), 0.5, first_k=2, most_k=8)
    assert found.capped == 80


def test_looking_up_candidates_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        candidate_pairs(Exact(world(0)), 1.0, watch=Watch(stopped=lambda: True))


def test_an_empty_collection_has_no_candidates() -> None:
    class Empty:
        ids = np.empty(0, np.int64)
        vectors = np.empty((0, DIM), np.float32)

        def search(self, queries: Array, k: int) -> tuple[Array, Array]:
            raise AssertionError("nothing to search for")

    assert len(candidate_pairs(Empty(), 1.0)) == 0
