"""Clips whose truth is known, and a library of them with the fake model's features."""

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.changing_scenes import RATE, scenes, write
from tests.support.fakes import fake_model
from visil_dash.library.store import open_library
from visil_dash.records import JobState
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """a: 12 s; b: 4 s of its own, then seconds 5 to 10 of a; c, d: unrelated."""
    folder = tmp_path_factory.mktemp("clips")
    a, b, c, d = (scenes(seed, 12) for seed in range(4))
    made = {
        "a.mp4": a,
        "b.mp4": b[: 4 * RATE] + a[5 * RATE : 10 * RATE],
        "c.mp4": c,
        "d.mp4": d,
    }
    paths = {name: write(folder / name, frames) for name, frames in made.items()}
    # The same seconds of `a`, re-encoded smaller and darker: what a query looks like.
    query = [(f * 0.8).astype(np.uint8) for f in a[5 * RATE : 10 * RATE]]
    paths["query.mp4"] = write(folder / "query.mp4", query)
    (folder / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42 nothing follows")
    paths["broken.mp4"] = folder / "broken.mp4"
    return paths


@pytest.fixture(scope="module")
def settings():
    return Settings(min_free_bytes=0)


@pytest.fixture(scope="session")
def filled(clips, tmp_path_factory):
    """The folder of a library of a, b, c and d, made once; copy it before it is opened."""
    folder = tmp_path_factory.mktemp("filled") / "library"
    with fake_bench(folder) as made:
        jobs = fill(made, [clips[n] for n in ("a.mp4", "b.mp4", "c.mp4", "d.mp4", "broken.mp4")])
        assert jobs["broken.mp4"].state is JobState.REFUSED
        assert jobs["broken.mp4"].reason
        assert [jobs[n].state for n in ("a.mp4", "b.mp4", "c.mp4", "d.mp4")] == ["indexed"] * 4
    return folder


@pytest.fixture(scope="module")
def bench(filled, settings, tmp_path_factory):
    folder = copy_library(filled, tmp_path_factory.mktemp("bench") / "library")
    with Workbench(open_library(folder, settings=settings), fake_model(), settings) as opened:
        yield opened
