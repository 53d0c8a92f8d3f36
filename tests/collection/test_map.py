"""Claims about the similarity map: true distances come back, and it tells how far to trust it."""

import itertools

import numpy as np
import pytest

from visil_dash.collection.map import (
    best_match_is_nearest,
    classical_scaling,
    dissimilarity,
    distances,
    similarity_map,
)
from visil_dash.errors import Cancelled
from visil_dash.plots.collection import selected_dots, similarity_dots
from visil_dash.progress import Progress, Watch
from visil_dash.records import Array


def scores_of(points: Array) -> Array:
    """Scores that fall with the distance of points on a plane."""
    far = distances(points)
    return 1 - far / far.max()


@pytest.mark.parametrize("seed", range(4))
def test_points_of_a_plane_come_back_up_to_turning_and_size(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(size=(12, 2))
    wanted = distances(points)
    np.testing.assert_allclose(distances(classical_scaling(wanted)), wanted, atol=1e-9)
    found = similarity_map(scores_of(points))
    # Scores know distances up to scale and a constant, since only other videos span 0..1.
    assert found.explained > 0.95


def test_dissimilarity_takes_the_better_direction_and_least_where_nothing_is_known() -> None:
    scores = np.array([[1, 0.9, 0.1], [0.2, 1, np.nan], [0.5, np.nan, 1]], np.float32)
    out = dissimilarity(scores)
    np.testing.assert_allclose(out, [[0, 0, 1], [0, 0, 1], [1, 1, 0]], atol=1e-6)
    assert (dissimilarity(np.full((3, 3), np.nan)) == 1 - np.eye(3)).all()


def test_groups_stand_apart_and_their_members_together() -> None:
    member = np.repeat(np.arange(4), 4)
    scores = np.where(member[:, None] == member[None], 0.9, 0.1)
    found = similarity_map(scores)
    far = distances(found.positions)
    same = member[:, None] == member[None]
    assert far[same].max() < far[~same].min()
    assert best_match_is_nearest(found, scores, 0.6) == (16, 16)
    again = similarity_map(scores)
    np.testing.assert_array_equal(found.positions, again.positions)


def test_laying_out_reports_its_progress_and_stops_when_asked() -> None:
    scores = np.random.default_rng(0).uniform(size=(30, 30))
    seen: list[Progress] = []
    similarity_map(scores, watch=Watch(seen.append))
    shares = [progress.share for progress in seen]
    assert shares[0] == 0
    assert all(a < b < 1 for a, b in itertools.pairwise(shares))
    assert len(shares) > 3
    seen.clear()
    with pytest.raises(Cancelled):
        similarity_map(scores, watch=Watch(seen.append, lambda: len(seen) == 3))
    assert len(seen) == 3


def test_distances_are_those_of_plain_loops() -> None:
    points = np.random.default_rng(0).normal(size=(6, 2))
    far = distances(points)
    for i, j in np.ndindex(6, 6):
        assert far[i, j] == pytest.approx(np.linalg.norm(points[i] - points[j]), abs=1e-12)


def test_what_a_plane_cannot_hold_is_told() -> None:
    # All equally far from each other: no two dimensions can show that.
    random = np.random.default_rng(1)
    scores = 0.5 + 0.01 * random.uniform(size=(60, 60))
    assert similarity_map(scores).explained < 0.5


@pytest.mark.parametrize("videos", [1, 2, 3])
def test_small_collections_have_a_map(videos: int) -> None:
    scores = np.full((videos, videos), 0.4)
    found = similarity_map(scores)
    assert found.positions.shape == (videos, 2)
    assert np.isfinite(found.positions).all()


def test_dots_stand_at_their_places_and_a_lasso_names_them() -> None:
    positions = np.array([[0.0, 0.0], [1.0, 0.5], [0.2, 0.9]])
    figure = similarity_dots(
        positions,
        ["<b>a", "b", "c"],
        group=[0, -1, 0],
        links=[(0, 2)],
        chosen=[2],
    )
    dots = figure.data[1]
    np.testing.assert_array_equal(dots.x, positions[:, 0])
    assert dots.text[0] == "&lt;b&gt;a"
    assert dots.marker.color[0] == dots.marker.color[2] != dots.marker.color[1]
    assert list(figure.data[2].x) == [0.2]
    points = [
        {"curve_number": 1, "point_index": 2},
        {"curve_number": 1, "point_index": 0},
        {"curve_number": 2, "point_index": 1},
        {"curve_number": 1, "point_index": 9},
    ]
    assert selected_dots(points, 3) == [0, 2]
    assert figure.layout.yaxis.scaleanchor == "x"
