"""Work on a Ray cluster of two nodes, one of which is killed while it holds a piece: nothing is
lost or done twice, and features and scores are those of this process."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from tests.support.benches import page_settings
from tests.support.realdata import real_data
from visil_dash.engines.ahead import Piece
from visil_dash.engines.extraction import EngineOnDemand, PieceOutcome
from visil_dash.engines.ray_pool import RayPool
from visil_dash.engines.shards import in_order
from visil_dash.installed import DEMO
from visil_dash.progress import UNWATCHED, Progress, Watch
from visil_dash.records import JobState
from visil_dash.workbench.bench import Workbench, open_workbench
from visil_dash.workbench.ingest import extract_elsewhere

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


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def doomed(cluster: Any, tmp_path: Path) -> "Doomed":
    """A second node, whose first piece is held until it is killed."""
    return Doomed(cluster, tmp_path / "marks")


class Doomed:
    def __init__(self, cluster: Any, marks: Path) -> None:
        marks.mkdir()
        self.marks, self._cluster = marks, cluster
        self._node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        (marks / "doomed").write_text(self._node.node_id)

    def kill_when_it_holds_a_piece(self) -> str:
        """Name of the piece that was at work on the node when it was killed."""
        until(lambda: any(self.marks.glob("holds-*")))
        self._cluster.remove_node(self._node, allow_graceful=False)
        [held] = self.marks.glob("holds-*")
        return held.name.removeprefix("holds-")

    def begun(self) -> dict[str, list[str]]:
        """The nodes on which each piece was begun, in their order."""
        marks = sorted(self.marks.glob("begun-*"), key=lambda path: path.stat().st_mtime_ns)
        nodes: dict[str, list[str]] = {}
        for mark in marks:
            nodes.setdefault(mark.name.split("-")[1], []).append(mark.name.split("-")[2])
        return nodes

    def check_run_again(self, held: str) -> None:
        """On the other node, and by Ray; no piece that had ended was begun a second time."""
        node = (self.marks / "doomed").read_text()
        begun = self.begun()
        first, *later = begun[held]
        assert first == node
        assert len(later) == 1
        assert later[0] != node
        others = [nodes for piece, nodes in begun.items() if piece != held]
        assert all(len(nodes) == 1 or nodes[0] == node for nodes in others), begun


def held_on_the_doomed_node(marks: str, piece: str) -> None:
    """Leaves a mark, and waits for the end where it runs on the doomed node."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    Path(marks, f"begun-{piece}-{node}").touch()
    if Path(marks, "doomed").read_text() == node:
        Path(marks, f"holds-{piece}").touch()
        time.sleep(SECONDS)


def marked_extraction(*, marks: str, video_id: str, **given: Any) -> PieceOutcome:
    outcome = extract_elsewhere(video_id=video_id, **given)
    held_on_the_doomed_node(marks, video_id)
    return outcome


def marked_shard(*, marks: str, number: int) -> int:
    held_on_the_doomed_node(marks, str(number))
    return number


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


def test_a_node_that_is_killed_while_it_extracts_costs_nothing(
    cluster: Any, doomed: Doomed, clips: list[Path], here: Workbench, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    settings = page_settings(folder, engine="ray", ray=cluster.address)
    with open_workbench(settings=settings, library=folder) as bench:
        about = {"model": bench.model.name, "settings": settings, "marks": str(doomed.marks)}
        bench.engine = EngineOnDemand(
            bench.library, extractor=bench.extractor, work=marked_extraction, common=about
        )
        bench.engine.open()
        bench.add_paths(clips)
        held = doomed.kill_when_it_holds_a_piece()
        assert bench.worker.wait_idle(SECONDS)
        assert bench.library.notice == ""
        check_as_here(bench, here, len(clips))
        doomed.check_run_again(held)
        assert doomed.begun().keys() == {video.video_id for video in bench.videos()}


def test_a_shard_of_a_node_that_is_killed_is_run_again(cluster: Any, doomed: Doomed) -> None:
    pool = RayPool(address=cluster.address)
    results = in_order(
        pool,
        [str(number) for number in range(6)],
        piece=lambda number: Piece(marked_shard, {"marks": str(doomed.marks), "number": number}),
        here=lambda number: pytest.fail(f"shard {number} was left to this process"),
        watch=UNWATCHED,
    )
    killed: list[str] = []
    killer = Thread(target=lambda: killed.append(doomed.kill_when_it_holds_a_piece()))
    killer.start()
    assert list(results) == list(range(6))
    killer.join()
    doomed.check_run_again(killed[0])
    pool.close()


def test_searches_and_pairs_have_the_scores_of_one_process(
    cluster: Any, here: Workbench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(here.library.folder, tmp_path / "library"))
    settings = page_settings(folder, engine="ray", ray=cluster.address)
    with open_workbench(settings=settings, library=folder, start_worker=False) as bench:
        table, seen = here.pairwise(), list[Progress]()
        shared = bench.pairwise(watch=Watch(seen.append))
        np.testing.assert_allclose(shared.scores, table.scores, atol=1e-6)
        for video in here.videos()[::4]:
            want = here.search(video.video_id, exhaustive=True)
            got = bench.search(video.video_id, exhaustive=True, watch=Watch(seen.append))
            assert [m.video_id for m in got.matches] == [m.video_id for m in want.matches]
            for mine, theirs in zip(got.matches, want.matches, strict=True):
                assert mine.segments == theirs.segments
                assert mine.strength == pytest.approx(theirs.strength, abs=1e-6)
                assert mine.score == pytest.approx(theirs.score, abs=1e-6)
        assert {"Ray" in p.what for p in seen if "Compar" in p.what} == {True}
        assert bench.library.notice == ""
        assert "shard" not in caplog.text, "this process compared some of them"


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
