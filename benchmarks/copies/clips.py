"""Clips read from any video file.

Decoding is independent of the product on purpose: the ground truth must not share its errors. The
folders given to the benchmark are trusted, so decoding is not confined.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from visil_dash.edits.clip import LEAST_RATE, LONG_SIDE, MOST_RATE, Clip, fit, write_video
from visil_dash.errors import InputError
from visil_dash.records import Array

__all__ = ["Clip", "Probe", "fit", "probe", "read_clip", "write_video"]


@dataclass(frozen=True)
class Probe:
    """What a file's packets show: seconds of video, and frames per second, rounded to 5..15."""

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
    """At most `seconds` of a video from `start` on, at `rate` frames per second.

    Frame k is the one on screen `start + k / rate` seconds after the first frame, rotated as the
    file specifies, with even sides of at most `long_side` (never enlarged). Damage ends the clip.

    Raises InputError when no frame can be decoded there.
    """
    frames: list[Array] = []
    shown: av.VideoFrame | None = None
    for end, frame in _timeline(path):
        # The previous frame is on screen until `end`.
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

    Damage ends the frames. Raises InputError when there is none.
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
