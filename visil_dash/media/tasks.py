"""What a child can do with an opened file: sample it, fetch single frames, make a preview."""

import itertools
from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from visil_dash.media import wire
from visil_dash.media.encoding import encode_preview
from visil_dash.media.opening import Refused
from visil_dash.media.pictures import Scaler, cut_out, orientation, stored_box
from visil_dash.media.reporting import Pipe
from visil_dash.media.timeline import Timeline
from visil_dash.media.times import on_ticks
from visil_dash.media.wire import Request

_SEEK_FROM_SECONDS = 4.0  # nearer targets are reached by further decoding
_BACK_OFF_SECONDS = (0.0, 2.0, 10.0, 60.0)  # some key frames are shown after the target
_ROUNDING_SECONDS = Fraction(1, 1_000_000)  # a frame's own time as a float still selects it
_MAX_SCALED_SIDE = 16_384


def run_task(request: Request, line: Timeline, pipe: Pipe) -> None:
    """Do the request's task, sending what it makes; Refused and OutOfMemory pass through."""
    tasks = {"sample": _sample, "frames": _fetch, "preview": encode_preview}
    tasks[request.task](request, line, pipe)


def _sample(request: Request, line: Timeline, pipe: Pipe) -> None:
    """For each tick k / rate the frame that is on screen then, at most once each."""
    scaler, side = Scaler(), request.side
    picked = on_ticks(
        _reported(line, pipe),
        ticks_per_unit=Fraction(*request.rate) * line.source.time_base,
        end=lambda: line.tally.end,
    )
    for sent, (frame, at) in enumerate(picked):
        if sent == request.max_frames:
            raise Refused(
                f"it gives more than the {request.max_frames} sampled frames allowed",
                "cut it into parts or lower the sampling rate",
            )
        width, height = _scaled_size(request, line, frame)
        rows, stride = scaler.rgb(frame, width, height)
        left, top = _left_top(request, frame, width, height)
        rgb = cut_out(rows, stride, left=left, top=top, width=side, height=side)
        pipe.picture(frame, rgb, seconds=line.seconds(at), width=side, height=side)


def _reported(line: Timeline, pipe: Pipe) -> Iterator[tuple[VideoFrame, int]]:
    for pair in line.frames():
        pipe.progress(line)
        yield pair


def _scaled_size(request: Request, line: Timeline, frame: VideoFrame) -> tuple[int, int]:
    if request.mode == "squash":
        _, _, across, down = stored_box(request.box, orientation(frame))
        return (
            min(_MAX_SCALED_SIDE, max(request.side, round(request.side / across))),
            min(_MAX_SCALED_SIDE, max(request.side, round(request.side / down))),
        )
    width, height = line.square_size(frame)
    scale = request.resize / min(width, height)
    return (
        min(_MAX_SCALED_SIDE, max(request.resize, round(width * scale))),
        min(_MAX_SCALED_SIDE, max(request.resize, round(height * scale))),
    )


def _left_top(request: Request, frame: VideoFrame, width: int, height: int) -> tuple[int, int]:
    """Where the square that is sampled begins in the scaled picture: at the box, or centred."""
    left, top = width - request.side, height - request.side
    if request.mode != "squash":
        return left // 2, top // 2
    x, y, _, _ = stored_box(request.box, orientation(frame))
    return min(left, round(x * width)), min(top, round(y * height))


def _fetch(request: Request, line: Timeline, pipe: Pipe) -> None:
    """One frame message per requested time, in order; a time past the end gives the last frame."""
    # Integers in the stream's units from here on; `whole` is a time of 1.0.
    whole = _length(line) if request.relative else 1 / line.source.time_base
    will_seek = not request.relative and max(request.times) > _SEEK_FROM_SECONDS
    if will_seek and line.source.seekable and line.may_jump():
        line.survey()
    slack = _ROUNDING_SECONDS / line.source.time_base
    targets = [int(Fraction(t) * whole + slack) for t in request.times]
    scaler = Scaler()

    def send(frame: VideoFrame, at: int) -> None:
        width, height = line.square_size(frame)
        scale = min(1.0, request.long_side / max(width, height))
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        if request.pixels == wire.YUV420:
            width, height = _even(width), _even(height)
            pixels = scaler.planes(frame, width, height)
        else:
            rows, stride = scaler.rgb(frame, width, height)
            pixels = cut_out(rows, stride, left=0, top=0, width=width, height=height)
        pipe.picture(frame, pixels, seconds=line.seconds(at), width=width, height=height)

    frames = line.frames()
    shown, coming = next(frames, None), next(frames, None)
    for target in targets:
        if shown is not None and line.seconds(target - shown[1]) > _SEEK_FROM_SECONDS:
            landed = _jump(line, target, after=shown[1])
            if landed is not None:
                frames = landed
                shown, coming = None, next(frames, None)
        while coming is not None and (shown is None or coming[1] <= target):
            pipe.progress(line)
            shown, coming = coming, next(frames, None)
        if shown is not None:
            send(*shown)


def _even(side: int) -> int:
    return max(2, side // 2 * 2)


def _jump(line: Timeline, target: int, *, after: int) -> Iterator[tuple[VideoFrame, int]] | None:
    """Frames from a key frame between `after` and `target`; None to decode on instead."""
    moved = False
    for back in _BACK_OFF_SECONDS:
        aim = max(0, target - int(Fraction(back) / line.source.time_base))
        if aim <= after or not line.seek(aim):
            break
        moved = True
        landed = line.frames()
        first = next(landed, None)
        if first is not None and first[1] <= target:
            return itertools.chain([first], landed)
    if not moved:
        return None
    line.rewind()
    return line.frames()


def _length(line: Timeline) -> int:
    """From the first frame to the end, or to the start of the last one where all packets must be
    read to find it."""
    expected = line.source.expected_seconds
    plausible = 0 < expected <= line.source.request.max_seconds
    if plausible and not line.source.structure.missing and not line.may_jump():
        return int(Fraction(expected) / line.source.time_base)
    return line.survey()
