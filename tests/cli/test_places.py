"""A folder whose files move, change, go and come back: nothing is lost, and each is reported."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import fake_bench, fill, filled_library
from tests.support.scenes import make_scene
from visil_dash.cli.main import main

Places = Callable[..., tuple[int, dict[str, tuple[str, str | None]]]]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for scene, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        make_scene(folder / name, scene, seconds=2.0)
    filled_library(tmp_path / "library", sorted(folder.iterdir()))
    return folder


@pytest.fixture
def places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Places:
    def run(*folders: Path) -> tuple[int, dict[str, tuple[str, str | None]]]:
        library = str(tmp_path / "library")
        code = main(["places", *map(str, folders), "--json", "--library", library])
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, {row["name"]: (row["state"], row["now"]) for row in rows}

    return run


def test_each_file_is_reported_as_what_became_of_it(
    films: Path, places: Places, tmp_path: Path
) -> None:
    same = dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), ("same", None))
    assert places() == (0, same)
    data = bytearray((films / "a.mp4").read_bytes())
    data[-1] ^= 1  # one bit, and the size stays
    (films / "a.mp4").write_bytes(data)
    (films / "b.mp4").unlink()
    archive = tmp_path / "archive"
    archive.mkdir()
    (films / "c.mp4").rename(archive / "renamed.mp4")
    changed = {"a.mp4": ("changed", None), "b.mp4": ("missing", None), "c.mp4": ("missing", None)}
    assert places() == (1, changed)
    moved = changed | {"c.mp4": ("moved", str(archive / "renamed.mp4"))}
    assert places(tmp_path / "archive") == (1, moved)
    # The library keeps copies: all three are there, whole, and come back from it.
    with fake_bench(tmp_path / "library") as bench:
        assert bench.verify() == ()
        for video in bench.videos():
            shutil.copy(bench.library.media_path(video.video_id), films / video.name)
    assert places() == (0, same)


def test_a_file_that_moved_is_known_at_its_new_place_once_it_is_added_there(
    films: Path, places: Places, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (films / "a.mp4").rename(archive / "a.mp4")
    with fake_bench(tmp_path / "library") as bench:
        before = len(bench.videos())
        fill(bench, [archive])
        assert len(bench.videos()) == before
        video = bench.library.video("a.mp4")
    assert set(video.places) == {str(films / "a.mp4"), str(archive / "a.mp4")}
    assert places()[0] == 1


def test_a_folder_without_a_library_is_an_error(tmp_path: Path) -> None:
    assert main(["places", "--library", str(tmp_path / "gone")]) == 2
