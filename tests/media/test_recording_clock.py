"""A gap in a recording's clock is no content: for samples, single frames, previews and players."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.clips import (
    SETTINGS,
    decode_all,
    make_clip,
    number_of,
    numbered,
    regular,
)
from visil_dash.media.decode import displayed_frames, frames_at, sample_frames
from visil_dash.media.preview import make_preview, plays_in_browser
from visil_dash.progress import Progress, Watch
from visil_dash.records import Array, Decoded, MediaInfo, Preprocess

TWO_HOURS = Fraction(7200)
MILLISECOND = Fraction(1, 1000)
CONTAINERS: dict[str, dict[str, Any]] = {
    "a.mp4": {},
    "fragmented.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "a.mov": {},
    "a.mkv": {"clock": MILLISECOND},
    "a.webm": {"codec": "libvpx", "clock": MILLISECOND},
    "a.flv": {"codec": "flv1", "clock": MILLISECOND},
    "a.ts": {},
}


def after_the_first(seconds: Fraction, *, count: int, rate: int) -> list[Fraction]:
    """Times of a recording whose clock is set forward after its first frame."""
    return [Fraction(0), *(seconds + t for t in regular(count - 1, rate))]


def sampled(path: Path) -> tuple[list[int], list[float], MediaInfo]:
    """Numbers of the sampled frames, their times, and what is known of the file."""
    with sample_frames(path, preprocess=Preprocess(side=64), settings=SETTINGS) as video:
        batches = list(video)
    numbers = [number_of(frame) for batch in batches for frame in batch.frames]
    return numbers, [float(t) for batch in batches for t in batch.timestamps], video.info


@pytest.mark.parametrize("file", CONTAINERS)
def test_a_clock_that_jumps_two_hours_adds_no_content(file: str, tmp_path: Path) -> None:
    times = after_the_first(TWO_HOURS, count=251, rate=25)
    path = make_clip(tmp_path / file, times, **CONTAINERS[file])
    numbers, stamps, info = sampled(path)
    # How long the frame before the jump was shown is not known: a second at most.
    assert info.duration == pytest.approx(10.5, abs=0.6)
    assert stamps[-1] < 11
    assert len(numbers) in (11, 12)
    assert info.verdict is Decoded.PARTIAL
    assert "clock jumps 1 time" in info.reason
    assert "7210" not in info.reason


@pytest.mark.parametrize("file", CONTAINERS)
def test_single_frames_are_those_that_were_sampled(file: str, tmp_path: Path) -> None:
    times = after_the_first(TWO_HOURS, count=251, rate=25)
    path = make_clip(tmp_path / file, times, **CONTAINERS[file])
    numbers, stamps, _ = sampled(path)
    assert [number_of(f) for f in frames_at(path, stamps, settings=SETTINGS)] == numbers


@pytest.mark.parametrize("file", CONTAINERS)
def test_pictures_spread_over_a_video_do_not_fall_into_the_gap(file: str, tmp_path: Path) -> None:
    times = after_the_first(TWO_HOURS, count=251, rate=25)
    path = make_clip(tmp_path / file, times, **CONTAINERS[file])
    shares = [0.2, 0.4, 0.6, 0.8]
    shown = displayed_frames(path, shares, relative=True, long_side=128, settings=SETTINGS)
    for frame, share in zip(shown, shares, strict=True):
        assert number_of(frame) == pytest.approx(250 * share, abs=26)


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv", "a.webm"])
def test_a_frame_beyond_a_gap_in_the_middle_is_found_by_its_time(file: str, tmp_path: Path) -> None:
    # In the file's own times 1,090 s lies behind the gap, and 70 s behind its beginning.
    times = [*regular(20, 1), *(1020 + t for t in regular(1100, 1))]
    how = {**CONTAINERS[file], "options": {"g": "10"}}
    path = make_clip(tmp_path / file, times, **how)
    shown = frames_at(path, [5.0, 19.0, 20.0, 700.0, 1090.0], settings=SETTINGS)
    assert [number_of(f) for f in shown] == [5, 19, 20, 700, 1090]


def test_the_file_is_played_as_a_copy_without_the_gap(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", after_the_first(TWO_HOURS, count=251, rate=25))
    _, stamps, info = sampled(path)
    assert not plays_in_browser(info)  # a browser shows the first frame for two hours
    make_preview(path, tmp_path / "p.mp4", settings=SETTINGS)
    copied = decode_all(tmp_path / "p.mp4")
    assert float(copied[-1][0]) == pytest.approx(info.duration, abs=0.1)
    original = frames_at(path, stamps, settings=SETTINGS)
    copy = frames_at(tmp_path / "p.mp4", stamps, settings=SETTINGS)
    assert [number_of(f) for f in copy] == [number_of(f) for f in original]


def test_a_last_frame_of_two_hours_is_no_content(tmp_path: Path) -> None:
    path = with_long_frame(tmp_path / "a.mp4", stays=7200, sound=0)
    _, stamps, info = sampled(path)
    assert info.duration < 5
    assert stamps[-1] < 5
    assert "clock jumps 1 time" in info.reason


def test_a_jump_beyond_the_longest_video_does_not_refuse_it(tmp_path: Path) -> None:
    times = after_the_first(Fraction(30 * 3600), count=101, rate=25)
    path = make_clip(tmp_path / "a.mkv", times, clock=MILLISECOND)
    assert sampled(path)[2].duration == pytest.approx(4.5, abs=0.6)


def test_progress_never_goes_back(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", after_the_first(TWO_HOURS, count=251, rate=25))
    seen: list[Progress] = []
    watch = Watch(seen.append)
    with sample_frames(
        path, preprocess=Preprocess(side=64), settings=SETTINGS, watch=watch
    ) as video:
        list(video)
    assert [p.done for p in seen] == sorted(p.done for p in seen)


# ---- what is content, although nothing moves ----


def test_a_slide_of_fourteen_minutes_is_content(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", [Fraction(0), Fraction(840), Fraction(841)])
    _, stamps, info = sampled(path)
    assert stamps == [0, 840, 841]
    assert info.verdict is Decoded.OK


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv"])
def test_a_picture_that_stays_while_the_sound_goes_on_is_content(file: str, tmp_path: Path) -> None:
    path = with_long_frame(tmp_path / file, stays=1200, sound=1203)
    _, stamps, info = sampled(path)
    assert stamps == [0, 1, 2, 1202]
    assert info.duration == pytest.approx(1203, abs=0.1)
    assert info.verdict is Decoded.OK


def test_sound_that_jumps_with_the_pictures_does_not_fill_the_gap(tmp_path: Path) -> None:
    path = with_long_frame(tmp_path / "a.mp4", stays=1200, sound=2, resumes=1202)
    _, stamps, info = sampled(path)
    assert stamps[:3] == [0, 1, 2]
    assert info.duration < 6
    assert "clock jumps 1 time" in info.reason


def with_long_frame(path: Path, *, stays: int, sound: int, resumes: int | None = None) -> Path:
    """Frames at 0, 1 and 2 s and after the third one has stayed; sound from 0 to `sound` seconds,
    and for one second from `resumes` on. Without sound the third frame is the last."""
    output: Any = av.open(str(path), "w")
    video = output.add_stream("libx264", rate=1)
    video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
    video.codec_context.time_base = MILLISECOND
    video.options = {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}
    audio = output.add_stream("aac", rate=8000, layout="mono") if sound else None
    times = [0, 1, 2, 2 + stays]
    packets = []
    for number, second in enumerate(times):
        packets += _encoded(video, numbered(number), second)
    packets += video.encode()
    if audio is None:
        packets, last = packets[:3], packets[2]
        last.duration = round(stays / last.time_base)
    else:
        seconds = [*range(sound), *([] if resumes is None else [resumes])]
        for second in seconds:
            packets += _second_of_sound(audio, second)
        packets += audio.encode()
    for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
        output.mux(packet)
    output.close()
    return path


def _encoded(stream: Any, picture: Array, second: int) -> list[Any]:
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = second * 1000, MILLISECOND
    return list(stream.encode(frame))


def _second_of_sound(stream: Any, second: int) -> list[Any]:
    packets: list[Any] = []
    for start in range(0, 8000, 1000):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1000), np.float32), "fltp", "mono")
        frame.sample_rate, frame.time_base = 8000, Fraction(1, 8000)
        frame.pts = second * 8000 + start
        packets += stream.encode(frame)
    return packets
