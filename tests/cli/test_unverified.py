"""Scores of weights that nobody verified carry that mark out of the shell, too."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.cli import main

Shell = Callable[..., tuple[str, str]]
NOTE = "imported unverified"


@pytest.fixture(params=[True, False], ids=["verified", "unverified"])
def verified(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def shell(
    verified: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    model = fake_model(verified=verified)
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: model)
    library = copy_library(copy_world(), tmp_path / "library")

    def run(*arguments: str | Path) -> tuple[str, str]:
        assert main.main([*map(str, arguments), "--library", str(library)]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    return run


def test_search_and_compare_are_marked(shell: Shell, verified: bool) -> None:
    for command in (("search", "excerpt.mp4"), ("compare", "excerpt.mp4", "market.mp4")):
        assert (NOTE in shell(*command)[0]) is not verified
        assert json.loads(shell(*command, "--json")[0])["verified"] is verified


def test_pairwise_is_marked_in_each_row(shell: Shell, verified: bool, tmp_path: Path) -> None:
    out, err = shell("pairwise", "--json")
    assert {json.loads(line)["verified"] for line in out.splitlines()} == {verified}
    assert (NOTE in err) is not verified
    table = tmp_path / "scores.csv"
    shell("pairwise", "--csv", table)
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert {row["verified"] for row in rows} == {str(verified).lower()}
