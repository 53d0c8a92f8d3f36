"""benchmarks.findings: one run writes every table, and its numbers are the instruments' own."""

from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks.findings import fewest_dims, main
from tests.support.benches import copy_library, page_settings
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world, features
from visil_dash.laboratory.dimensions.library import StudyOptions, study
from visil_dash.laboratory.dimensions.study import SpaceResult
from visil_dash.reduction.quantisation import Precision
from visil_dash.workbench.bench import open_workbench


def space(method: str, dim: int, recall: float, candidates: float) -> SpaceResult:
    return SpaceResult(
        method, dim, Precision.FP32, 1.0, recall, candidates, 1.0, 1.0, 1.0, 1.0, 1.0, 4 * dim, 0, 0
    )


def test_the_fewest_dims_keep_the_candidates_and_add_few() -> None:
    rows = [
        space("full", 512, 1.0, 10.0),
        space("pca", 16, 1.0, 14.0),  # keeps them, but nearly half as many again
        space("pca", 32, 0.9, 10.0),  # loses some
        space("pca", 64, 0.995, 10.9),
        space("pca", 128, 1.0, 10.1),
        space("random", 8, 1.0, 10.0),
    ]
    best = fewest_dims(rows)
    assert best is not None
    assert best.dim == 64
    assert fewest_dims(rows[:3]) is None


def test_one_run_writes_every_table(tmp_path: Path) -> None:
    folder, out = copy_library(copy_world(), tmp_path / "library"), tmp_path / "findings.md"
    labels = tmp_path / "mine.csv"
    labels.write_text("query,reference,relation\nexcerpt.mp4,market.mp4,DS\n")
    settings = page_settings(folder)
    with (
        patch("visil_dash.workbench.bench.load_model", lambda name, settings: fake_model()),
        patch("benchmarks.findings.get_settings", lambda: settings),
    ):
        given = ["--library", str(folder), "--least", "1", "--labels", str(labels)]
        assert main([*given, "--out", str(out)]) == 0
        with open_workbench(settings=settings, library=folder, start_worker=False) as bench:
            found = study(bench, StudyOptions())
            threshold = bench.threshold()
    text = out.read_text()
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == ["# Findings", "## Dims", "## Graph", "## Hubs", "## Quality"]
    frames = sum(map(len, features().values()))
    assert f"{frames} of {frames} frames of 4 videos" in text
    assert f"threshold: {threshold:.4g} in force" in text
    for row in found.rows:
        if row.precision is Precision.FP32 and row.method == "pca":
            line = next(x for x in text.splitlines() if x.startswith(f"| PCA | {row.dim} |"))
            cells = [cell.strip() for cell in line.split("|")]
            assert cells[3] == f"{row.recall:.3f}"
            assert cells[-2] == str(row.bytes)
    # The excerpt's source comes first in either search.
    assert text.count("| DSVR | 1.000 | 1.000 |") == 2


def test_labels_that_are_not_there_are_an_error_only_when_asked_for(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    settings = page_settings(folder)
    with (
        patch("visil_dash.workbench.bench.load_model", lambda name, settings: fake_model()),
        patch("benchmarks.findings.get_settings", lambda: settings),
    ):
        out = tmp_path / "findings.md"
        assert main(["--library", str(folder), "--out", str(out)]) == 0
        assert "## Quality" not in out.read_text()
        with pytest.raises(Exception, match="no label of a pair"):
            main(["--library", str(folder), "--labels", "demo"])
