"""While a video is added or removed, nothing reports it as lost, unread or unknown."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.page_world import shared_library
from tests.support.scenes import make_scene
from visil_dash.errors import NotFound
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.overview import overview
from visil_dash.workbench.upkeep import without_features


def complaints(bench: Workbench) -> list[str]:
    query = bench.videos()[0].video_id
    return [
        *(f"not searchable: {video.name}" for video in without_features(bench)),
        *["not searchable, in the overview"] * overview(bench).missing_features,
        *(f"skipped: {why}" for why in bench.search(query, exhaustive=True).skipped.values()),
        *(str(finding) for finding in bench.library.verify()),
    ]


@pytest.fixture
def steps(tmp_path: Path) -> Callable[[Callable[[Workbench], None]], dict[str, list[str]]]:
    """What is complained of at each step of a change of a library."""
    folder = copy_library(shared_library(), tmp_path / "library")

    def during(change: Callable[[Workbench], None]) -> dict[str, list[str]]:
        seen: dict[str, list[str]] = {}
        with fake_bench(folder) as bench:

            def step(name: str) -> None:
                # As another thread sees it: the one that changes the library may hold its lock.
                asking = threading.Thread(target=lambda: seen.update({name: complaints(bench)}))
                asking.start()
                asking.join(10)

            bench.library.step = step
            change(bench)
            bench.library.step = lambda _name: None
            assert complaints(bench) == []
        return seen

    return during


def test_a_video_that_is_being_added_is_not_called_unread(steps, tmp_path: Path) -> None:
    path = make_scene(tmp_path / "new.mp4", 5, seconds=3)
    seen = steps(lambda bench: fill(bench, [path]))
    assert {"media:committed", "row:before-commit"} <= seen.keys()
    assert {name: said for name, said in seen.items() if said} == {}


def test_a_video_that_is_being_removed_is_not_called_unknown(steps) -> None:
    seen = steps(lambda bench: bench.remove(bench.videos()[-1].video_id))
    assert "delete:committed" in seen
    assert {name: said for name, said in seen.items() if said} == {}


def test_videos_that_come_and_go_are_never_called_unread(tmp_path: Path) -> None:
    with fake_bench(copy_library(shared_library(), tmp_path / "library")) as bench:
        path = make_scene(tmp_path / "new.mp4", 5, seconds=2)
        ended = threading.Event()
        unread: list[str] = []

        def ask() -> None:
            while not ended.is_set():
                unread.extend(video.name for video in without_features(bench))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(6):
                fill(bench, [path])
                bench.remove(bench.videos()[-1].video_id)
                bench.worker.clear_ended()
        finally:
            ended.set()
            asking.join(10)
        assert unread == []


@pytest.mark.parametrize("comes_back", [False, True], ids=["removed", "removed and added again"])
def test_a_video_that_is_removed_while_it_is_read_is_not_called_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, comes_back: bool
) -> None:
    with fake_bench(copy_library(shared_library(), tmp_path / "library")) as bench:
        path = make_scene(tmp_path / "new.mp4", 5, seconds=2)
        fill(bench, [path])
        new = bench.videos()[-1].video_id

        def checksum_of_nothing(_data: bytes) -> str:
            monkeypatch.undo()
            bench.remove(new)
            if comes_back:
                fill(bench, [path])
            return ""

        monkeypatch.setattr("visil_dash.library.viewer.sha256_hex", checksum_of_nothing)
        with pytest.raises(NotFound, match="removed meanwhile"):
            bench.library.features(new, extractor=bench.extractor, anew=True)
        assert bench.library.has_video(new) == comes_back
