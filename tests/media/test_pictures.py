"""Still pictures are decoded as queries, in the same confined child, and never taken as videos."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from visil_dash.errors import MediaRefused
from visil_dash.media.decode import frames_at, sample_frames
from visil_dash.media.files import check_regular
from visil_dash.records import Array, Decoded, MediaInfo, Preprocess
from visil_dash.settings import Settings

SETTINGS = Settings(min_free_bytes=0)
PICTURE = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)[..., None].repeat(3, -1)


def written(folder: Path, ending: str) -> Path:
    path = folder / f"picture.{ending}"
    assert cv2.imwrite(str(path), PICTURE)
    return path


def sampled(path: Path) -> tuple[Array, MediaInfo]:
    with sample_frames(
        path, preprocess=Preprocess(side=32), pictures=True, settings=SETTINGS
    ) as video:
        frames = [batch.frames for batch in video]
        return np.concatenate(frames), video.info


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG of grey pixels whose header may promise more than its body holds."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("ending", "container"), [("jpg", "jpeg"), ("png", "png")])
def test_a_picture_is_one_frame_at_the_beginning(
    tmp_path: Path, ending: str, container: str
) -> None:
    path = written(tmp_path, ending)
    frames, info = sampled(path)
    assert frames.shape == (1, 32, 32, 3)
    assert (info.container, info.verdict) == (container, Decoded.OK)
    (shown,) = frames_at(path, [0.0], settings=SETTINGS)
    assert shown.shape == (64, 96, 3)
    assert np.abs(shown.astype(int) - PICTURE).mean() < 2


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_picture_is_no_video_to_be_added(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, ending)
    with pytest.raises(MediaRefused, match="still picture"):
        check_regular(path, settings=SETTINGS)
    with pytest.raises(MediaRefused, match="still picture"):
        sample_frames(path, preprocess=Preprocess(side=32), settings=SETTINGS)
    check_regular(path, pictures=True, settings=SETTINGS)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_half_a_picture_is_refused_or_called_partial(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture.{ending}"
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    assert cv2.imwrite(str(path), noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if ending == "png":  # its rows are one compressed stream, which breaks off
        with pytest.raises(MediaRefused, match="can be decoded"):
            sampled(path)
        return
    _, info = sampled(path)
    assert info.verdict is Decoded.PARTIAL
    assert "cut off" in info.reason


@pytest.mark.parametrize("side", [5_000, 30_000])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, b"\0" * 1000))
    with pytest.raises(MediaRefused, match=r"pixels|header|decoded"):
        sampled(path)


def test_a_moving_png_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "moving.png"
    data = png(8, 8, b"\0" * 72)
    path.write_bytes(data[:33] + struct.pack(">I4s", 8, b"acTL") + bytes(12) + data[33:])
    with pytest.raises(MediaRefused, match="animated PNG"):
        sampled(path)


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_noise_behind_a_magic_number_is_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "noise"
    path.write_bytes(head + np.random.default_rng(3).bytes(5_000))
    with pytest.raises(MediaRefused):
        sampled(path)
