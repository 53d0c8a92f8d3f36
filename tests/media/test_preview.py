"""Posters, strips and previews: what they show, how large they are, whole or not at all."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.support.clips import SETTINGS, decode_all, make_clip, number_of, numbered, regular
from visil_dash.errors import Cancelled, MediaRefused, StoreError
from visil_dash.media import preview
from visil_dash.media.decode import frames_at, sample_frames
from visil_dash.media.preview import make_poster, make_preview, make_strip, plays_in_browser
from visil_dash.progress import Watch
from visil_dash.records import Array, MediaInfo, Preprocess


def jpeg(path: Path) -> Array:
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    return np.asarray(cv2.imread(str(path)))[:, :, ::-1]


def boxes(path: Path) -> list[bytes]:
    data, position, names = path.read_bytes(), 0, []
    while position < len(data):
        names.append(data[position + 4 : position + 8])
        position += int.from_bytes(data[position : position + 4], "big")
    return names


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "wide.mkv", regular(100, 25), size=(960, 540))


def test_a_poster_is_a_small_jpeg(wide: Path, tmp_path: Path) -> None:
    make_poster(wide, tmp_path / "poster.jpg", settings=SETTINGS)
    poster = jpeg(tmp_path / "poster.jpg")
    assert poster.shape == (270, 480, 3)
    assert number_of(poster) in range(100)


def test_a_poster_is_not_black_when_there_is_something_to_see(tmp_path: Path) -> None:
    black = np.zeros((96, 128, 3), np.uint8)
    pictures = [numbered(7) if 68 <= i < 72 else black for i in range(100)]
    clip = make_clip(tmp_path / "a.mp4", regular(100, 25), pictures=pictures)
    make_poster(clip, tmp_path / "poster.jpg", settings=SETTINGS)
    assert number_of(jpeg(tmp_path / "poster.jpg")) == 7


def test_a_strip_goes_through_the_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", regular(100, 25))
    make_strip(clip, tmp_path / "strip.jpg", count=5, height=48, settings=SETTINGS)
    strip = jpeg(tmp_path / "strip.jpg")
    assert strip.shape == (48, 320, 3)
    shown = [number_of(strip[:, i * 64 : (i + 1) * 64]) for i in range(5)]
    assert shown == [10, 30, 50, 70, 90]


def test_a_strip_keeps_its_height_for_a_tall_picture(tmp_path: Path) -> None:
    one = 1 << 16
    clip = make_clip(
        tmp_path / "a.mp4", regular(50, 25), matrix=[0, one, 0, -one, 0, 0, 0, 0, 1 << 30]
    )
    make_strip(clip, tmp_path / "strip.jpg", count=3, height=64, settings=SETTINGS)
    assert jpeg(tmp_path / "strip.jpg").shape == (64, 3 * 48, 3)


@pytest.mark.parametrize(("count", "height"), [(0, 90), (8, 0), (300, 400)])
def test_a_strip_of_impossible_size_is_an_error(count: int, height: int, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", regular(3, 25), size=(640, 480))
    with pytest.raises(ValueError, match=r"expected|too wide"):
        make_strip(clip, tmp_path / "s.jpg", count=count, height=height, settings=SETTINGS)


PREVIEWED: dict[str, dict[str, Any]] = {
    "a.avi": {"codec": "mpeg4", "clock": Fraction(1, 25)},
    "a.mkv": {"codec": "ffv1"},
    "a.gif": {"codec": "gif", "clock": Fraction(1, 25), "pixels": "rgb8"},
    "a.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "ten.mkv": {"codec": "ffv1", "pixels": "yuv420p10le"},
}


@pytest.mark.parametrize("file", PREVIEWED)
def test_a_preview_plays_in_browsers_and_shows_the_same(file: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / file, regular(100, 25), **PREVIEWED[file])
    out = tmp_path / "preview.mp4"
    make_preview(clip, out, settings=SETTINGS)
    assert boxes(out)[:2] == [b"ftyp", b"moov"]  # the index in front: it starts at once
    with sample_frames(out, preprocess=Preprocess(side=64), settings=SETTINGS) as video:
        frames = np.concatenate([batch.frames for batch in video])
    assert plays_in_browser(video.info)
    assert [number_of(f) for f in frames] == [0, 25, 50, 75]
    assert video.info.duration == pytest.approx(4.0, abs=0.1)


def test_a_preview_is_small_slow_and_of_even_size(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", regular(120, 120), size=(1282, 722), codec="ffv1")
    make_preview(clip, tmp_path / "p.mp4", settings=SETTINGS)
    with av.open(str(tmp_path / "p.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert 28 <= sum(1 for _ in container.decode(stream)) <= 32


def test_a_preview_is_turned_like_its_source(tmp_path: Path) -> None:
    one = 1 << 16
    matrix = [0, one, 0, -one, 0, 0, 0, 0, 1 << 30]
    clip = make_clip(tmp_path / "a.mp4", regular(30, 25), matrix=matrix)
    make_preview(clip, tmp_path / "p.mp4", settings=SETTINGS)
    for source in (clip, tmp_path / "p.mp4"):
        found = frames_at(source, [1.0], settings=SETTINGS)[0]
        assert found.shape == (128, 96, 3)
        assert np.abs(found.astype(int) - np.rot90(numbered(25), -1)).mean() < 8


def test_a_preview_of_a_cut_file_shows_what_there_is(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", regular(100, 25), codec="ffv1")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    make_preview(clip, tmp_path / "p.mp4", settings=SETTINGS)
    assert 40 <= len(decode_all(tmp_path / "p.mp4")) <= 60


def test_nothing_is_left_where_a_preview_fails_or_is_cancelled(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", regular(100, 25), codec="ffv1")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(Cancelled):
        make_preview(clip, out / "p.mp4", settings=SETTINGS, watch=Watch(stopped=lambda: True))
    stopped = SETTINGS.model_copy(update={"child_wall_seconds": 0.05})
    with pytest.raises(MediaRefused):
        make_preview(clip, out / "p.mp4", settings=stopped)
    with pytest.raises(MediaRefused):
        make_poster(tmp_path / "none.mp4", out / "p.jpg", settings=SETTINGS)
    assert list(out.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", regular(10, 25))
    with pytest.raises(StoreError, match=r"p\.jpg"):
        make_poster(clip, tmp_path / "none" / "p.jpg", settings=SETTINGS)


@pytest.mark.parametrize(
    ("container", "codec", "plays"),
    [
        ("mp4", "h264", True),
        ("mp4", "av1", True),
        ("webm", "vp9", True),
        ("mov", "h264", True),
        ("mp4", "hevc", False),
        ("mp4", "h264 yuv422p10le", False),
        ("matroska", "h264", False),
        ("avi", "mpeg4", False),
        ("mpegts", "h264", False),
        ("gif", "gif", False),
    ],
)
def test_what_browsers_play(container: str, codec: str, plays: bool) -> None:
    assert plays_in_browser(MediaInfo(container, codec, 1, 1, 1.0, 1)) is plays


def test_a_full_disk_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mp4", regular(60, 25))

    def full(**_where: object) -> tuple[int, str]:
        # Every write to it finds no space left.
        return os.open("/dev/full", os.O_RDWR), str(tmp_path / "part")

    monkeypatch.setattr(preview.tempfile, "mkstemp", full)
    with pytest.raises(StoreError, match="disk is full"):
        make_preview(clip, tmp_path / "p.mp4", settings=SETTINGS)


def test_a_preview_that_grows_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mp4", regular(60, 25))
    monkeypatch.setattr(preview, "MAX_PREVIEW_BYTES", 2000)
    with pytest.raises(MediaRefused, match="too large"):
        make_preview(clip, tmp_path / "p.mp4", settings=SETTINGS)
    assert not (tmp_path / "p.mp4").exists()
