"""A library in which nothing can be compared answers with an error, never with "no copy"."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.cli.main import main
from visil_dash.library.store import open_library
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]
ASKING = {
    "search": ("search", "market.mp4"),
    "compare": ("compare", "market.mp4", "harbour.mp4"),
    "pairwise": ("pairwise",),
    "evaluate": ("evaluate", "--labels", "demo"),
}
READING = {
    **ASKING,
    "list": ("list",),
    "index status": ("index", "status"),
    "index verify": ("index", "verify"),
    "index rebuild": ("index", "rebuild"),
    "remove": ("remove", "market.mp4"),
}


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
def test_a_mistyped_library_is_an_error_and_is_not_made(
    shell: Shell, tmp_path: Path, command: str, there: bool
) -> None:
    folder = tmp_path / "libary"
    if there:
        folder.mkdir()
    code, out, err = shell(*READING[command], "--library", folder)
    assert (code, out) == (2, "")
    assert f"{folder}: no library here" in err
    assert "--library" in err
    assert not list(folder.iterdir()) if there else not folder.exists()


@pytest.mark.parametrize("command", ASKING)
def test_an_empty_library_is_an_error_with_the_remedy(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "library"
    open_library(folder, settings=Settings(min_free_bytes=0)).close()
    code, out, err = shell(*ASKING[command], "--library", folder)
    assert (code, out) == (2, "")
    assert "the library is empty" in err
    assert "python -m visil_dash add PATH" in err


@pytest.mark.parametrize("command", ASKING)
def test_videos_without_features_of_the_model_are_an_error_with_the_remedy(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    other = replace(fake_model(), name="other", extractor="other-00000000")
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: other)
    code, out, err = shell(*ASKING[command], "--library", folder)
    assert (code, out) == (2, "")
    assert "other: none of the 4 videos" in err
    assert "--model other" in err


@pytest.mark.parametrize(("command", "status"), [("search", 1), ("compare", 2)])
def test_a_path_without_a_file_is_no_name_of_a_video(
    shell: Shell, tmp_path: Path, command: str, status: int
) -> None:
    folder, clip = copy_library(copy_world(), tmp_path / "library"), tmp_path / "gone.mp4"
    other = ("market.mp4",) if command == "compare" else ()
    code, out, err = shell(command, clip, *other, "--library", folder)
    assert (code, out) == (status, "")
    assert "gone.mp4: there is no such file" in err
