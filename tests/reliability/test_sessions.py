"""R16: several sessions search, add and tune at once, in one process as the dashboard's do.

Sessions are threads on one workbench with a model of a few lines, so what is measured is the
library, the index and their locks; browsers and the real model are not part of it.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
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
        """MiB in ten minutes, by a line through the last two thirds."""
        later = self.memory[len(self.memory) // 3 :]
        times, sizes = np.array(later).T
        return float(np.polyfit(times, sizes, 1)[0] * 600)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(copy_library(copy_world(), tmp_path / "library")) as opened:
        yield opened


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


def run(load: Load, sessions: dict[str, Callable[[], None]], *, seconds: float) -> None:
    end, begun, process = time.monotonic() + seconds, time.monotonic(), psutil.Process()

    def session(name: str, work: Callable[[], None]) -> None:
        while time.monotonic() < end:
            try:
                work()
                load.rounds[name] = load.rounds.get(name, 0) + 1
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("searchers", "seconds"),
    [
        (2, 8.0),
        pytest.param(6, 120.0, marks=pytest.mark.night),
        pytest.param(6, 600.0, marks=pytest.mark.night),
    ],
    ids=["4 sessions", "8 sessions, 2 minutes", "8 sessions, 10 minutes"],
)
def test_sessions_at_once_neither_fail_nor_see_each_other_nor_slow_down(
    bench: Workbench, tmp_path: Path, searchers: int, seconds: float
) -> None:
    clips = [
        make_scene(tmp_path / f"{n}.mp4", 1, start=1.0 + n * 0.5, seconds=5.0)
        for n in range(searchers)
    ]
    new = make_scene(tmp_path / "new.mp4", 3, seconds=5.0)
    alone, load = Load(), Load()
    run(alone, {"search": searching(bench, clips[0], alone)}, seconds=2.0)
    sessions = {f"search {n}": searching(bench, clip, load) for n, clip in enumerate(clips)}
    sessions |= {"add": adding(bench, new), "tune": tuning(bench)}
    run(load, sessions, seconds=seconds)
    print(
        f"{len(load.seconds)} searches, p95 {load.p95:.3f} s (alone {alone.p95:.3f} s), "
        f"rounds {load.rounds}, growth {load.growth:.1f} MiB in ten minutes"
    )
    assert load.errors == []
    assert set(load.rounds) == set(sessions)
    assert load.p95 <= SLOWEST
    if seconds >= 600:
        assert load.p95 <= 3 * alone.p95
        assert load.growth <= MOST_GROWTH


def test_the_control_an_error_and_a_foreign_clip_are_noticed(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One result for everybody, as a cache with the wrong key would give."""
    clips = [make_scene(tmp_path / f"{n}.mp4", 1, start=1.0 + n, seconds=5.0) for n in range(2)]
    load = Load()
    searches = [searching(bench, clip, load) for clip in clips]
    first = bench.search(bench.open_clip(clips[0], name="canary 0").query_id, exhaustive=True)
    monkeypatch.setattr(bench, "search", lambda *_a, **_k: first)
    for search in searches:
        search()
    assert load.errors == ["another session's clip in the answer to canary 1"]


def test_the_control_memory_that_grows_is_noticed() -> None:
    leak = Load(memory=[(float(t), 100 + t * 0.05) for t in range(600)])
    flat = Load(memory=[(float(t), 100 + (t % 7) * 0.5) for t in range(600)])
    assert leak.growth > MOST_GROWTH > abs(flat.growth)
