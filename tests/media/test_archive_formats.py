"""Formats of archives, through the same confinement: Windows Media, DV and DNxHD."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.clips import SETTINGS, make_clip, make_dv, number_of, numbered, regular
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import container_of
from visil_dash.media.structure import read_structure
from visil_dash.records import Decoded, MediaInfo, Preprocess

RATE = 25
SECONDS = 3


def write(path: Path, kind: str) -> Path:
    times = regular(RATE * SECONDS, RATE)
    if kind == "dv":
        return make_dv(path, RATE * SECONDS)
    codec, pixels, size, container, options = {
        "wmv1": ("wmv1", "yuv420p", (128, 96), "asf", {}),
        "wmv2": ("wmv2", "yuv420p", (128, 96), "asf", {}),
        "msmpeg4v2": ("msmpeg4v2", "yuv420p", (128, 96), "avi", {}),
        "dnxhd": ("dnxhd", "yuv422p", (1280, 720), "mov", {"b": "60M"}),
        "dnxhr": ("dnxhd", "yuv422p", (256, 192), "mov", {"profile": "dnxhr_lb"}),
    }[kind]
    return make_clip(
        path,
        times,
        container=container,
        codec=codec,
        pixels=pixels,
        size=size,
        clock=Fraction(1, RATE),
        options=options,
    )


def decode(path: Path) -> tuple[list[int], list[float], MediaInfo]:
    numbers: list[int] = []
    times: list[float] = []
    with sample_frames(path, preprocess=Preprocess(side=64), settings=SETTINGS) as video:
        for batch in video:
            numbers += [number_of(frame) for frame in batch.frames]
            times += batch.timestamps.tolist()
    return numbers, times, video.info


KINDS = {
    "wmv1": "asf",
    "wmv2": "asf",
    "msmpeg4v2": "avi",
    "dv": "dv",
    "dnxhd": "mov",
    "dnxhr": "mov",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_decoded_whole(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.bin", kind)
    numbers, times, info = decode(path)
    assert (info.container, info.verdict) == (KINDS[kind], Decoded.OK), info
    assert numbers == [0, RATE, 2 * RATE]
    assert np.allclose(times, [0, 1, 2], atol=0.05)
    assert info.duration == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("kind", ["wmv2", "dv"])
def test_a_file_that_was_cut_off_is_reported_as_partly_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.bin", kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    numbers, _, info = decode(path)
    assert info.verdict is Decoded.PARTIAL
    assert info.reason
    assert numbers[0] == 0


def test_dv_with_a_hole_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dv", "dv")
    data = bytearray(path.read_bytes())
    data[40 * 144_000 : 42 * 144_000] = bytes(2 * 144_000)
    path.write_bytes(data)
    assert decode(path)[2].verdict is Decoded.PARTIAL


def test_protected_windows_media_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wmv", "wmv2")
    data = bytearray(path.read_bytes())
    marker = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    data[60:76] = marker  # within the header object
    with io.BytesIO(data) as held:
        path.write_bytes(held.getvalue())
    with path.open("rb") as file:
        assert read_structure(file.fileno(), container="asf", size=len(data)).encrypted


def test_a_size_that_no_file_has_is_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.wmv"
    path.write_bytes(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\xff" * 100)
    with path.open("rb") as file:
        assert read_structure(file.fileno(), container="asf", size=116).missing > 0
    with pytest.raises(MediaRefused, match="is cut off before"):
        decode(path)


def test_mxf_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mxf"
    output: Any = av.open(str(path), "w", format="mxf")
    stream = output.add_stream("mpeg2video", rate=RATE)
    stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
    for number in range(5):
        output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), format="rgb24")))
    output.mux(stream.encode())
    output.close()
    with pytest.raises(MediaRefused, match="it is MXF") as refused:
        decode(path)
    assert "ffmpeg" in refused.value.remedy


def test_magic_bytes_decide() -> None:
    assert container_of(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(100)) == "asf"
    assert container_of(b"0&\xb2u" + bytes(100)) is None
    assert container_of(b"\x1f\x07\x00\x3f" + bytes(100)) == "dv"
    assert container_of(b"\x1f\x07\x00\x40" + bytes(100)) is None
