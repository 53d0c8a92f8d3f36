"""sample_frames gives the frames that are on screen at the ticks, with their true times."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clips import (
    SETTINGS,
    decode_all,
    expected_sample,
    make_clip,
    number_of,
    numbered,
    regular,
)
from visil_dash.media.decode import FrameBatch, sample_frames
from visil_dash.media.times import on_ticks
from visil_dash.progress import Progress, Watch
from visil_dash.records import Array, Decoded, MediaInfo, Preprocess

SQUASH = Preprocess(side=64)


def sampled(
    path: Path, *, rate: float = 1.0, preprocess: Preprocess = SQUASH
) -> tuple[Array, Array, MediaInfo]:
    """Frames, timestamps and info of a whole file."""
    with sample_frames(path, preprocess=preprocess, rate=rate, settings=SETTINGS) as video:
        batches = list(video)
    frames = np.concatenate([b.frames for b in batches])
    return frames, np.concatenate([b.timestamps for b in batches]), video.info


@given(
    steps=st.lists(st.integers(1, 50), max_size=40),
    length=st.integers(0, 50),
    rate=st.fractions(Fraction(1, 60), 3, max_denominator=100),
)
def test_the_rule_is_that_of_a_plain_loop_over_ticks(
    steps: list[int], length: int, rate: Fraction
) -> None:
    times = [sum(steps[:i]) for i in range(len(steps) + 1)]
    end = times[-1] + length
    expected: list[int] = []
    tick = 0
    while tick / rate <= max(times[-1], end):
        at = max(t for t in times if t <= tick / rate)
        if (tick / rate < end or tick / rate == at) and at not in expected:
            expected.append(at)
        tick += 1
    picked = on_ticks(((str(t), t) for t in times), ticks_per_unit=rate, end=lambda: end)
    assert list(picked) == [(str(t), t) for t in expected]


VARIABLE = [Fraction(n, 1000) for n in (0, 40, 60, 500, 990, 1000, 1010, 2700, 2750, 6001, 6002)]
CLIPS = {
    "25 fps mp4": ("a.mp4", {}, regular(80, 25)),
    "29.97 fps mkv": ("a.mkv", {}, regular(100, Fraction(30000, 1001))),
    "B frames mp4": ("b.mp4", {"options": {"preset": "veryfast", "bf": "3"}}, regular(100, 25)),
    "variable mp4": ("v.mp4", {}, VARIABLE),
    "variable webm": ("v.webm", {"codec": "libvpx", "clock": Fraction(1, 1000)}, VARIABLE),
    "1 fps mp4": ("one.mp4", {}, regular(7, 1)),
    "0.2 fps mp4": ("slow.mp4", {}, regular(4, Fraction(1, 5))),
    "240 fps mp4": ("fast.mp4", {}, regular(500, 240)),
    "one frame": ("still.mp4", {}, regular(1, 25)),
    "three frames": ("three.mp4", {}, regular(3, 30)),
    "late start mkv": ("late.mkv", {}, [t + 7 for t in regular(60, 25)]),
    "fragmented mp4": (
        "frag.mp4",
        {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
        regular(60, 25),
    ),
    "mpeg4 avi": (
        "a.avi",
        {"codec": "mpeg4", "clock": Fraction(1, 25), "options": {"bf": "2", "g": "12"}},
        regular(60, 25),
    ),
    "h264 avi": ("h.avi", {"clock": Fraction(1, 25), "options": {"bf": "0"}}, regular(60, 25)),
    "mpeg2 ts": (
        "a.ts",
        {"codec": "mpeg2video", "clock": Fraction(1, 25), "options": {"bf": "2", "g": "12"}},
        regular(60, 25),
    ),
    "h264 m2ts": (
        "a.m2ts",
        {"container": "mpegts", "container_options": {"mpegts_m2ts_mode": "1"}},
        regular(60, 25),
    ),
    "mpeg1 ps": (
        "a.mpg",
        {"codec": "mpeg1video", "container": "mpeg", "clock": Fraction(1, 25)},
        regular(60, 25),
    ),
    "flv": ("a.flv", {"codec": "flv", "clock": Fraction(1, 25)}, regular(60, 25)),
    "gif": ("a.gif", {"codec": "gif", "clock": Fraction(1, 10), "pixels": "rgb8"}, regular(35, 10)),
    "vp9 webm": (
        "nine.webm",
        {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}},
        regular(60, 25),
    ),
    "av1 mkv": ("av1.mkv", {"codec": "libsvtav1", "options": {"preset": "12"}}, regular(60, 25)),
    "hevc mp4": (
        "h265.mp4",
        {"codec": "libx265", "options": {"preset": "ultrafast", "x265-params": "log-level=none"}},
        regular(60, 25),
    ),
    "vp8 ogg": (
        "a.ogv",
        {"codec": "libvpx", "container": "ogg", "clock": Fraction(1, 25)},
        regular(60, 25),
    ),
    "prores mov": ("a.mov", {"codec": "prores_ks", "pixels": "yuv422p10le"}, regular(30, 25)),
    "ffv1 mkv": ("lossless.mkv", {"codec": "ffv1"}, regular(30, 25)),
    "mjpeg mov": ("m.mov", {"codec": "mjpeg", "pixels": "yuvj420p"}, regular(30, 25)),
    "h263 3gp": (
        "a.3gp",
        {"codec": "h263", "size": (176, 144), "clock": Fraction(1001, 30000)},
        regular(60, Fraction(30000, 1001)),
    ),
}


@pytest.mark.parametrize("name", CLIPS)
def test_frames_and_times_are_those_of_decoding_everything(name: str, tmp_path: Path) -> None:
    file, how, times = CLIPS[name]
    path = make_clip(tmp_path / file, times, **how)  # type: ignore[arg-type]
    everything = decode_all(path)
    for rate in (1.0, 3.7):
        frames, stamps, info = sampled(path, rate=rate)
        expected = expected_sample(everything, Fraction(rate).limit_denominator(10**6))
        assert stamps.tolist() == [float(at) for at, _ in expected]
        assert [number_of(f) for f in frames] == [number_of(p) for _, p in expected]
        assert info.verdict is Decoded.OK, info.reason
        assert info.frames_decoded == len(everything)


def test_batches_hold_at_most_32_frames(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(150, 25))
    with sample_frames(path, preprocess=SQUASH, rate=25, settings=SETTINGS) as video:
        batches: list[FrameBatch] = list(video)
    assert [len(b) for b in batches] == [32, 32, 32, 32, 22]
    assert all(b.frames.dtype == np.uint8 and b.timestamps.dtype == np.float64 for b in batches)


def test_info_is_not_known_before_the_end(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(150, 25))
    with sample_frames(path, preprocess=SQUASH, rate=25, settings=SETTINGS) as video:
        next(iter(video))
        with pytest.raises(RuntimeError, match="all batches"):
            _ = video.info


def test_info_describes_what_was_decoded(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", regular(50, 25), aspect=Fraction(3, 2))
    info = sampled(path)[2]
    assert (info.container, info.codec, info.frames_decoded) == ("matroska", "h264", 50)
    assert (info.width, info.height) == (192, 96)
    assert info.duration == pytest.approx(2.0)


def test_progress_ends_at_the_duration(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(50, 25))
    seen: list[Progress] = []
    with sample_frames(
        path,
        preprocess=SQUASH,
        settings=SETTINGS,
        watch=Watch(seen.append),
    ) as video:
        list(video)
    assert (seen[-1].done, seen[-1].total) == pytest.approx((2.0, 2.0))
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_a_clock_that_restarts_is_carried_on_and_reported(tmp_path: Path) -> None:
    how = {"codec": "mpeg2video", "clock": Fraction(1, 25), "options": {"bf": "0"}}
    late = [t + 100 for t in regular(75, 25)]
    first = make_clip(tmp_path / "1.ts", late, **how)  # type: ignore[arg-type]
    second = make_clip(tmp_path / "2.ts", regular(75, 25), **how)  # type: ignore[arg-type]
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    _, stamps, info = sampled(both)
    assert info.frames_decoded == 150
    assert stamps.tolist() == [0, 1, 2, 3, 4, 5]
    assert "clock jumps 1 time" in info.reason


TURNS: dict[
    str, tuple[tuple[int, ...], Callable[[Array], Array]]
] = {  # display matrix (a, b, c, d) → what a player shows, as numpy sees it
    "as stored": ((1, 0, 0, 1), lambda p: p),
    "quarter clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "quarter counter-clockwise": ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
    "half": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down mirrored": ((1, 0, 0, -1), lambda p: p[::-1]),
    "transposed": ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
    "transposed along the other diagonal": (
        (0, -1, -1, 0),
        lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    ),
}


@pytest.mark.parametrize("name", TURNS)
def test_pictures_are_turned_and_mirrored_as_the_file_says(name: str, tmp_path: Path) -> None:
    (a, b, c, d), shown = TURNS[name]
    one = 1 << 16
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    path = make_clip(tmp_path / "a.mp4", regular(30, 25), matrix=matrix)
    frames, _, info = sampled(path)
    for frame, number in zip(frames, (0, 25), strict=True):
        expected = cv2.resize(np.ascontiguousarray(shown(numbered(number))), (64, 64))
        assert np.abs(frame.astype(int) - expected).mean() < 6
    assert (info.width, info.height) == shown(numbered(0)).shape[1::-1]


def test_crop_takes_the_middle_after_resizing_the_short_side(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(30, 25), options={"crf": "5"})
    frames, _, _ = sampled(path, preprocess=Preprocess(side=48, mode="crop", resize=60))
    for frame, number in zip(frames, (0, 25), strict=True):
        whole = cv2.resize(numbered(number), (80, 60), interpolation=cv2.INTER_AREA)
        assert np.abs(frame.astype(int) - whole[6:54, 16:64]).mean() < 4


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv444p", "yuvj420p"])
def test_colours_survive_depth_and_range(pixels: str, tmp_path: Path) -> None:
    colour = np.full((96, 128, 3), (200, 50, 80), dtype=np.uint8)
    path = make_clip(
        tmp_path / "a.mkv",
        regular(3, 25),
        pixels=pixels,
        pictures=[colour] * 3,
        options={"crf": "1"},
    )
    frames, _, _ = sampled(path)
    assert np.abs(frames[0].astype(int) - (200, 50, 80)).max() <= 4


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_rate_that_is_not_positive_is_an_error(rate: float, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(3, 25))
    with pytest.raises(ValueError, match="rate"):
        sample_frames(path, preprocess=SQUASH, rate=rate, settings=SETTINGS)
