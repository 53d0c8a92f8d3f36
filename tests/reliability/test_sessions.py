"""R16: several sessions search, add and tune at once, in one process as the dashboard's do.

Here sessions are threads on one workbench with a model of a few lines, which never rest: the
library, the index and their locks under the most that they can get. test_dashboard_at_once.py has
the running dashboard.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from tests.support.sessions import MOST_GROWTH, SLOWEST, Load, adding, run, searching, tuning
from visil_dash.safekeeping.memory import keep_memory_small
from visil_dash.workbench.bench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(copy_library(copy_world(), tmp_path / "library")) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(
    ("searchers", "seconds"),
    [
        (2, 8.0),
        pytest.param(6, 600.0, marks=pytest.mark.night),
    ],
    ids=["4 sessions", "8 sessions, 10 minutes"],
)
def test_sessions_at_once_neither_fail_nor_see_each_other_nor_grow(
    bench: Workbench, tmp_path: Path, searchers: int, seconds: float
) -> None:
    clips = [
        make_scene(tmp_path / f"{n}.mp4", 1, start=1.0 + n * 0.5, seconds=5.0)
        for n in range(searchers)
    ]
    new = make_scene(tmp_path / "new.mp4", 3, seconds=5.0)
    alone, load = Load(), Load()
    keep_memory_small()
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
