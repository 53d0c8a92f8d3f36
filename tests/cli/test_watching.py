"""A watched folder: what is new or changed is added once it is whole, what goes is reported."""

import os
from pathlib import Path

import pytest

from tests.support.fakes import fake_model
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.cli.watching import FolderWatch


def test_a_file_is_ready_once_it_has_stopped_changing(tmp_path: Path) -> None:
    old, new = tmp_path / "old.mp4", tmp_path / "new.mp4"
    old.write_bytes(b"old")
    watch = FolderWatch([tmp_path])
    assert watch.look() == ([], [])
    new.write_bytes(b"half")
    assert watch.look() == ([], [])
    new.write_bytes(b"half and half")
    assert watch.look() == ([], [])
    assert watch.look() == ([new], [])
    assert watch.look() == ([], [])
    os.utime(old, ns=(1, 1))  # written anew with the same size
    watch.look()
    assert watch.look() == ([old], [])


def test_a_file_that_goes_is_named_once_and_ready_again_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"a")
    watch = FolderWatch([tmp_path])
    path.rename(tmp_path / "b.mp4")
    assert watch.look() == ([], [path])
    assert watch.look() == ([tmp_path / "b.mp4"], [])
    (tmp_path / "b.mp4").rename(path)
    assert watch.look() == ([], [tmp_path / "b.mp4"])
    assert watch.look() == ([path], [])


def test_the_command_adds_what_comes_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    folder, library = tmp_path / "films", tmp_path / "library"
    folder.mkdir()
    make_scene(folder / "first.mp4", 0, seconds=2.0)
    second = make_scene(tmp_path / "second.mp4", 1, seconds=2.0)
    looks = 0

    def pause(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            second.rename(folder / "second.mp4")
        if looks == 3:
            (folder / "first.mp4").unlink()
        if looks == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("visil_dash.cli.library.pause_between_looks", pause)
    assert main(["add", str(folder), "--watch", "5", "--library", str(library)]) == 0
    out = capsys.readouterr().out
    assert "indexed   first.mp4" in out
    assert "indexed   second.mp4" in out
    assert f"gone      {folder / 'first.mp4'}" in out
    assert main(["list", "--library", str(library)]) == 0
    assert {"first.mp4", "second.mp4"} <= set(capsys.readouterr().out.split())


def test_only_a_folder_can_be_watched(tmp_path: Path) -> None:
    assert main(["add", "--watch", "5", "--library", str(tmp_path / "library")]) == 2
