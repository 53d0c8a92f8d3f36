"""Small clips in memory: read from any video file, written as H.264.

Own decoding on purpose: the truth of the benchmark must not share the product's mistakes. The
folders given to the benchmark are trusted, so nothing is confined here.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from visil_dash.errors import InputError
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


@dataclass(frozen=True)
class Probe:
    """What a file's packets say: seconds of video, and frames a second rounded to 5..15."""

    seconds: float
    rate: int


def probe(path: Path) -> Probe:
    """Duration and rate by packet times, without decoding. Raises InputError."""
    try:
        with _opened(path) as container:
            base = container.streams.video[0].time_base or Fraction(1, 1000)
            times = sorted(
                float(packet.pts * base)
                for packet in container.demux(video=0)
                if packet.pts is not None
            )
    except (av.FFmpegError, IndexError, UnicodeError) as error:
        raise InputError(path.name, f"no video could be read from it ({error})") from error
    if len(times) < 2 or times[-1] <= times[0]:
        raise InputError(path.name, "it has no two frames")
    span = times[-1] - times[0]
    interval = span / (len(times) - 1)
    return Probe(span + interval, int(np.clip(round(1 / interval), LEAST_RATE, MOST_RATE)))


def read_clip(
    path: Path,
    *,
    rate: int,
    start: float = 0.0,
    seconds: float = float("inf"),
    long_side: int = LONG_SIDE,
    name: str = "",
) -> Clip:
    """The part of a video from `start` on, `rate` frames a second, no longer than `seconds`.

    Frame k is the one on screen `start + k / rate` seconds after the first frame; turned as the
    file says, sides even and at most `long_side` (never enlarged). Damage ends the clip early.

    Raises InputError when not one frame could be decoded there.
    """
    frames: list[Array] = []
    shown: av.VideoFrame | None = None
    for end, frame in _timeline(path):
        # Up to `end` the frame before is on screen.
        while shown is not None and start + len(frames) / rate < end - 1e-6:
            if len(frames) >= seconds * rate:
                break
            frames.append(_small(shown, long_side))
        shown = frame
        if len(frames) >= seconds * rate:
            break
    if not frames:
        raise InputError(path.name, f"no frame could be decoded at {start:.1f} s")
    return Clip(name or path.name, tuple(frames), rate, start)


def _timeline(path: Path) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Each frame with its time after the first one, then the end of the last one with None.

    Damage ends the frames. Raises InputError when there is not one.
    """
    times: list[float] = []
    length = 0.0
    reason = "no frame"
    try:
        with _opened(path) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                if frame.time is None or (times and frame.time <= times[-1]):
                    continue
                times.append(frame.time)
                length = float((frame.duration or 0) * (frame.time_base or 0))
                yield times[-1] - times[0], frame
    except (av.FFmpegError, IndexError, UnicodeError) as error:
        reason = str(error)
    if not times:
        raise InputError(path.name, f"it could not be decoded ({reason})")
    usual = (times[-1] - times[0]) / max(1, len(times) - 1)
    yield times[-1] - times[0] + (length or usual), None


def _opened(path: Path) -> av.container.InputContainer:
    return av.open(f"file:{path.resolve()}", metadata_errors="ignore")


def _small(frame: av.VideoFrame, long_side: int) -> Array:
    picture = frame.to_ndarray(format="rgb24")
    picture = np.rot90(picture, (frame.rotation // 90) % 4)
    return fit(picture, long_side)


def fit(picture: Array, long_side: int) -> Array:
    """The picture with even sides of at most `long_side` pixels, never enlarged."""
    height, width = picture.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    if size == (width, height):
        return np.ascontiguousarray(picture)
    resized: Array = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    return resized


def write_video(path: Path, frames: Iterable[Array], *, rate: int, crf: int) -> int:
    """Write frames of one even size as H.264 MP4 and return their number.

    The file appears under its name only when it is complete.
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
                stream.options = {"preset": "veryfast", "crf": str(crf), "threads": "1"}
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


def looped(clip: Clip, first: int = 0) -> Iterator[Array]:
    """The clip's frames from `first` on, over and over."""
    while True:
        yield clip.frames[first % len(clip.frames)]
        first += 1
