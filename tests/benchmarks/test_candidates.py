"""The study of candidate generation, on a collection whose answer is known."""

import numpy as np
import pytest

from benchmarks.candidates import Asked, Collection, admitted, orders
from visil_dash.reduction.distances import squared_distances


@pytest.fixture
def library() -> Collection:
    """Three videos of two frames in the plane: at 0 and 1, at 3 and 4, at 10 and 11."""
    at = np.array([0, 1, 3, 4, 10, 11], np.float32)
    return Collection(
        vectors=np.stack([at, np.zeros(6, np.float32)], 1),
        starts=np.array([0, 2, 4]),
        owner=np.array([0, 0, 1, 1, 2, 2]),
        frame=np.array([0, 1, 0, 1, 0, 1]),
        names=("a.mp4", "b.mp4", "c.mp4"),
    )


@pytest.fixture
def query() -> Asked:
    """Two frames beside those of a.mp4."""
    vectors = np.array([[0.5, 0], [1.5, 0]], np.float32)
    only = np.array([True, False, False])
    return Asked(vectors, np.array([0, 1]), only, ~only)


def test_the_share_admitted_is_of_unrelated_videos(library: Collection, query: Asked) -> None:
    near = library.nearest(squared_distances(query.vectors, library.vectors)).min(0)
    np.testing.assert_allclose(near, [0.25, 2.25, 72.25])
    assert admitted([near], [query]) == [0, 0, 0, 0]
    missed = Asked(query.vectors, query.frame, query.unrelated, query.right)
    assert admitted([near], [missed]) == [1, 1, 1, 1]


def test_every_order_puts_the_copy_first(library: Collection, query: Asked) -> None:
    distances = squared_distances(query.vectors, library.vectors)
    found = orders(distances, query, library, np.zeros(6, np.float32), limit=4.0)
    for name, order in found.items():
        assert order.argmin() == 0, name
        assert order.argmax() == 2, name
    evidence = found["evidence (ships)"]
    np.testing.assert_allclose(evidence, [-(3.75 + 3.75), -1.75, 0], atol=1e-3)
