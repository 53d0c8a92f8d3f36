"""R19: cancelled at any time, adding leaves nothing half, and a retry gives the same features."""

import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.benches import fake_bench
from tests.support.scenes import make_scene
from visil_dash.library.blobs import decode_features
from visil_dash.library.paths import blob_file
from visil_dash.records import JobState
from visil_dash.workbench.bench import Workbench

SOON = 30.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scene(tmp_path_factory.mktemp("clip") / "market.mp4", 1, seconds=20.0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(tmp_path / "library") as opened:
        yield opened


def ended(bench: Workbench, job_id: str) -> JobState:
    end = time.monotonic() + SOON
    while not bench.worker.job(job_id).state.ended:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert bench.worker.wait_idle(SOON)  # its staged copy goes after its state is written
    return bench.worker.job(job_id).state


def decoders() -> list[psutil.Process]:
    """Decoding processes of ours that are alive; a browser of other tests may be as well."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("visil_dash.media.child" in part for part in child.cmdline()):
                found.append(child)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.night)])
def test_cancelled_at_any_time_and_retried_the_features_are_the_same_bytes(
    bench: Workbench, clip: Path, times: int
) -> None:
    [job] = bench.add_paths([clip])
    begun = time.monotonic()
    assert ended(bench, job.job_id) is JobState.INDEXED
    took = time.monotonic() - begun
    video_id = bench.worker.job(job.job_id).video_id
    path = blob_file(bench.library.folder, bench.extractor, video_id)
    whole, seeded, cancelled = path.read_bytes(), random.Random(1), 0
    for _ in range(times):
        bench.remove(video_id)
        [job] = bench.add_paths([clip])
        time.sleep(seeded.uniform(0, 0.8) * took)
        bench.worker.cancel(job.job_id)
        if ended(bench, job.job_id) is JobState.CANCELLED:
            cancelled += 1
            assert decoders() == []
            assert bench.videos() == ()
            assert not list(bench.library.folder.glob("incoming/*"))
            assert bench.library.verify() == ()
            bench.worker.retry(job.job_id)
            assert ended(bench, job.job_id) is JobState.INDEXED
        # The row's number is part of the blob and new in each life; what was extracted is not.
        assert regions_of(path.read_bytes()) == regions_of(whole)
        bench.worker.clear_ended()
    assert cancelled >= times // 2


def regions_of(blob: bytes) -> bytes:
    return decode_features(blob, name="whole")[0].regions.tobytes()


def test_the_control_a_decoder_that_runs_on_is_noticed() -> None:
    waiting = "import time; time.sleep(60)  # as visil_dash.media.child"
    with subprocess.Popen([sys.executable, "-c", waiting]) as child:
        assert [process.pid for process in decoders()] == [child.pid]
        child.kill()
    assert decoders() == []
