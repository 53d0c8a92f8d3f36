"""Claims about calibration: what is in force, what is remembered, what undo takes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.benches import fake_bench
from visil_dash.errors import InputError, StoreReadOnly
from visil_dash.labels.label import Label
from visil_dash.labels.truth import labels_digest
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.thresholds import (
    band_borders,
    current_threshold,
    history,
    model_default,
    save_threshold,
    set_band_borders,
    undo,
    undoable,
)


def opened(folder: Path) -> Workbench:
    return fake_bench(folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with opened(tmp_path / "library") as made:
        yield made


@pytest.mark.parametrize("kind", ["distance", "match"])
def test_a_change_is_in_force_told_and_outlives_the_process(
    bench: Workbench,
    kind: str,
) -> None:
    assert current_threshold(bench, kind) == model_default(bench, kind)  # type: ignore[arg-type]
    labels = (Label("a", "b", "match"),)
    step = save_threshold(bench, kind, 0.25, who=" Ada ", why="best F1", labels=labels)  # type: ignore[arg-type]
    assert (step.number, step.value, step.previous) == (1, 0.25, None)
    assert (step.who, step.why, step.labels) == ("Ada", "best F1", 1)
    assert step.labels_digest == labels_digest(labels)
    folder = bench.library.folder
    bench.close()
    with opened(folder) as again:
        assert current_threshold(again, kind) == 0.25  # type: ignore[arg-type]
        assert history(again, kind) == (step,)  # type: ignore[arg-type]
        other = "match" if kind == "distance" else "distance"
        assert history(again, other) == ()  # type: ignore[arg-type]


def test_undo_goes_back_step_by_step_to_the_models_own(bench: Workbench) -> None:
    for value in (0.1, 0.2, 0.3):
        save_threshold(bench, "match", value)
    seen = []
    while undo(bench, "match", who="Ada") is not None:
        seen.append(bench.match_score())
    assert seen == [0.2, 0.1, bench.model.default_match_score]
    steps = history(bench, "match")
    assert [s.number for s in steps] == [1, 2, 3, 4, 5, 6]
    assert [s.undoes for s in steps] == [None, None, None, 3, 2, 1]
    assert undoable(bench, "match") is None
    save_threshold(bench, "match", 0.4)
    assert undo(bench, "match") is not None
    assert bench.match_score() == bench.model.default_match_score


def test_the_models_own_can_be_chosen_again(bench: Workbench) -> None:
    save_threshold(bench, "distance", 2.5)
    step = save_threshold(bench, "distance", None)
    assert (step.value, step.previous) == (None, 2.5)
    assert bench.threshold() == bench.default_threshold()


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_what_is_no_distance_is_refused(bench: Workbench, value: float) -> None:
    with pytest.raises(InputError, match="no distance threshold"):
        save_threshold(bench, "distance", value)
    assert history(bench, "distance") == ()


def test_a_viewer_changes_nothing(bench: Workbench) -> None:
    with opened(bench.library.folder) as viewer:
        with pytest.raises(StoreReadOnly):
            save_threshold(viewer, "match", 0.5)
        with pytest.raises(StoreReadOnly):
            set_band_borders(viewer, 1.0, 2.0)


def test_bands_begin_at_the_threshold_and_keep_what_was_set(bench: Workbench) -> None:
    first, second = band_borders(bench)
    assert first == bench.threshold() <= second
    set_band_borders(bench, 1.5, 2.5)
    assert band_borders(bench) == (1.5, 2.5)
    with pytest.raises(InputError, match="no borders"):
        set_band_borders(bench, 2.5, 1.5)
