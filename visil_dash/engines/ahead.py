"""Work that is begun elsewhere before its result is asked for, one piece for each content hash."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from visil_dash.errors import Cancelled
from visil_dash.progress import Watch

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2  # between two looks at the stop flag
_AHEAD = 2  # pieces in flight for each that runs: no place waits, and no results pile up


@dataclass(frozen=True)
class Piece:
    """One piece of work: a function of a module, and keyword arguments that can be pickled."""

    work: Callable[..., Any]
    arguments: Mapping[str, Any]


class PoolBroken(Exception):
    """The pool lost a piece for good, after its own retries: it can be done here instead."""


class Pool(Protocol):
    """Runs functions elsewhere. `places`: how many pieces at the same time."""

    name: str

    def places(self) -> int: ...

    def shared(self, value: Any) -> Any:
        """What stands for a large value among the arguments of many pieces."""
        ...

    def submit(self, piece: Piece) -> Any:
        """A handle of the piece, which begins when there is room. Raises PoolBroken."""
        ...

    def done(self, handle: Any, seconds: float) -> bool:
        """Whether its result is there, after a wait of at most so many seconds."""
        ...

    def result(self, handle: Any) -> Any:
        """Raises PoolBroken, or what the function raised."""
        ...

    def cancel(self, handle: Any) -> None: ...

    def close(self) -> None: ...


class WorkAhead:
    """Keeps a pool busy with the pieces that come next. Safe from several threads.

    A key in flight is never submitted again, so nothing is done twice. `seconds`: after which a
    piece without a result is given up.
    """

    def __init__(self, pool: Pool, *, seconds: float) -> None:
        self._pool, self._seconds = pool, seconds
        self._flying: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._pool.name

    @property
    def flying(self) -> int:
        """Pieces that were begun and not asked for yet."""
        return len(self._flying)

    def room(self) -> int:
        """How many more pieces may be begun now."""
        return max(0, _AHEAD * self._pool.places() - self.flying)

    def begin(self, key: str, piece: Piece) -> None:
        """Begins a piece unless one with its key is in flight; without room nothing happens."""
        with self._lock:
            if key in self._flying or not self.room():
                return
            try:
                self._flying[key] = self._pool.submit(piece)
            except PoolBroken as error:
                _LOG.warning("a piece could not be begun", exc_info=error)

    def result(self, key: str, piece: Piece, *, watch: Watch) -> Any:
        """The result of a piece, begun now if it was not. Raises PoolBroken, Cancelled, and what
        the function raised."""
        with self._lock:
            if key not in self._flying:
                self._flying[key] = self._pool.submit(piece)
            handle = self._flying[key]
        end = time.monotonic() + self._seconds
        try:
            while not self._pool.done(handle, _LOOK_SECONDS):
                watch.check()
                if time.monotonic() > end:
                    raise PoolBroken(f"no result within {self._seconds:.0f} s")
            return self._pool.result(handle)
        except (Cancelled, PoolBroken):
            self._pool.cancel(handle)
            raise
        finally:
            with self._lock:
                self._flying.pop(key, None)

    def cancel(self) -> None:
        """Gives up what was begun; the pool stays open."""
        with self._lock:
            for handle in self._flying.values():
                self._pool.cancel(handle)
            self._flying.clear()
