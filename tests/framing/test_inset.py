"""An inset keeps its size while it moves; footage without one has none."""

import cv2
import numpy as np
import pytest

from visil_dash.framing.inset import InsetFinder, corners_of
from visil_dash.records import Array

SIDE = 320


def footage(seed: int, *, frames: int = 10, width: int = SIDE, height: int = SIDE) -> list[Array]:
    """A soft scene with grain that a camera pans over."""
    rng = np.random.default_rng(seed)
    scene = cv2.resize(rng.integers(0, 256, (12, 24, 3)).astype(np.uint8), (1000, 600))
    grain = rng.integers(-6, 7, scene.shape)
    scene = np.clip(scene + grain, 0, 255).astype(np.uint8)
    return [scene[6 * k : 6 * k + height, 20 * k : 20 * k + width].copy() for k in range(frames)]


def found(frames: Array) -> tuple[int, int] | None:
    finder = InsetFinder()
    for part in np.array_split(frames, 3):
        finder.add(part)
    return finder.size()


@pytest.mark.parametrize("size", [(120, 120), (190, 110), (100, 180)])
@pytest.mark.parametrize("seed", range(3))
def test_an_inset_is_found_where_it_is(size: tuple[int, int], seed: int) -> None:
    width, height = size
    frames = np.stack(footage(seed))
    places = []
    for k, small in enumerate(footage(seed + 10, width=width, height=height)):
        x, y = (SIDE - width) * k // 10, (SIDE - height) * (9 - k) // 10
        frames[k, y : y + height, x : x + width] = small
        places.append((x, y))
    got = found(frames)
    assert got == pytest.approx(size, abs=4)
    assert got is not None
    seen = [c for c in corners_of(frames, got) if c is not None]
    assert len(seen) == len(places)
    assert np.abs(np.subtract(seen, places)).mean() < 4


@pytest.mark.parametrize("seed", range(5))
def test_footage_alone_has_no_inset(seed: int) -> None:
    assert found(np.stack(footage(seed))) is None


def test_no_frames_have_no_inset() -> None:
    assert InsetFinder().size() is None
