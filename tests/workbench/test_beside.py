"""Workbenches of two models over one library (workbench/beside.py, workbench/choice.py)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.benches import SOON, copy_library, fill, page_settings
from tests.support.fakes import fake_model
from tests.support.page_world import shared_library
from tests.support.scenes import make_scene
from visil_dash.models.load import Model
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.beside import (
    close_beside,
    open_beside,
    queue_of_library,
    remove_everywhere,
)
from visil_dash.workbench.choice import model_choices
from visil_dash.workbench.upkeep import extract_missing, without_features

MODELS = {"first": fake_model(), "second": fake_model(dim=24, name="second")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(shared_library(), tmp_path / "library")


@contextmanager
def opened(folder: Path, *names: str) -> Iterator[list[Workbench]]:
    """Workbenches of these models, opened one after the other over the same folder."""

    def load(name: str, **_: object) -> Model:
        return MODELS[name]

    benches: list[Workbench] = []
    with (
        patch("visil_dash.workbench.bench.load_model", load),
        patch("visil_dash.workbench.beside.load_model", load),
    ):
        for name in names:
            settings = page_settings(folder)
            benches.append(open_beside(benches, settings=settings, library=folder, model=name))
    try:
        yield benches
    finally:
        while benches:
            close_beside(benches.pop(), benches)


def test_two_models_share_one_opened_library_and_neither_is_a_mere_viewer(folder: Path) -> None:
    with opened(folder, "first", "second") as (first, second):
        assert first.library is second.library
        assert not second.library.read_only
        assert without_features(first) == ()
        assert len(without_features(second)) == 3
        assert extract_missing(second).done == 3
        query = first.videos()[0].video_id
        assert first.clip(query).features.regions.shape[-1] == MODELS["first"].dim
        assert second.clip(query).features.regions.shape[-1] == 24


def test_closing_one_leaves_the_library_open_for_the_other(folder: Path) -> None:
    with opened(folder, "first", "second") as benches:
        first = benches.pop(0)
        close_beside(first, benches)
        assert len(benches[0].videos()) == 3
        benches[0].library.set_setting("still", "writable")
    with opened(folder, "first") as (again,):  # and the last one frees it
        assert not again.library.read_only


def test_a_video_that_is_removed_is_gone_from_the_index_of_every_model(folder: Path) -> None:
    with opened(folder, "first", "second") as (first, second):
        extract_missing(second)
        frames = len(second.space)
        gone = remove_everywhere(first, [first, second], first.videos()[0].video_id)
        assert len(second.space) == frames - gone.frames
        assert len(second.videos()) == 2


def test_new_files_get_features_of_the_model_that_asks_once_the_queue_is_empty(
    folder: Path, tmp_path: Path
) -> None:
    with opened(folder, "first", "second") as (first, second):
        both = [first, second]
        assert queue_of_library(second, both) is second.worker
        assert not first.worker.started
        fill(second, [make_scene(tmp_path / "new.mp4", 5, seconds=3)])
        new = second.videos()[-1]
        assert second.library.has_features(new.video_id, extractor=second.extractor)
        assert [v.name for v in without_features(first)] == ["new.mp4"]


def test_a_queue_at_work_is_not_taken_over(folder: Path, tmp_path: Path) -> None:
    with opened(folder, "first", "second") as (first, second):
        first.worker.stop()
        job = first.add_paths([make_scene(tmp_path / "waits.mp4", 6, seconds=3)])[0]
        with patch("visil_dash.workbench.bench.ingest", side_effect=slow):
            first.worker.start()
            assert queue_of_library(second, [first, second]) is first.worker
        assert first.worker.wait_idle(SOON)
        assert first.worker.job(job.job_id).state.ended
        assert queue_of_library(second, [first, second]) is second.worker


def slow(*_: object, **options: object) -> str:
    time.sleep(1.0)
    raise OSError("it never ends well")


def test_each_model_counts_the_videos_that_it_has_not_read(folder: Path) -> None:
    with opened(folder, "first") as (bench,):
        choices = {choice.offer.info.name: choice for choice in model_choices(bench)}
        compact = choices["compact"]
        assert (compact.videos, len(compact.unread)) == (3, 3)
        assert compact.values == 9 * compact.offer.info.dim
        assert not any(choice.in_use for choice in choices.values())  # the fake is of no list
