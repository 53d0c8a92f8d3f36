"""The child process: confine itself, open the inherited file, do one task, report, end.

Started as `python -I -S -c …` by process.py with the request as its only argument.
"""

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from visil_dash.media import confinement, wire
from visil_dash.media.wire import Kind, Request

if TYPE_CHECKING:
    from visil_dash.media.opening import Source


def main() -> None:
    request = Request.from_json(sys.argv[1])
    confinement.die_with(0)
    isolated = ["network"] if confinement.leave_network() else []
    confinement.limit_resources(
        memory_bytes=request.memory_bytes,
        cpu_seconds=request.cpu_seconds,
        file_bytes=request.scratch_bytes,
    )
    # Only now: loading FFmpeg and all that follows happens inside the limits.
    import av

    from visil_dash.media import opening, tasks

    av.logging.set_level(None)
    if confinement.forbid_calls():
        isolated.append("calls")
    pipe = tasks.Pipe(request.output_fd)
    source: Source | None = None

    def failed(stopped: str, error: str = "") -> bytes:
        if source is None:
            return wire.pack_json(Kind.DONE, stopped=stopped, error=error[:200])
        return tasks.report(Kind.DONE, source, stopped=stopped, error=error)

    try:
        with contextlib.suppress(BrokenPipeError):
            try:
                source = opening.Source(request)
                pipe.send(_opened(source, isolated))
                tasks.run(request, source, pipe)
                pipe.send(tasks.report(Kind.DONE, source))
            except opening.Refused as refusal:
                pipe.send(
                    wire.pack_json(Kind.REFUSED, reason=refusal.reason, remedy=refusal.remedy)
                )
            except (opening.OutOfMemory, MemoryError):
                pipe.send(failed("memory"))
            except Exception as error:
                pipe.send(failed("error", f"{type(error).__name__}: {error}"))
    finally:
        # No clean-up code of a library that a hostile file may have upset.
        os._exit(0)


def _opened(source: "Source", isolated: list[str]) -> bytes:
    codec = source.stream.codec_context
    plain = codec.pix_fmt in (None, "yuv420p", "yuvj420p", "bgra", "pal8")
    return wire.pack_json(
        Kind.OPENED,
        codec=source.codec_name if plain else f"{source.codec_name} {codec.pix_fmt}",
        expected_seconds=source.expected_seconds,
        expected_frames=source.stream.frames,
        missing_bytes=source.structure.missing,
        isolated=isolated,
    )
