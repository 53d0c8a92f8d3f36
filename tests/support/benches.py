"""Workbenches with the fake model, and libraries that are filled once and then copied."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support.fakes import fake_model
from visil_dash.models.load import Model
from visil_dash.records import JobRecord
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench, open_workbench

SOON = 30.0  # seconds


def page_settings(folder: Path, **changes: Any) -> Settings:
    return Settings(
        **(
            {
                "library": folder,
                "model": "compact",
                "min_free_bytes": 0,
                "threads": 1,
                "proof_seconds": 0,  # a proof that arrives would change what a page shows meanwhile
            }
            | changes
        )
    )


def fake_bench(
    folder: Path, *, model: Model | None = None, start_worker: bool = True, **changes: Any
) -> Workbench:
    """The workbench over the library in `folder`, with `model` in place of weights from disk;
    `changes`: of the settings."""
    opened = fake_model() if model is None else model
    with patch("visil_dash.workbench.bench.load_model", lambda *_, **__: opened):
        return open_workbench(
            settings=page_settings(folder, **changes),
            library=folder,
            model="fake",
            start_worker=start_worker,
        )


def fill(bench: Workbench, paths: Sequence[Path]) -> dict[str, JobRecord]:
    """Adds the files and waits; every job by the name of its file."""
    bench.add_paths(list(paths))
    assert bench.worker.wait_idle(SOON * 4)
    return {job.name: job for job in bench.jobs()}


def filled_library(folder: Path, paths: Sequence[Path]) -> Path:
    """A new library of these files, all of which it takes; `folder`."""
    with fake_bench(folder) as bench:
        fill(bench, paths)
        assert len(bench.videos()) == len(paths), bench.jobs()
    return folder


def copy_library(source: Path, target: Path) -> Path:
    """A library of the test's own, to change."""
    return Path(shutil.copytree(source, target))
