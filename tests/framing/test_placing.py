"""An upright crop has, within a wide canvas, the regions of the picture that it came from."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import fake_regions
from visil_dash.framing.placing import REGIONS, is_upright, is_wide, placed, spread
from visil_dash.framing.views import IN_UPRIGHT, IN_WIDE, suits, views_of_other_shapes
from visil_dash.matching.similarity import frame_to_frame
from visil_dash.records import WHOLE

SIDE = 48


def scene(seed: int, *, width: int = 320, height: int = 180) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 20, width // 20, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def squashed(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)[None]


@pytest.mark.parametrize("upright", [True, False], ids=["upright", "wide"])
def test_a_third_placed_in_the_other_shape_is_found_better_than_squashed(upright: bool) -> None:
    gains = []
    for seed in range(8):
        whole = scene(seed)
        crop = whole[:, 107:213]
        if not upright:
            whole, crop = whole.transpose(1, 0, 2), crop.transpose(1, 0, 2)
        shape = crop.shape[1] / crop.shape[0]
        reference = fake_regions(squashed(whole))
        plain = frame_to_frame(fake_regions(squashed(crop)), reference)[0, 0]
        seen = placed(squashed(crop, 2 * SIDE), shape, side=SIDE)
        there = frame_to_frame(spread(fake_regions(seen), shape), reference)[0, 0]
        gains.append(there - plain)
    assert np.mean(gains) > 0.1


@given(shape=st.floats(0.2, 5.0))
def test_the_middle_third_of_a_placed_picture_shows_it_alone(shape: float) -> None:
    frames = np.full((1, 96, 96, 3), 200, np.uint8)
    frames[0, ::2] = 40
    (canvas,) = placed(frames, shape, side=SIDE)
    middle = canvas[:, 17:31] if shape < 1 else canvas[17:31]
    assert (np.abs(middle.astype(int) - 120) <= 80).all()
    edge = canvas[:, 0] if shape < 1 else canvas[0]
    assert np.ptp(edge.astype(int)) <= 1, "around it is one colour"


def test_all_regions_are_those_of_the_middle_third() -> None:
    regions = np.arange(2 * REGIONS * 4, dtype=np.float32).reshape(2, REGIONS, 4)
    upright, wide = spread(regions, 0.5), spread(regions, 2.0)
    np.testing.assert_array_equal(upright[:, [0, 1, 2]], regions[:, [1, 1, 1]])
    np.testing.assert_array_equal(wide[:, [1, 4, 7]], regions[:, [4, 4, 4]])


def test_a_query_is_seen_in_the_other_shape_where_the_library_has_it() -> None:
    assert views_of_other_shapes(9 / 16, [9 / 16, 16 / 9]) == (IN_WIDE,)
    assert views_of_other_shapes(16 / 9, [9 / 16, 16 / 9]) == (IN_UPRIGHT,)
    assert views_of_other_shapes(9 / 16, [9 / 16, 1.0]) == ()
    assert views_of_other_shapes(16 / 9, [16 / 9]) == ()
    assert views_of_other_shapes(1.0, [9 / 16, 16 / 9]) == ()


def test_about_square_is_neither_upright_nor_wide() -> None:
    assert [is_upright(s) for s in (0.5, 0.95, 1.0, 1.05, 2.0)] == [True, *[False] * 4]
    assert [is_wide(s) for s in (0.5, 0.95, 1.0, 1.05, 2.0)] == [*[False] * 4, True]


def test_a_view_in_another_shape_suits_pictures_of_that_shape_alone() -> None:
    wide, upright, square = 16 / 9, 9 / 16, 1.0
    assert [suits(IN_WIDE.key, shape) for shape in (wide, upright, square)] == [True, False, False]
    assert [suits(IN_UPRIGHT.key, s) for s in (wide, upright, square)] == [False, True, False]
    assert all(suits(key, shape) for key in (WHOLE, "centre") for shape in (wide, upright, square))
