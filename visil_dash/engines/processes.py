"""A pool of processes on this machine."""

import sys
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Lock
from types import ModuleType
from typing import Any

from visil_dash.engines.ahead import Piece, PoolBroken

_STARTING = Lock()


class _Process(SpawnProcess):
    """A new process that does not run this one's `__main__` first.

    Under Streamlit that is the page shown last: the new process would draw it once more, or die
    where its file is gone.
    """

    def start(self) -> None:
        with _STARTING:
            main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = main


class NewProcesses(SpawnContext):
    """Starts processes that have nothing of this one.

    They are not forked: this process has threads, which a fork would leave half-way. What they run
    stands in a module that they can import, never in `__main__`.
    """

    Process = _Process


class ProcessesPool:
    """`count` processes, which are kept. Safe to share between threads."""

    def __init__(self, *, count: int) -> None:
        self.name = f"{count} processes"
        self._count = count
        self._executor = self._made()
        self._lock = Lock()

    def places(self) -> int:
        return self._count

    def shared(self, value: Any) -> Any:
        return value

    def submit(self, piece: Piece) -> "Future[Any]":
        with self._lock:
            try:
                return self._executor.submit(piece.work, **piece.arguments)
            except BrokenProcessPool:  # a process was killed: the others are of no use any more
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = self._made()
                return self._executor.submit(piece.work, **piece.arguments)

    def done(self, handle: "Future[Any]", seconds: float) -> bool:
        return bool(wait([handle], timeout=seconds).done)

    def result(self, handle: "Future[Any]") -> Any:
        try:
            return handle.result(timeout=0)
        except (BrokenProcessPool, CancelledError) as error:
            raise PoolBroken("a process of the pool ended") from error

    def cancel(self, handle: "Future[Any]") -> None:
        handle.cancel()

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _made(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._count, mp_context=NewProcesses())
