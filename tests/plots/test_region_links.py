"""Lines from each region of a frame to the region that answers it, by the pixels drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visil_dash.plots.region_links import draw_links, line_width, region_colours
from visil_dash.records import Array, Preprocess

PREPROCESS = Preprocess(side=48)
GREY = np.full((420, 600, 3), 90, np.uint8)


def drawn(best: list[int], *, attention: Array | None = None, strength: float = 0.8) -> Array:
    weights = np.ones(9) if attention is None else attention
    return draw_links(
        GREY,
        GREY,
        best=np.array(best),
        strength=np.full(9, strength),
        attention=(weights, weights),
        preprocess=PREPROCESS,
    )


def coloured(picture: Array, colour: tuple[int, int, int]) -> Array:
    """Columns of the picture that hold a colour."""
    near = np.abs(picture[..., :3].astype(int) - colour).max(-1) < 30
    return np.flatnonzero(near.any(0))


def test_both_frames_stand_side_by_side_at_one_height() -> None:
    tall = np.zeros((800, 400, 3), np.uint8)
    picture = draw_links(
        GREY,
        tall,
        best=np.arange(9),
        strength=np.ones(9),
        attention=(np.ones(9), np.ones(9)),
        preprocess=PREPROCESS,
    )
    assert picture.shape[0] == 420
    assert picture.shape[1] == 600 + 36 + 210
    assert (picture[:, 600 + 2 : 600 + 34, 3] == 0).any(), "a gap shows the page"


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(9)))
def test_each_line_runs_from_its_region_to_its_answer(best: list[int]) -> None:
    picture = drawn(best)
    for region, colour in enumerate(region_colours(9)):
        columns = coloured(picture, colour)
        start, end = region % 3 * 200 + 100, 636 + best[region] % 3 * 200 + 100
        assert columns.min() <= start + 40
        assert end - 12 <= columns.max() <= end + 12


def test_less_attention_is_darker_and_equal_attention_dims_nothing() -> None:
    weights = np.linspace(0.2, 1, 9)
    seen = drawn(list(range(9)), attention=weights)[130, [190, 390, 590], 0]
    assert seen[0] < seen[1] < seen[2]
    even = drawn(list(range(9)))[130, [190, 390, 590], 0]
    assert set(even.tolist()) == {90}


def test_a_stronger_answer_has_a_thicker_line() -> None:
    widths = [line_width(strength) for strength in (-0.5, 0.2, 0.6, 1.0, 1.4)]
    assert widths == sorted(widths)
    assert widths[0] == 1.0
    assert widths[-1] == widths[-2] == 7.0


def test_colours_of_regions_are_far_apart() -> None:
    colours = np.array(region_colours(9), int)
    apart = np.abs(colours[:, None] - colours[None]).max(-1) + 255 * np.eye(9, dtype=int)
    assert apart.min() >= 60


def test_what_is_no_square_of_regions_is_refused() -> None:
    with pytest.raises(ValueError, match="square number"):
        draw_links(
            GREY,
            GREY,
            best=np.arange(8),
            strength=np.ones(8),
            attention=(np.ones(8), np.ones(8)),
            preprocess=PREPROCESS,
        )
