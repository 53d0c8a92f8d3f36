"""A pool of processes on this machine."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from visil_dash.engines.ahead import Piece, PoolBroken


class ProcessesPool:
    """Runs `work(**arguments)` in `count` processes, which are kept."""

    def __init__(self, work: Callable[..., Any], *, count: int) -> None:
        self.name = f"{count} processes"
        self._work, self._count = work, count
        self._executor = self._made()

    def places(self) -> int:
        return self._count

    def submit(self, piece: Piece) -> "Future[Any]":
        try:
            return self._executor.submit(self._work, **piece.arguments)
        except BrokenProcessPool:  # a process was killed: the others are of no use any more
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = self._made()
            return self._executor.submit(self._work, **piece.arguments)

    def done(self, handle: "Future[Any]", seconds: float) -> bool:
        return bool(wait([handle], timeout=seconds).done)

    def result(self, handle: "Future[Any]") -> Any:
        try:
            return handle.result(timeout=0)
        except BrokenProcessPool as error:
            raise PoolBroken("a process of the pool ended") from error

    def cancel(self, handle: "Future[Any]") -> None:
        handle.cancel()

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _made(self) -> ProcessPoolExecutor:
        # Not forked: this process has threads, which a fork would leave half-way.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, mp_context=context)
