"""The child's way back to the parent: pictures, progress, the counts at the end."""

import os
import time

from av.video.frame import VideoFrame

from visil_dash.media import wire
from visil_dash.media.pictures import orientation
from visil_dash.media.timeline import Timeline
from visil_dash.media.wire import MessageKind

_PROGRESS_SECONDS = 0.1  # between two progress messages


class Pipe:
    """The way back to the parent. Blocks while the parent is busy, which is what bounds memory."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.progressed = 0.0

    def send(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[os.write(self.fd, view) :]

    def progress(self, line: Timeline) -> None:
        now = time.monotonic()
        if now - self.progressed >= _PROGRESS_SECONDS:
            self.progressed = now
            self.send(counts_message(MessageKind.PROGRESS, line))

    def picture(
        self, frame: VideoFrame, pixels: bytes, *, seconds: float, width: int, height: int
    ) -> None:
        turned = orientation(frame)
        size = {"width": width, "height": height}
        self.send(wire.pack(MessageKind.FRAME, pixels, seconds=seconds, orientation=turned, **size))


def counts_message(
    kind: MessageKind, line: Timeline, *, stopped: str = "", error: str = ""
) -> bytes:
    """The counts so far as a PROGRESS or DONE message."""
    tally = line.tally
    return wire.pack_json(
        kind,
        stopped=stopped,
        error=(error or tally.error)[:200],
        frames=tally.frames,
        packets=tally.packets,
        damaged=tally.damaged,
        concealed=tally.concealed,
        clock_jumps=tally.clock_jumps,
        end=line.seconds(tally.end),
        other_end=tally.other_end,
        width=line.size[0],
        height=line.size[1],
    )
