"""frames_at gives single frames as displayed, the same ones that decoding everything finds."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import SETTINGS, decode_all, make_clip, number_of, numbered, regular
from visil_dash.media.decode import displayed_frames, frames_at, sample_frames
from visil_dash.records import Preprocess

LONG = regular(600, 25)  # 24 s: far targets are reached by seeking
CLIPS = {
    "closed groups": ("a.mp4", {"options": {"preset": "veryfast", "g": "50", "bf": "3"}}),
    "open groups": (
        "o.mp4",
        {"options": {"preset": "veryfast", "g": "40", "bf": "4", "x264-params": "open-gop=1"}},
    ),
    "open groups mkv": (
        "o.mkv",
        {"options": {"preset": "veryfast", "g": "40", "bf": "4", "x264-params": "open-gop=1"}},
    ),
    "one group": ("g.mp4", {"options": {"preset": "veryfast", "g": "900"}}),
    "hevc": (
        "h.mp4",
        {
            "codec": "libx265",
            "options": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=40:bframes=4"},
        },
    ),
    "avi": ("a.avi", {"codec": "mpeg4", "clock": Fraction(1, 25), "options": {"bf": "2"}}),
    "ts": ("a.ts", {"codec": "mpeg2video", "clock": Fraction(1, 25), "options": {"bf": "2"}}),
    "flv": ("a.flv", {"codec": "flv", "clock": Fraction(1, 25)}),
}
TIMES = [23.99, 0.0, 0.039, 0.04, 7.7, 12.0, 12.01, 7.7, 19.5, -3.0, 1e6]


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_those_of_decoding_everything(name: str, tmp_path: Path) -> None:
    file, how = CLIPS[name]
    path = make_clip(tmp_path / file, LONG, **how)  # type: ignore[arg-type]
    everything = decode_all(path)
    found = frames_at(path, TIMES, settings=SETTINGS)
    for time, picture in zip(TIMES, found, strict=True):
        shown = [p for at, _, p in everything if at <= Fraction(max(0.0, time))][-1]
        assert number_of(picture) == number_of(shown), time
        assert np.abs(picture.astype(int) - shown).mean() < 3


def test_the_long_side_is_kept_within_bounds_and_never_enlarged(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(3, 25))
    assert frames_at(path, [0], long_side=64, settings=SETTINGS)[0].shape == (48, 64, 3)
    assert frames_at(path, [0], long_side=640, settings=SETTINGS)[0].shape == (96, 128, 3)


@pytest.mark.parametrize(
    ("aspect", "shape"), [(Fraction(2), (96, 256, 3)), (Fraction(1, 2), (192, 128, 3))]
)
def test_oblong_pixels_become_square(
    aspect: Fraction, shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(3, 25), aspect=aspect)
    assert frames_at(path, [0], settings=SETTINGS)[0].shape == shape


def test_pictures_are_turned(tmp_path: Path) -> None:
    one = 1 << 16
    matrix = [0, one, 0, -one, 0, 0, 0, 0, 1 << 30]
    path = make_clip(tmp_path / "a.mp4", regular(30, 25), matrix=matrix)
    found = frames_at(path, [1.0], settings=SETTINGS)[0]
    assert found.shape == (128, 96, 3)
    assert np.abs(found.astype(int) - np.rot90(numbered(25), -1)).mean() < 6


def test_relative_times_are_shares_of_the_duration(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(100, 25))
    found = displayed_frames(path, [0.25, 0.5], relative=True, long_side=64, settings=SETTINGS)
    assert [number_of(f) for f in found] == [25, 50]


def test_a_duration_that_no_header_gives_is_found(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", regular(100, 25), container_options={"live": "1"})
    found = displayed_frames(path, [0.0, 1.0], relative=True, long_side=64, settings=SETTINGS)
    assert [number_of(f) for f in found] == [0, 99]


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv", "a.avi"])
def test_the_time_of_a_sampled_frame_gives_that_frame(file: str, tmp_path: Path) -> None:
    clock = Fraction(1001, 30000)
    path = make_clip(tmp_path / file, regular(120, 1 / clock), clock=clock, codec="mpeg4")
    with sample_frames(path, preprocess=Preprocess(side=64), rate=60.0, settings=SETTINGS) as video:
        batches = list(video)
    times = np.concatenate([batch.timestamps for batch in batches])
    assert len(times) >= 115
    again = frames_at(path, times.tolist(), long_side=64, settings=SETTINGS)
    expected = [number_of(frame) for batch in batches for frame in batch.frames]
    assert [number_of(frame) for frame in again] == expected


def test_there_may_be_very_many_times(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(100, 25))
    times = [i / 300 for i in range(1200)]
    found = frames_at(path, times, long_side=32, settings=SETTINGS)
    assert [number_of(f) for f in found] == [i * 25 // 300 for i in range(1200)]


def test_no_times_need_no_decoder(tmp_path: Path) -> None:
    assert frames_at(tmp_path / "none.mp4", [], settings=SETTINGS) == []


@pytest.mark.parametrize("side", [0, -1, 16385])
def test_the_side_must_be_possible(side: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="long_side"):
        frames_at(tmp_path / "none.mp4", [0.0], long_side=side, settings=SETTINGS)


def test_times_must_be_finite(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="finite"):
        frames_at(tmp_path / "none.mp4", [float("nan")], settings=SETTINGS)
