"""Small clips in memory, and how they are written as H.264."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from visil_dash.records import Array

MOST_RATE, LEAST_RATE = 15, 5  # frames a second: enough for one sampled frame a second
LONG_SIDE = 480  # pixels: what a copy on a small site has


@dataclass(frozen=True)
class Clip:
    """A stretch of a video: uint8 RGB frames of one size at a constant rate.

    `start`: seconds from the file's first frame to the first frame here.
    """

    name: str
    frames: tuple[Array, ...]
    rate: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if not self.frames or len({frame.shape for frame in self.frames}) != 1:
            raise ValueError(f"{self.name}: expected frames of one size, got {len(self.frames)}")

    @property
    def seconds(self) -> float:
        return len(self.frames) / self.rate

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        height, width = self.frames[0].shape[:2]
        return width, height


def fit(picture: Array, long_side: int) -> Array:
    """The picture with even sides of at most `long_side` pixels, never enlarged."""
    height, width = picture.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    if size == (width, height):
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA))


# x264's macroblock tree differs from run to run, also with one thread (12 encodings gave 5 files).
_REPEATABLE = "mbtree=0:rc-lookahead=0:sync-lookahead=0"


def write_video(path: Path, frames: Iterable[Array], *, rate: int, crf: int) -> int:
    """Write frames of one even size as H.264 MP4 and return their number.

    The same frames give the same bytes. The file appears under its name only when it is complete.
    """
    unfinished = path.with_suffix(".part")
    count = 0
    with av.open(str(unfinished), "w", format="mp4") as container:
        stream = None
        for picture in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {
                    "preset": "veryfast",
                    "crf": str(crf),
                    "threads": "1",
                    "x264-params": _REPEATABLE,
                }
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = count
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
            count += 1
        if stream is None:
            raise ValueError(f"{path.name}: no frames to write")
        container.mux(stream.encode(None))
    os.replace(unfinished, path)
    return count
