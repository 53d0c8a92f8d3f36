"""The child process: confine itself, open the inherited file, do one task, report, end.

Started as `python -I -S -c …` by process.py with the request as its first argument.
"""

import contextlib
import errno
import os
import sys

import av

from visil_dash.media import confinement, tasks, wire
from visil_dash.media.opening import Refused, Source
from visil_dash.media.reporting import Pipe, counts_message
from visil_dash.media.timeline import OutOfMemory, Timeline
from visil_dash.media.wire import MessageKind, Request

_LEAST_ROOM_BYTES = 16 << 20


def run_child() -> None:
    request = Request.from_json(sys.argv[1])
    confinement.die_with(0)
    # Libraries do not all survive an allocation that fails; without room for any, none is tried.
    room = request.memory_bytes - confinement.address_space()
    confine(request)
    av.logging.set_level(None)
    try:
        # The parent may be gone or have closed the pipe; then there is nobody to report to.
        with contextlib.suppress(BrokenPipeError):
            if room < _LEAST_ROOM_BYTES:
                Pipe(request.output_fd).send(wire.pack_json(MessageKind.DONE, stopped="memory"))
            else:
                work(request)
    finally:
        # No clean-up code of a library that a hostile file may have upset.
        os._exit(0)


def confine(request: Request) -> None:
    """The limits always; the other two layers where the system grants them."""
    confinement.leave_network()
    confinement.limit_resources(
        memory_bytes=request.memory_bytes,
        cpu_seconds=request.cpu_seconds,
        file_bytes=request.scratch_bytes,
    )
    confinement.forbid_calls()


def work(request: Request) -> None:
    pipe = Pipe(request.output_fd)
    line: Timeline | None = None
    stopped, error = "", ""
    try:
        line = Timeline(Source(request))
        pipe.send(_opened(line.source))
        tasks.run_task(request, line, pipe)
    except Refused as refusal:
        pipe.send(wire.pack_json(MessageKind.REFUSED, reason=refusal.reason, remedy=refusal.remedy))
        return
    except BrokenPipeError:
        raise
    except (OutOfMemory, MemoryError):
        stopped = "memory"
    except Exception as failure:
        stopped = "disk" if getattr(failure, "errno", 0) == errno.ENOSPC else "error"
        error = f"{type(failure).__name__}: {failure}"[:200]
    if line is None:
        pipe.send(wire.pack_json(MessageKind.DONE, stopped=stopped, error=error))
    else:
        pipe.send(counts_message(MessageKind.DONE, line, stopped=stopped, error=error))


def _opened(source: Source) -> bytes:
    codec = source.stream.codec_context
    plain = codec.pix_fmt in (None, "yuv420p", "yuvj420p", "bgra", "pal8")
    return wire.pack_json(
        MessageKind.OPENED,
        codec=source.codec_name if plain else f"{source.codec_name} {codec.pix_fmt}",
        expected_seconds=source.expected_seconds,
        expected_frames=source.stream.frames,
        missing_bytes=source.structure.missing,
        broken=int(source.structure.damaged),
    )
