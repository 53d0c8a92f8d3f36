"""What a child can do with an opened file: sample it, fetch single frames, make a preview."""

import itertools
import os
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from visil_dash.media import wire
from visil_dash.media.opening import CONVERT, Refused, Source, orientation
from visil_dash.media.ticks import on_ticks
from visil_dash.media.wire import Kind, Request

PROGRESS_SECONDS = 0.1  # between two progress messages
SEEK_FROM_SECONDS = 4.0  # nearer targets are reached by decoding on
BACK_OFF_SECONDS = (0.0, 2.0, 10.0, 60.0)  # some key frames are shown after the target
ROUNDING_SECONDS = Fraction(1, 1_000_000)  # a frame's own time, once a float, still means it
PREVIEW_CLOCK = Fraction(1, 90_000)
PREVIEW_FPS = 30
MAX_SCALED_SIDE = 16_384
SCALE = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


class Pipe:
    """The way back to the parent. Blocks while the parent is busy, which is what bounds memory."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.progressed = 0.0

    def send(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[os.write(self.fd, view) :]

    def progress(self, source: Source) -> None:
        now = time.monotonic()
        if now - self.progressed >= PROGRESS_SECONDS:
            self.progressed = now
            self.send(report(Kind.PROGRESS, source))


def report(kind: Kind, source: Source, *, stopped: str = "", error: str = "") -> bytes:
    """The counts so far as a PROGRESS or DONE message."""
    tally = source.tally
    return wire.pack_json(
        kind,
        stopped=stopped,
        error=(error or tally.error)[:200],
        frames=tally.frames,
        packets=tally.packets,
        damaged=tally.damaged,
        concealed=tally.concealed,
        clock_jumps=tally.clock_jumps,
        end=source.seconds(tally.end),
        other_end=tally.other_end,
        width=source.size[0],
        height=source.size[1],
    )


class Scaler:
    """Frames resized and converted, with the colours that their file declares."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame, width: int, height: int) -> tuple[memoryview, int]:
        """Rows of packed RGB, and the bytes from one row to the next."""
        plane = self.to(frame, width, height, "rgb24", "JPEG").planes[0]
        return memoryview(plane).cast("B"), plane.line_size

    def to(
        self, frame: VideoFrame, width: int, height: int, pixels: str, levels: str
    ) -> VideoFrame:
        def convert(**colours: int) -> VideoFrame:
            return self._reformatter.reformat(
                frame,
                width,
                height,
                pixels,
                interpolation=SCALE,
                dst_color_range=levels,
                threads=1,
                **colours,
            )

        try:
            return convert()
        except OSError:
            # Colours that swscale does not know, often by damage: take the commonest ones.
            return convert(src_colorspace=Colorspace.ITU601, dst_colorspace=Colorspace.ITU601)


def run(request: Request, source: Source, pipe: Pipe) -> None:
    """Do the request's task, sending what it makes; Refused and OutOfMemory pass through."""
    {"sample": sample, "frames": fetch, "preview": preview}[request.task](request, source, pipe)


