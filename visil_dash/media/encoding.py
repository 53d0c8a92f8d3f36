"""A preview that browsers play, encoded in the child into a file that it inherited."""

import os
from fractions import Fraction
from typing import Any

import av

from visil_dash.media.opening import Refused
from visil_dash.media.pictures import Scaler, display_matrix, orientation
from visil_dash.media.reporting import Pipe
from visil_dash.media.timeline import Timeline
from visil_dash.media.wire import CONVERT, Request

_PREVIEW_CLOCK = Fraction(1, 90_000)
_PREVIEW_FPS = 30


def encode_preview(request: Request, line: Timeline, pipe: Pipe) -> None:
    """An H.264 MP4 with its index in front, written into the inherited scratch file."""
    scratch = os.fdopen(os.dup(request.scratch_fd), "w+b")

    def reopen(url: str, flags: int, options: dict[str, str]) -> Any:
        # The muxer reads back what it wrote when it moves the index to the front.
        os.lseek(request.scratch_fd, 0, os.SEEK_SET)
        return _Reader(request.scratch_fd)

    output = av.open(scratch, "w", format="mp4", options={"movflags": "+faststart"}, io_open=reopen)
    encoder: Any = None
    scaler, size, last = Scaler(), (0, 0), -1
    for frame, at in line.frames():
        pipe.progress(line)
        stamp = round(at * line.source.time_base / _PREVIEW_CLOCK)
        if last >= 0 and stamp - last < (1 / _PREVIEW_CLOCK) / (_PREVIEW_FPS * 1.05):
            continue
        if encoder is None:
            width, height = line.square_size(frame)
            scale = min(1.0, request.long_side / max(width, height))
            size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
            encoder = _encoder(output, size, orientation(frame))
        small = scaler.to(frame, *size, "yuv420p", "MPEG")
        small.pts, small.time_base, last = stamp, _PREVIEW_CLOCK, stamp
        output.mux(encoder.encode(small))
    if encoder is None:
        raise Refused("it gave no frames", CONVERT)
    output.mux(encoder.encode())
    output.close()


def _encoder(output: Any, size: tuple[int, int], turned: int) -> Any:
    encoder = output.add_stream("libx264", rate=_PREVIEW_FPS)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.codec_context.time_base = _PREVIEW_CLOCK
    encoder.options = {"preset": "veryfast", "crf": "27", "g": "60", "threads": "2", "bf": "0"}
    if turned:
        encoder.set_display_matrix(display_matrix(turned))
    return encoder


class _Reader:
    """The scratch file again, with its own position."""

    def __init__(self, fd: int) -> None:
        self.fd, self.position = fd, 0

    def read(self, count: int) -> bytes:
        data = os.pread(self.fd, count, self.position)
        self.position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self.position, os.fstat(self.fd).st_size)[whence]
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def close(self) -> None:
        """The descriptor belongs to the task."""
