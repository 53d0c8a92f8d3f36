"""Starts a decoding child, reads its messages under deadlines, and makes sure that it ends."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from visil_dash.errors import StoreError
from visil_dash.media.wire import (
    HEADER,
    MAGIC,
    MAX_TEXT_BYTES,
    Message,
    MessageKind,
    Request,
    frame_bytes,
)
from visil_dash.progress import Watch

POLL_SECONDS = 0.1  # between two checks of `watch` and the deadlines
_PIPE_BYTES = 1 << 20
LAST_WORDS_SECONDS = 5.0  # between a closed pipe and the exit of its writer
# Code for `python -c`, followed by the request and the import path.
PROGRAM = """
import gc, sys
gc.disable()  # until all is imported: nothing of that is garbage
sys.path += sys.argv[2:]
from visil_dash.media.child import run_child
gc.enable()
run_child()
"""


class ChildStopped(Exception):
    """The child ended, or had to be ended, before it reported that it was done.

    `why`: time (wall clock), idle (no new frame), cpu, crash (`detail`: the signal), protocol or
    gone (it ended by itself).
    """

    def __init__(self, why: str, detail: str = "") -> None:
        self.why, self.detail = why, detail
        super().__init__(f"{why} {detail}".strip())


class Child:
    """A context manager around one process; leaving it kills the whole process group."""

    def __init__(
        self,
        request: Request,
        *,
        pass_fds: tuple[int, ...],
        max_frame_bytes: int,
        wall_seconds: float,
        idle_seconds: float,
        watch: Watch,
    ) -> None:
        self._request, self._pass_fds = request, pass_fds
        self._max_frame_bytes = max_frame_bytes
        self._wall_left, self._idle_seconds = wall_seconds, idle_seconds
        self._idle = 0.0
        self._watch = watch
        self._polled = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Raises StoreError when the system has no room for another process or folder."""
        try:
            with contextlib.ExitStack() as undo:
                self._start(undo)
                self._undo = undo.pop_all()
        except OSError as error:
            raise StoreError(
                f"A decoding process could not be started ({error.strerror}); close other "
                "programs or free some disk, then try again."
            ) from error
        return self

    def _start(self, undo: contextlib.ExitStack) -> None:
        folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="visil-dash-"))
        self._out, out_of_child = os.pipe()
        undo.callback(os.close, self._out)
        try:
            request = Request(**{**vars(self._request), "output_fd": out_of_child})
            python = [sys.executable, "-I", "-S", "-c", PROGRAM]
            self._process = subprocess.Popen(
                [*python, request.to_json(), *_import_path()],
                stdin=subprocess.PIPE,  # never written: its closing ends the child
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=_environment(),
                pass_fds=(*self._pass_fds, out_of_child),
                start_new_session=True,
            )
        finally:
            os.close(out_of_child)
        undo.callback(self._end)
        os.set_blocking(self._out, False)
        _widen(self._out)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def messages(self) -> Iterator[Message]:
        """Messages up to and including DONE or REFUSED.

        Only time spent waiting for the child counts against its deadlines, so a slow reader
        costs it nothing. Raises ChildStopped, Cancelled.
        """
        while True:
            header = bytearray(HEADER.size)
            self._fill(memoryview(header))
            message = self._check(header)
            self._fill(memoryview(message.payload))
            if message.kind in (MessageKind.FRAME, MessageKind.PROGRESS, MessageKind.OPENED):
                self._idle = 0.0
            yield message
            if message.kind in (MessageKind.DONE, MessageKind.REFUSED):
                return

    def _check(self, header: bytearray) -> Message:
        magic, kind, orientation, width, height, seconds, length = HEADER.unpack(header)
        frame = kind == MessageKind.FRAME
        limit = self._max_frame_bytes if frame else MAX_TEXT_BYTES
        wrong_size = frame and length != frame_bytes(self._request.pixels, width, height)
        if (
            magic != MAGIC
            or kind not in MessageKind.__members__.values()
            or length > limit
            or wrong_size
            or not 0 <= seconds <= self._request.max_seconds + 1
            or orientation > 7
        ):
            raise ChildStopped("protocol", "the decoder sent a malformed message")
        return Message(MessageKind(kind), orientation, width, height, seconds, bytearray(length))

    def _fill(self, view: memoryview) -> None:
        while view:
            self._look_around()
            started = time.monotonic()
            ready = self._poll.poll(POLL_SECONDS * 1000)
            waited = time.monotonic() - started
            self._idle += waited
            self._wall_left -= waited
            if not ready:
                continue
            count = os.readv(self._out, [view])
            if count == 0:
                raise self._autopsy()
            view = view[count:]

    def _look_around(self) -> None:
        now = time.monotonic()
        if now - self._polled >= POLL_SECONDS:
            self._polled = now
            self._watch.check()
        if self._wall_left < 0:
            raise ChildStopped("time")
        if self._idle > self._idle_seconds:
            raise ChildStopped("idle")

    def _autopsy(self) -> ChildStopped:
        """Why the pipe was closed before the last message."""
        until = time.monotonic() + LAST_WORDS_SECONDS
        while not self._has_ended() and time.monotonic() < until:
            time.sleep(0.01)
        code = self._end()
        if code == -signal.SIGXCPU:
            return ChildStopped("cpu")
        if code < 0:
            return ChildStopped("crash", signal.Signals(-code).name)
        return ChildStopped("gone", f"exit status {code}")

    def _has_ended(self) -> bool:
        # Not reaped yet, so that its process group id cannot belong to anybody else.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def _end(self) -> int:
        """Kill what is left of the process group; the exit status of its leader."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
        return int(process.returncode)


@cache
def _import_path() -> list[str]:
    """Where the child finds visil_dash and PyAV; nothing else of our path."""
    folders = []
    for name in ("visil_dash", "av"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
        folders.append(str(Path(spec.origin).resolve().parent.parent))
    return list(dict.fromkeys(folders))


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")}
    # One heap: each extra malloc arena reserves address space, which is what is limited.
    return {**kept, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}


def _widen(fd: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (OSError, AttributeError):
        return  # the default pipe only costs more switches