def sample(request: Request, source: Source, pipe: Pipe) -> None:
    """For each tick k / rate the frame that is on screen then, at most once each."""
    scaler, side = Scaler(), request.side
    picked = on_ticks(
        _reported(source, pipe),
        ticks_per_unit=Fraction(*request.rate) * source.time_base,
        end=lambda: source.tally.end,
    )
    for sent, (frame, at) in enumerate(picked):
        if sent == request.max_frames:
            raise Refused(
                f"it gives more than the {request.max_frames} sampled frames allowed",
                "cut it into parts or lower the sampling rate",
            )
        width, height = _scaled_size(request, source, frame)
        rows, stride = scaler.rgb(frame, width, height)
        payload = _cut(rows, stride, (width - side) // 2, (height - side) // 2, side, side)
        _send_frame(pipe, payload, frame, source.seconds(at), side, side)


def _reported(source: Source, pipe: Pipe) -> Iterator[tuple[VideoFrame, int]]:
    for pair in source.frames():
        pipe.progress(source)
        yield pair


def _scaled_size(request: Request, source: Source, frame: VideoFrame) -> tuple[int, int]:
    if request.mode == "squash":
        return request.side, request.side
    width, height = source.displayed(frame)
    scale = request.resize / min(width, height)
    return (
        min(MAX_SCALED_SIDE, max(request.resize, round(width * scale))),
        min(MAX_SCALED_SIDE, max(request.resize, round(height * scale))),
    )


def _cut(rows: memoryview, stride: int, left: int, top: int, width: int, height: int) -> bytes:
    return b"".join(
        rows[y * stride + 3 * left : y * stride + 3 * (left + width)]
        for y in range(top, top + height)
    )


def _send_frame(
    pipe: Pipe, payload: bytes, frame: VideoFrame, seconds: float, width: int, height: int
) -> None:
    pipe.send(
        wire.pack(
            Kind.FRAME,
            payload,
            seconds=seconds,
            orientation=orientation(frame),
            width=width,
            height=height,
        )
    )


def fetch(request: Request, source: Source, pipe: Pipe) -> None:
    """One frame message per requested time, in order; a time past the end gives the last frame."""
    # Whole units from here on; `whole` is what a time of 1.0 means.
    whole = _length(source) if request.relative else 1 / source.time_base
    slack = ROUNDING_SECONDS / source.time_base
    targets = [int(Fraction(t) * whole + slack) for t in request.times]
    scaler = Scaler()

    def send(frame: VideoFrame, at: int) -> None:
        width, height = source.displayed(frame)
        scale = min(1.0, request.long_side / max(width, height))
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        rows, stride = scaler.rgb(frame, width, height)
        payload = _cut(rows, stride, 0, 0, width, height)
        _send_frame(pipe, payload, frame, source.seconds(at), width, height)

    frames = source.frames()
    shown, coming = None, next(frames, None)
    for target in targets:
        if shown is not None and source.seconds(target - shown[1]) > SEEK_FROM_SECONDS:
            landed = _jump(source, target, after=shown[1])
            if landed is not None:
                frames = landed
                shown, coming = None, next(frames, None)
        while coming is not None and (shown is None or coming[1] <= target):
            pipe.progress(source)
            shown, coming = coming, next(frames, None)
        if shown is not None:
            send(*shown)


def _jump(source: Source, target: int, *, after: int) -> Iterator[tuple[VideoFrame, int]] | None:
    """Frames from a key frame between `after` and `target`; None where decoding on is the way."""
    moved = False
    for back in BACK_OFF_SECONDS:
        aim = max(0, target - int(Fraction(back) / source.time_base))
        if aim <= after or not source.seek(aim):
            break
        moved = True
        landed = source.frames()
        first = next(landed, None)
        if first is not None and first[1] <= target:
            return itertools.chain([first], landed)
    if not moved:
        return None
    source.restart()
    return source.frames()


def _length(source: Source) -> int:
    """From the first frame to the end, or to the start of the last one where all packets must be
    read to find it."""
    expected = source.expected_seconds
    if 0 < expected <= source.request.max_seconds and not source.structure.missing:
        return int(Fraction(expected) / source.time_base)
    first = last = None
    for packet in source.container.demux(source.stream):
        if packet.pts is not None:
            first = packet.pts if first is None else min(first, packet.pts)
            last = packet.pts if last is None else max(last, packet.pts)
    source.restart()
    return 0 if first is None or last is None else last - first


def preview(request: Request, source: Source, pipe: Pipe) -> None:
    """An H.264 MP4 with its index in front, written into the inherited scratch file."""
    scratch = os.fdopen(os.dup(request.scratch_fd), "w+b")

    def reopen(url: str, flags: int, options: dict[str, str]) -> Any:
        # The muxer reads back what it wrote when it moves the index to the front.
        os.lseek(request.scratch_fd, 0, os.SEEK_SET)
        return _Reader(request.scratch_fd)

    output = av.open(scratch, "w", format="mp4", options={"movflags": "+faststart"}, io_open=reopen)
    encoder: Any = None
    scaler, size, last = Scaler(), (0, 0), -1
    for frame, at in source.frames():
        pipe.progress(source)
        stamp = round(at * source.time_base / PREVIEW_CLOCK)
        if last >= 0 and stamp - last < (1 / PREVIEW_CLOCK) / (PREVIEW_FPS * 1.05):
            continue
        if encoder is None:
            width, height = source.displayed(frame)
            scale = min(1.0, request.long_side / max(width, height))
            size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
            encoder = _encoder(output, size, orientation(frame))
        small = scaler.to(frame, *size, "yuv420p", "MPEG")
        small.pts, small.time_base, last = stamp, PREVIEW_CLOCK, stamp
        output.mux(encoder.encode(small))
    if encoder is None:
        raise Refused("it gave no frames", CONVERT)
    output.mux(encoder.encode())
    output.close()


def _encoder(output: Any, size: tuple[int, int], turned: int) -> Any:
    encoder = output.add_stream("libx264", rate=PREVIEW_FPS)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.codec_context.time_base = PREVIEW_CLOCK
    encoder.options = {"preset": "veryfast", "crf": "27", "g": "60", "threads": "2", "bf": "0"}
    if turned:
        encoder.set_display_matrix(_matrix(turned))
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


def _matrix(turned: int) -> list[int]:
    """The display matrix (16.16 fixed point, last column 2.30) that orientation() reads back."""
    down = -1 if turned & wire.FLIP_ROWS else 1
    right = -1 if turned & wire.FLIP_COLUMNS else 1
    a, b, c, d = (0, down, right, 0) if turned & wire.TRANSPOSE else (right, 0, 0, down)
    one = 1 << 16
    return [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
