"""The laws by which the pipeline is predicted, against collections that are drawn by them."""

import numpy as np
import pytest

from benchmarks.candidates import Asked, Collection
from benchmarks.scale.laws import Counted, candidates, recall_counted, recall_within
from benchmarks.scale.measuring import Met, met
from benchmarks.scale.synthesis import MadeVideos
from visil_dash.reduction.quantisation import Precision
from visil_dash.reduction.unit import unit_length


def drawn(videos: int, queries: int = 400, seed: int = 0) -> list[Met]:
    """Queries of which each has its own chance that an unrelated video comes before the copy."""
    random = np.random.default_rng(seed)
    chances = random.beta(0.1, 10, queries)
    return [Met(1.0, 1.0 / np.maximum(random.uniform(0, 1, videos) / p, 1e-9)) for p in chances]


def test_recall_of_a_larger_collection_follows_from_a_smaller_one() -> None:
    every = drawn(20_000)
    fitted = [query.among(1_000) for query in every]
    larger = [query.among(20_000) for query in every]
    for budget in (20, 200, 2_000):
        assert recall_within(fitted, 20_000, budget) == pytest.approx(
            recall_counted(larger, budget), abs=0.03
        )
    assert recall_counted(larger, 20) < recall_counted(fitted, 20)


def test_candidates_grow_in_proportion_and_what_is_not_within_the_threshold_is_never_found() -> (
    None
):
    counted = [Counted(100, 30, 2, found=True), Counted(100, 10, 0, found=False)]
    assert candidates(counted, 1_000) == 200
    assert recall_within(counted, 10**6, 10**6 + 1) == pytest.approx(0.5)


@pytest.fixture
def library() -> Collection:
    random = np.random.default_rng(3)
    walks = random.normal(size=(20, 1, 32)) + 0.2 * random.normal(size=(20, 9, 32)).cumsum(1)
    return Collection(
        unit_length(walks.reshape(-1, 32)).astype(np.float32),
        np.arange(20) * 9,
        np.repeat(np.arange(20), 9),
        np.tile(np.arange(9), 20),
        tuple(f"v{i}" for i in range(20)),
    )


def test_made_videos_are_as_many_frames_of_unit_length_and_the_same_in_each_run(
    library: Collection,
) -> None:
    for frames in (1_000, 5_000):
        blocks = list(MadeVideos(library.vectors, library.starts).blocks(frames))
        vectors = np.concatenate([block for block, _ in blocks])
        assert frames <= len(vectors) < frames + 9
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        again, _ = next(MadeVideos(library.vectors, library.starts).blocks(frames))
        np.testing.assert_array_equal(vectors[: len(again)], again)
        assert all(starts[0] == 0 and starts[-1] < len(block) for block, starts in blocks)


def test_a_copy_has_more_evidence_than_what_was_made(library: Collection) -> None:
    own = np.arange(20) == 4
    query = Asked(library.vectors[36:45], np.arange(9), own, ~own)
    found, ends = met(
        [query], library, lambda v: v, precision=Precision.INT8, frames=2_000, limit=1.0
    )
    assert len(ends) == len(found[0].unrelated)
    assert found[0].among(len(ends)).before == 0
    assert found[0].among(len(ends)).found
