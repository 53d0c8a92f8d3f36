"""A library of a few scenes, and the commands over it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.cli.main import main

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(copy_world(), tmp_path / "library")


@pytest.fixture
def shell(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments), "--library", str(folder)])
        return (code, *capsys.readouterr())

    return run
