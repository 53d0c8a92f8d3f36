"""Small videos made at test time, in which every frame shows its own number.

A frame is a grid of 4 × 3 black or white cells: the bits of its number. It survives every lossy
codec, every resizing and, unlike a caption, needs no font.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from visil_dash.records import Array
from visil_dash.settings import Settings

COLUMNS, ROWS = 4, 3
WIDTH, HEIGHT = 128, 96
CLOCK = Fraction(1, 90_000)
SETTINGS = Settings(child_idle_seconds=15.0)


def numbered(number: int, *, width: int = WIDTH, height: int = HEIGHT) -> Array:
    """uint8 RGB `[height, width, 3]` that shows `number` (below 4096)."""
    bits = [(number >> i) & 1 for i in range(COLUMNS * ROWS)]
    cells = np.array(bits, dtype=np.uint8).reshape(ROWS, COLUMNS) * 215 + 20
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    return np.repeat(cells[rows][:, columns][:, :, None], 3, axis=2)


def number_of(frame: Array) -> int:
    """The number that a frame shows, whatever its size."""
    height, width = frame.shape[:2]
    number = 0
    for i in range(COLUMNS * ROWS):
        row, column = divmod(i, COLUMNS)
        y, x = (2 * row + 1) * height // (2 * ROWS), (2 * column + 1) * width // (2 * COLUMNS)
        if frame[y, x].mean() > 127:
            number |= 1 << i
    return number


def regular(count: int, rate: float | Fraction) -> list[Fraction]:
    """`count` times at `rate` frames a second."""
    step = 1 / Fraction(rate)
    return [i * step for i in range(count)]


_QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}


def make_clip(
    path: Path,
    times: Sequence[Fraction],
    *,
    container: str | None = None,
    codec: str = "libx264",
    clock: Fraction = CLOCK,
    pixels: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    pictures: Iterable[Array] | None = None,
) -> Path:
    """A video of numbered frames (or `pictures`) shown at `times`."""
    output: Any = av.open(str(path), "w", format=container, options=container_options or {})
    stream = output.add_stream(codec, rate=round(1 / clock) if clock.denominator < 1000 else 25)
    stream.width, stream.height = size
    stream.pix_fmt = pixels
    stream.codec_context.time_base = clock
    stream.options = {**_QUICK.get(codec, {}), **(options or {})}
    if matrix is not None:
        stream.set_display_matrix(matrix)
    if aspect is not None:
        stream.codec_context.sample_aspect_ratio = aspect
    shown = pictures or (numbered(i, width=size[0], height=size[1]) for i in range(len(times)))
    for time, picture in zip(times, shown, strict=False):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round(time / clock), clock
        output.mux(stream.encode(frame))
    output.mux(stream.encode())
    output.close()
    return path


def make_dv(path: Path, count: int) -> Path:
    """A DV stream of numbered frames, 25 a second; its frames have one size, 720 × 576."""
    output: Any = av.open(str(path), "w", format="dv")
    stream = output.add_stream("dvvideo", rate=25)
    stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
    for number in range(count):
        picture = numbered(number, width=720, height=576)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    output.mux(stream.encode())
    output.close()
    return path


def decode_all(path: Path) -> list[tuple[Fraction, Fraction, Array]]:
    """Every frame by a plain loop: (seconds since the first, length, RGB picture as stored)."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = []
        for frame in container.decode(stream):
            assert frame.pts is not None
            tick = Fraction(frame.time_base or stream.time_base or 1)
            found.append(
                (frame.pts * tick, frame.duration * tick, frame.to_ndarray(format="rgb24"))
            )
    first = found[0][0]
    return [(at - first, length, picture) for at, length, picture in found]


def expected_sample(
    frames: Sequence[tuple[Fraction, Fraction, Array]], rate: Fraction
) -> list[tuple[Fraction, Array]]:
    """The sampling rule as a plain loop over all ticks."""
    end = frames[-1][0] + (frames[-1][1] or frames[-1][0] - frames[max(0, len(frames) - 2)][0])
    kept: list[tuple[Fraction, Array]] = []
    tick = 0
    while tick == 0 or tick / rate < end or tick / rate == frames[-1][0]:
        at, _, picture = [f for f in frames if f[0] <= tick / rate][-1]
        if not kept or kept[-1][0] != at:
            kept.append((at, picture))
        tick += 1
    return kept
