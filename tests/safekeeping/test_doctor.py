"""The health of a library as its page keeps it: noted with its time, its problems, its repairs."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.page_world import NAMES, shared_library
from visil_dash.errors import DiskFull, StoreReadOnly
from visil_dash.safekeeping.doctor import (
    PROBLEMS_KEPT,
    examine,
    last_examination,
    repair_library,
)
from visil_dash.workbench.bench import Workbench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(shared_library(), tmp_path / "library")


@pytest.fixture
def bench(folder: Path) -> Iterator[Workbench]:
    with fake_bench(folder) as opened:
        yield opened


def blobs(bench: Workbench) -> list[Path]:
    return sorted(bench.library.folder.glob("features/*/*.safetensors"))


def test_an_examination_is_noted_with_its_time_and_problems(bench: Workbench, folder: Path) -> None:
    assert last_examination(bench) is None
    first = examine(bench)
    assert (first.problems, first.repairs) == ((), ())
    path = bench.library.media_path(bench.videos()[0].video_id)
    path.write_bytes(path.read_bytes()[:-1])
    time.sleep(0.002)  # the stamp has milliseconds
    second = examine(bench)
    assert len(second.problems) == 1
    assert "was altered" in second.problems[0]
    assert second.repairs == ()  # the file itself cannot be made again
    assert second.at > first.at
    bench.close()
    with fake_bench(folder) as again:
        assert last_examination(again) == second


def test_problems_are_kept_within_bounds(bench: Workbench) -> None:
    for number in range(PROBLEMS_KEPT + 5):
        (bench.library.folder / "media" / f"{number:064}").mkdir()
    assert len(examine(bench).problems) == PROBLEMS_KEPT + 5
    noted = last_examination(bench)
    assert noted is not None
    assert (len(noted.problems), len(noted.repairs)) == (PROBLEMS_KEPT, PROBLEMS_KEPT)


def test_a_repair_makes_features_again_but_never_of_a_file_that_was_altered(
    bench: Workbench,
) -> None:
    first, second, _ = blobs(bench)
    sound = first.read_bytes()
    first.write_bytes(b"damaged")
    second.write_bytes(b"damaged too")
    media = bench.library.media_path(second.stem)
    shutil.copy(bench.library.media_path(first.stem), media)  # a sound video, but another one
    assert examine(bench).repairs == (
        "extract the features of harbour.mp4 again from the stored video",
    )
    after = repair_library(bench)
    assert first.read_bytes() == sound
    assert second.read_bytes() == b"damaged too"
    assert [text.split(": ")[1][:22] for text in after.problems] == [
        "the media file was alt",
        "the feature file was a",
    ]
    assert "cannot be made again before its media file is back" in after.problems[1]
    assert len(list(bench.library.folder.glob("quarantine/*"))) >= 1
    assert [v.name for v in bench.videos()] == list(NAMES)


def test_a_viewer_examines_and_does_not_repair(bench: Workbench, folder: Path) -> None:
    blobs(bench)[0].write_bytes(b"damaged")
    with fake_bench(folder) as viewer:
        assert viewer.library.read_only
        assert any("was altered" in text for text in examine(viewer).problems)
        assert last_examination(viewer) is None
        with pytest.raises(StoreReadOnly):
            repair_library(viewer)


def test_a_repair_stops_for_want_of_disk_and_changes_nothing(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs(bench)[0].write_bytes(b"damaged")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=-1))
    with pytest.raises(DiskFull, match="must stay free"):
        repair_library(bench)
    assert blobs(bench)[0].read_bytes() == b"damaged"
