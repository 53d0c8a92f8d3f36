"""CPU time of several ways to do the same work, in turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

_Name = TypeVar("_Name")


def medians(
    ways: Mapping[_Name, Callable[[], object]], *, times: int, least: float = 0.0
) -> dict[_Name, float]:
    """CPU milliseconds of a call of each way; in turn, so that what else the machine does changes
    all alike. Calls are repeated until a measurement lasts `least` seconds."""
    repeats = {name: _repeats(call, least) for name, call in ways.items()}
    taken: dict[_Name, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, call in ways.items():
            taken[name].append(1000 * _seconds(call, repeats[name]) / repeats[name])
    return {name: statistics.median(each) for name, each in taken.items()}


def _repeats(call: Callable[[], object], least: float) -> int:
    call()  # compiles, and warms the caches
    return max(1, round(least / max(1e-6, _seconds(call, 1)))) if least else 1


def _seconds(call: Callable[[], object], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        call()
    return time.process_time() - start
