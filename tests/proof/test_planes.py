"""planes_at gives the pictures of frames_at, light and colours apart."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import SETTINGS, make_clip, numbered, regular
from visil_dash.media.decode import frames_at
from visil_dash.proof.planes import planes_at

ONE = 1 << 16
TURNED = [0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv444p", "yuvj420p"])
@pytest.mark.parametrize("matrix", [None, TURNED], ids=["upright", "turned"])
def test_the_colours_are_those_of_the_packed_picture(
    pixels: str, matrix: list[int] | None, tmp_path: Path
) -> None:
    colours = np.zeros((96, 128, 3), np.uint8)
    colours[:, :64], colours[:48, 64:] = (200, 50, 80), (20, 90, 180)
    path = make_clip(
        tmp_path / "a.mkv",
        regular(3, 25),
        pixels=pixels,
        pictures=[colours] * 3,
        options={"crf": "1"},
        matrix=matrix,
    )
    (found,) = planes_at(path, [0.0], long_side=128, settings=SETTINGS)
    packed = frames_at(path, [0.0], long_side=128, settings=SETTINGS)[0].astype(int)
    apart = np.abs(found.rgb.astype(int) - packed)
    assert found.rgb.shape == packed.shape
    assert np.median(apart) <= 2
    assert np.quantile(apart, 0.9) <= 5  # colours run over at edges


def test_the_frames_are_those_on_screen_at_the_times(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(100, 25))
    times = [3.0, 0.5, 1.28]
    for time, found in zip(
        times, planes_at(path, times, long_side=128, settings=SETTINGS), strict=True
    ):
        grey = numbered(round(25 * time)).mean(2)
        assert np.abs(found.light - grey).mean() < 12


def test_sides_are_even(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(3, 25))  # 128 × 96
    (found,) = planes_at(path, [0.0], long_side=101, settings=SETTINGS)
    assert found.light.shape == (76, 100)
    assert found.colours.shape == (38, 50, 2)
