"""Work ahead: each piece once, no more than there is room for, and no wait without an end."""

import os
import signal
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from visil_dash.engines.ahead import Piece, PoolBroken, WorkAhead
from visil_dash.engines.processes import ProcessesPool
from visil_dash.engines.shards import in_order
from visil_dash.errors import Cancelled
from visil_dash.progress import UNWATCHED, Watch


class ByHand:
    """A pool whose pieces end when the test says so."""

    name = "by hand"

    def __init__(self, places: int = 1) -> None:
        self._places = places
        self.begun: list[str] = []
        self.cancelled = 0

    def places(self) -> int:
        return self._places

    def shared(self, value: Any) -> Any:
        return value

    def submit(self, piece: Piece) -> "Future[Any]":
        self.begun.append(piece.arguments["key"])
        return Future()

    def done(self, handle: "Future[Any]", seconds: float) -> bool:
        time.sleep(min(seconds, 0.01))
        return handle.done()

    def result(self, handle: "Future[Any]") -> Any:
        return handle.result()

    def cancel(self, handle: "Future[Any]") -> None:
        self.cancelled += 1

    def close(self) -> None:
        pass


def piece(key: str) -> Piece:
    return Piece(_work, {"key": key})


def test_a_key_in_flight_is_not_begun_again_and_room_is_kept() -> None:
    pool = ByHand(places=1)
    ahead = WorkAhead(pool, seconds=60)
    for key in ("a", "a", "b", "c"):
        ahead.begin(key, piece(key))
    assert pool.begun == ["a", "b"]  # one runs, one waits
    assert ahead.room() == 0
    ahead.cancel()
    assert pool.cancelled == 2


def test_a_piece_that_does_not_end_is_given_up_and_forgotten() -> None:
    pool = ByHand()
    ahead = WorkAhead(pool, seconds=0.05)
    with pytest.raises(PoolBroken, match="no result within"):
        ahead.result("a", piece("a"), watch=UNWATCHED)
    assert (ahead.flying, pool.cancelled) == (0, 1)


def test_the_user_can_stop_waiting() -> None:
    pool = ByHand()
    ahead = WorkAhead(pool, seconds=60)
    with pytest.raises(Cancelled):
        ahead.result("a", piece("a"), watch=Watch(stopped=lambda: True))
    assert pool.cancelled == 1


def _work(key: str) -> int:
    if key == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_a_killed_process_breaks_its_piece_and_the_pool_goes_on() -> None:
    pool = ProcessesPool(count=1)
    ahead = WorkAhead(pool, seconds=60)
    with pytest.raises(PoolBroken, match="ended"):
        ahead.result("killed", piece("killed"), watch=UNWATCHED)
    assert ahead.result("other", piece("other"), watch=UNWATCHED) != os.getpid()
    pool.close()


def dies_once(marker: str, number: int) -> int:
    """The first process that meets the marker dies of it."""
    if number == 2 and not os.path.exists(marker):  # noqa: PTH110 - as short as a worker gets
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_shard_of_a_killed_process_is_run_again_and_none_is_missing(tmp_path: Path) -> None:
    marker, pool = str(tmp_path / "marker"), ProcessesPool(count=2)

    def not_here(number: int) -> int:
        raise AssertionError(f"shard {number} was not run again")

    found = in_order(
        pool,
        [str(number) for number in range(6)],
        piece=lambda number: Piece(dies_once, {"marker": marker, "number": number}),
        here=not_here,
        watch=UNWATCHED,
    )
    assert list(found) == list(range(6))
    assert Path(marker).exists()
    pool.close()
