"""Every cell of the notebook runs, in order, and what it asserts holds.

Run as plain Python in one namespace: no cell needs what Jupyter adds.
"""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "workbench.ipynb"


def cells(text: str) -> list[str]:
    """The code of a notebook's cells."""
    return ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]


def test_the_reading_of_a_notebook_finds_its_code() -> None:
    text = {"cells": [{"cell_type": "code", "source": ["a = 1\n", "b = 2"]}, {"cell_type": "raw"}]}
    assert cells(json.dumps(text)) == ["a = 1\nb = 2"]


def test_the_notebook_keeps_no_output() -> None:
    """Results are for the reader's machine to make: kept ones would go stale unnoticed."""
    stored = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] for cell in stored if cell["cell_type"] == "code")


@pytest.mark.slow
def test_the_notebook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    space: dict[str, Any] = {}
    for number, code in enumerate(cells(NOTEBOOK.read_text(encoding="utf-8")), 1):
        exec(compile(code, f"cell {number}", "exec"), space)
    assert "launch_anchor.mp4" in capsys.readouterr().out
