"""Extraction on a Ray cluster of two nodes, one of which is killed midway: nothing is lost or done
twice, and the features are those that this process makes."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.benches import page_settings
from tests.support.realdata import real_data
from visil_dash.installed import DEMO
from visil_dash.records import JobState
from visil_dash.workbench.bench import Workbench, open_workbench

DEMO_CLIPS, REAL_CLIPS = 6, 4
SECONDS = 180.0


@pytest.fixture(scope="module")
def clips() -> list[Path]:
    """Short ones: of the demo, and real ones where they are."""
    demo = sorted((DEMO / "videos").glob("*.mp4"))[:DEMO_CLIPS]
    folder = real_data()
    if folder is None:
        return demo
    real = sorted((folder / "videos").glob("*.mp4"), key=lambda path: path.stat().st_size)
    return [*demo, *real[:REAL_CLIPS]]


@pytest.fixture(scope="module")
def here(clips: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A library of the clips, extracted in this process."""
    folder = tmp_path_factory.mktemp("here") / "library"
    with open_workbench(settings=page_settings(folder), library=folder) as bench:
        bench.add_paths(clips)
        assert bench.worker.wait_idle(SECONDS)
        yield bench


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()


def check_as_here(bench: Workbench, here: Workbench, count: int) -> None:
    jobs = bench.jobs()
    assert [job.state for job in jobs] == [JobState.INDEXED] * count, jobs
    assert bench.library.features_ids(bench.extractor) == here.library.features_ids(here.extractor)
    assert len(bench.videos()) == count
    for video in here.videos():
        mine, theirs = (
            each.library.features(video.video_id, extractor=each.extractor)
            for each in (bench, here)
        )
        assert mine.regions.tobytes() == theirs.regions.tobytes(), video.name
        np.testing.assert_array_equal(mine.timestamps, theirs.timestamps)
        assert mine.picture == theirs.picture
    assert bench.verify() == ()


def test_a_node_that_is_killed_midway_costs_nothing(
    cluster: Any, clips: list[Path], here: Workbench, tmp_path: Path
) -> None:
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    folder = tmp_path / "library"
    settings = page_settings(folder, engine="ray", ray=cluster.address)
    with open_workbench(settings=settings, library=folder) as bench:
        bench.engine.open()
        bench.add_paths(clips)
        until(lambda: sum(job.state is JobState.INDEXED for job in bench.jobs()) >= 2)
        cluster.remove_node(second, allow_graceful=False)
        assert bench.worker.wait_idle(SECONDS)
        assert bench.library.notice == ""
        check_as_here(bench, here, len(clips))


def test_without_a_cluster_the_files_are_extracted_here_and_it_is_said(
    clips: list[Path], here: Workbench, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    settings = page_settings(folder, engine="ray", ray="127.0.0.1:1")
    with open_workbench(settings=settings, library=folder) as bench:
        bench.add_paths(clips[:1])
        assert bench.worker.wait_idle(SECONDS)
        assert "does not answer" in bench.library.notice
        assert [job.state for job in bench.jobs()] == [JobState.INDEXED]


def until(what: Any) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)
