"""A plan moves nothing until it is confirmed; then files go to the trash, logged, and come back."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.benches import copy_library, fake_bench, fill, filled_library
from tests.support.fakes import fake_model
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.library.store import open_library
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one scene in two lengths and an unrelated scene."""
    root = tmp_path_factory.mktemp("tidy")
    (root / "videos").mkdir()
    paths = [
        make_scene(root / "videos" / "short.mp4", 1, start=2.0, seconds=4.0),
        make_scene(root / "videos" / "long.mp4", 1, seconds=8.0),
        make_scene(root / "videos" / "other.mp4", 2, seconds=4.0),
    ]
    return filled_library(root / "library", paths)


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    """A copy of the library, whose short video was also added from a file of the test's own."""
    folder = copy_library(made, tmp_path / "library")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "short.mp4").write_bytes((made.parent / "videos" / "short.mp4").read_bytes())
    with fake_bench(folder) as bench:
        fill(bench, [mine])
    return tmp_path


@pytest.fixture
def shell(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    settings = Settings(
        library=world / "library", min_free_bytes=0, allowed_folders=str(world / "mine")
    )
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


def names(world: Path) -> set[str]:
    with open_library(world / "library", settings=Settings(), read_only=True) as library:
        return {video.name for video in library.videos()}


def entries(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


EVERY = {"short.mp4", "long.mp4", "other.mp4"}


def test_a_plan_changes_nothing_and_running_it_needs_a_yes(shell: Shell, world: Path) -> None:
    code, out, _ = shell("tidy", "plan", world / "plan.csv")
    assert (code, "1 groups: 1 videos kept, 1 to the trash" in out) == (0, True)
    rows = list(csv.DictReader((world / "plan.csv").read_text().splitlines()))
    assert {(row["video"], row["action"]) for row in rows} == {
        ("long.mp4", "keep"),
        ("short.mp4", "trash"),
    }
    assert "90 % as long" in next(row["why"] for row in rows if row["action"] == "keep")
    code, out, err = shell("tidy", "run", world / "plan.csv")
    assert (code, "nothing was changed" in err, names(world)) == (0, True, EVERY)
    assert shell("tidy", "log")[1] == ""


def test_a_plan_is_carried_out_logged_and_undone(shell: Shell, world: Path) -> None:
    shell("verdict", "set", "short.mp4", "other.mp4", "unsure", "--by", "ann")
    shell("tidy", "plan", world / "plan.csv")
    run = ("tidy", "run", world / "plan.csv", "--yes", "--by", "ann", "--json")
    done = entries(shell(*run)[1])[-1]
    assert names(world) == EVERY - {"short.mp4"}
    assert (world / "mine" / "short.mp4").is_file()  # no file outside is touched unless asked
    (entry,) = entries(shell("tidy", "log", "--json")[1])
    assert (entry["action"], entry["by"]) == ("plan carried out", "ann")
    assert entry["videos"] == ["short.mp4"]
    assert shell("tidy", "undo", done["batch"], "--by", "bob")[0] == 0
    assert names(world) == EVERY
    (label,) = entries(shell("verdict", "list", "--json")[1])
    assert label["verdict"] == "unsure"
    assert [e["by"] for e in entries(shell("tidy", "log", "--json")[1])] == ["ann", "bob"]
    code, _, err = shell("tidy", "undo", done["batch"])
    assert (code, "nothing of this name" in err) == (2, True)


def test_files_outside_move_within_the_allowed_folders_only_and_come_back(
    shell: Shell, world: Path, made: Path
) -> None:
    shell("tidy", "plan", world / "plan.csv")
    done = entries(shell("tidy", "run", world / "plan.csv", "--yes", "--outside", "--json")[1])[-1]
    assert done["moved"] == [str(world / "mine" / "short.mp4")]
    assert not (world / "mine" / "short.mp4").exists()
    ((stays, reason),) = done["left"]
    assert stays == str(made.parent / "videos" / "short.mp4")
    assert "outside the folders" in reason
    assert Path(stays).is_file()
    assert shell("tidy", "undo", done["batch"], "--outside")[0] == 0
    assert (world / "mine" / "short.mp4").is_file()
    assert names(world) == EVERY


def test_a_plan_that_was_changed_by_hand_counts_and_one_that_keeps_nothing_is_refused(
    shell: Shell, world: Path
) -> None:
    plan = world / "plan.csv"
    shell("tidy", "plan", plan, "--keep", "smallest")
    first = plan.read_text()
    plan.write_text(first.replace(",keep,", ",trash,"))
    code, _, err = shell("tidy", "run", plan, "--yes")
    assert (code, "nothing would be kept" in err, names(world)) == (2, True, EVERY)
    plan.write_text(first.replace(",trash,", ",keep,"))
    code, _, err = shell("tidy", "run", plan, "--yes")
    assert (code, "gives up no video" in err) == (2, True)
    plan.write_text(first.replace(",trash,", ",burn,"))
    assert "neither keep nor trash" in shell("tidy", "run", plan, "--yes")[2]
    plan.write_text("a,b\n")
    assert "is no plan" in shell("tidy", "run", plan, "--yes")[2]
    plan.write_text(first)
    assert shell("tidy", "run", plan, "--yes")[0] == 0
    code, _, err = shell("tidy", "run", plan, "--yes")
    assert (code, "is not in the library" in err) == (2, True)


def test_an_unknown_rule_is_refused(shell: Shell, world: Path) -> None:
    with pytest.raises(SystemExit):
        shell("tidy", "plan", world / "plan.csv", "--keep", "prettiest")
