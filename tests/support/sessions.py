"""Sessions that search, add and tune at once, for tests of what that does to each and to memory."""

import gc
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from visil_dash.errors import NotFound
from visil_dash.workbench.bench import Workbench

SLOWEST = 3.0  # seconds, 95th percentile of a search
MOST_GROWTH = 5.0  # MiB in ten minutes, after the first third


@dataclass
class Load:
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    rounds: dict[str, int] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)  # seconds, MiB

    @property
    def p95(self) -> float:
        return float(np.quantile(self.seconds, 0.95))

    @property
    def growth(self) -> float:
        """MiB in ten minutes, by a line through the least of every 30 samples of the last two
        thirds: work in progress comes and goes, and what is never given back stays below it."""
        least = np.array(self.least(self.memory[len(self.memory) // 3 :]))
        return float(np.polyfit(least[:, 0], least[:, 1], 1)[0] * 600)

    @staticmethod
    def least(memory: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """The least of some 30 samples each, or of each half of fewer than 60."""
        windows = np.array_split(np.array(memory), max(2, len(memory) // 30))
        return [tuple(window[window[:, 1].argmin()]) for window in windows if len(window)]


def searching(bench: Workbench, clip: Path, load: Load) -> Callable[[], None]:
    query = bench.open_clip(clip, name=f"canary {clip.stem}").query_id
    bench.search(query, exhaustive=True)  # what is made once is not measured

    def search() -> None:
        start = time.perf_counter()
        result = bench.search(query, exhaustive=True)
        load.seconds.append(time.perf_counter() - start)
        mine = f"canary {clip.stem}"
        if result.query != mine or repr(result).replace(mine, "").count("canary"):
            load.errors.append(f"another session's clip in the answer to {mine}")
        if "market.mp4" not in [match.name for match in result.matches]:
            load.errors.append("an indexed video vanished")
        if result.skipped:
            load.errors.append(f"left out: {result.skipped}")

    return search


def adding(bench: Workbench, clip: Path) -> Callable[[], None]:
    def add() -> None:
        [job] = bench.add_paths([clip])
        while not (ended := bench.worker.job(job.job_id)).state.ended:
            time.sleep(0.01)
        bench.remove(ended.video_id)
        bench.worker.clear_ended()

    return add


def tuning(bench: Workbench) -> Callable[[], None]:
    def tune() -> None:
        with suppress(NotFound):  # the video was removed between the list and the question
            bench.query_distances(bench.videos()[0].video_id)
            bench.pairwise()
        bench.library.set_setting("match_score:fake", float(np.random.uniform(0.4, 0.7)))

    return tune


def run(
    load: Load, sessions: dict[str, Callable[[], None]], *, seconds: float, pause: float = 0.0
) -> None:
    """Every session works, and rests for `pause` seconds after each round."""
    end, begun, process = time.monotonic() + seconds, time.monotonic(), psutil.Process()

    def session(name: str, work: Callable[[], None]) -> None:
        while time.monotonic() < end:
            try:
                work()
                load.rounds[name] = load.rounds.get(name, 0) + 1
                time.sleep(pause)
            except Exception as error:
                load.errors.append(f"{name}: {type(error).__name__}: {error}")
                return

    threads = [threading.Thread(target=session, args=item) for item in sessions.items()]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        time.sleep(min(1.0, seconds / 10))
        gc.collect()
        load.memory.append((time.monotonic() - begun, process.memory_info().rss / 2**20))
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
