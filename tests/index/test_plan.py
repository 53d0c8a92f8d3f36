"""Changing what an index is made by: the old one serves until the new one is whole, or for good."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    FRAMES,
    REGIONS,
    build_folder,
    fake_video_features,
    found_videos,
    plain_nearest,
    put,
    small_settings,
)
from visil_dash.errors import InputError, StoreError, StoreReadOnly
from visil_dash.index import frames as frames_module
from visil_dash.index.build import Stopped
from visil_dash.index.fitted import fitted_dim
from visil_dash.index.frames import FrameSpace, open_frame_space
from visil_dash.index.hnsw import GraphOptions
from visil_dash.index.plan import PLAN_SETTING, IndexPlan, stored_plans
from visil_dash.index.rebuild import rebuilt
from visil_dash.library.store import Library, open_library
from visil_dash.progress import Watch
from visil_dash.reduction.pca import FULL

CONTENTS = [b"clip %d" % i for i in range(4)]
FIRST, SECOND = IndexPlan("pca16"), IndexPlan("lpp24", GraphOptions(8, 50, 64))


def opened(library: Library) -> FrameSpace:
    return open_frame_space(library, extractor=EXTRACTOR)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library of four videos, its index by FIRST."""
    folder = tmp_path_factory.mktemp("plan") / "library"
    build_folder(folder, CONTENTS, rebuild=False)
    with open_library(folder, settings=small_settings()) as library:
        opened(library).adopt(FIRST)
    return folder


@pytest.fixture
def library(made: Path, tmp_path: Path) -> Iterator[Library]:
    shutil.copytree(made, tmp_path / "library")
    with open_library(tmp_path / "library", settings=small_settings()) as found:
        yield found


def check(space: FrameSpace, library: Library, plan: IndexPlan) -> None:
    """The plan's space, whole: its dims, every video, exact distances."""
    view = space.view()
    dim = REGIONS * DIM if plan.method == FULL else fitted_dim(plan.method)
    assert (space.plan, view.reduction.dim, view.vectors.shape[1]) == (plan, dim, dim)
    assert stored_plans(library, EXTRACTOR).current == plan
    rows = library.feature_rows(EXTRACTOR)
    assert len(view) == sum(row.frames for row in rows)
    for row in rows:
        assert set(found_videos(space, row.video_id)) == {row.ordinal}
    queries = view.vectors[::7] + 0.05
    np.testing.assert_allclose(
        view.search(queries, 5)[1], plain_nearest(view.vectors, queries, 5), rtol=1e-3, atol=1e-4
    )


def test_a_plan_outlives_the_process_with_its_graph(library: Library) -> None:
    check(space := opened(library), library, FIRST)
    space.adopt(SECOND)
    check(space, library, SECOND)
    assert stored_plans(library, EXTRACTOR).former == FIRST
    library.close()
    with open_library(library.folder, settings=small_settings()) as again:
        check(space := opened(again), again, SECOND)
        generation = space.view().generation
        assert generation is not None
        assert generation.options == SECOND.graph
        assert generation.index is not None
        assert generation.index.options.ef == 64, "hnswlib does not keep it: the manifest does"
        manifest = json.loads((generation.folder / "manifest.json").read_text())
        assert (manifest["m"], manifest["ef_construction"], manifest["ef"]) == (8, 50, 64)
        assert space.verify() == ()


def test_going_back_is_the_very_space_of_before(library: Library) -> None:
    space = opened(library)
    before = space.view()
    space.adopt(SECOND)
    space.adopt(FIRST)
    check(space, library, FIRST)
    after = space.view()
    assert after.reduction.reduction_id == before.reduction.reduction_id
    assert np.array_equal(after.vectors_of(before.ids), before.vectors)


def test_the_old_index_serves_while_the_new_one_is_built(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = opened(library)
    reached, go_on = threading.Event(), threading.Event()

    def slow(*arguments: object, **named: object) -> object:
        reached.set()
        assert go_on.wait(30)
        return rebuilt(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(frames_module, "rebuilt", slow)
    worker = threading.Thread(target=space.adopt, args=(SECOND,))
    worker.start()
    assert reached.wait(30)
    check(space, library, FIRST)
    record = put(library, b"added meanwhile", "late.mp4")
    space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
    check(space, library, FIRST)
    go_on.set()
    worker.join(30)
    check(space, library, SECOND)
    assert len(space) == 5 * FRAMES, "what came meanwhile was carried over"


def test_a_crash_at_any_step_leaves_one_whole_index(made: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    whole = shutil.copytree(made, tmp_path / "whole")
    with open_library(whole, settings=small_settings(), step=steps.append) as library:
        space = opened(library)
        steps.clear()
        space.adopt(SECOND)
        named = list(dict.fromkeys(steps))
    assert {"index:saved", "index:renamed", "index:registered"} <= set(named)
    for place, name in enumerate(named):
        folder = shutil.copytree(made, tmp_path / f"crash-{place}")
        armed = [False]

        def crash(step: str, name: str = name, armed: list[bool] = armed) -> None:
            if armed[0] and step == name:
                raise OSError(f"killed at {step}")

        with open_library(folder, settings=small_settings(), step=crash) as library:
            space = opened(library)
            armed[0] = True
            cleaning = name == "index:cleaned"
            with pytest.raises((OSError, StoreError)):
                space.adopt(SECOND)
            check(space, library, SECOND if cleaning else FIRST)
            armed[0] = False
        with open_library(folder, settings=small_settings()) as library:
            space = opened(library)
            space.wait()
            check(space, library, SECOND if cleaning else FIRST)


def test_cancelled_or_impossible_changes_leave_it_as_it_was(library: Library) -> None:
    space = opened(library)
    with pytest.raises(Stopped):
        space.adopt(SECOND, watch=Watch(stopped=lambda: True))
    check(space, library, FIRST)
    with pytest.raises(InputError, match="needs 200 frames"):
        space.adopt(IndexPlan("lpp100"))
    check(space, library, FIRST)
    with (
        open_library(library.folder, settings=small_settings(), read_only=True) as viewer,
        pytest.raises(StoreReadOnly),
    ):
        opened(viewer).adopt(SECOND)


def test_indexes_of_older_plans_are_deleted_but_the_last(library: Library) -> None:
    space = opened(library)
    for plan in (SECOND, IndexPlan("random20"), IndexPlan(FULL)):
        space.adopt(plan)
        check(space, library, plan)
    kept = {p.parent.name.split("-")[0] for p in library.folder.glob("index/*/*/gen-*")}
    assert kept == {"random20", FULL}
    stored = {p.name.split("-")[0] for p in library.folder.glob("reductions/*/*.safetensors")}
    assert stored == {"random20"}


@pytest.mark.parametrize(
    ("method", "graph"),
    [
        ("umap", GraphOptions()),
        ("pca0", GraphOptions()),
        ("pca", GraphOptions()),
        ("full", GraphOptions(m=1)),
        ("full", GraphOptions(ef=5000)),
    ],
)
def test_a_plan_that_cannot_be_is_refused(method: str, graph: GraphOptions) -> None:
    with pytest.raises(ValueError, match="expected"):
        IndexPlan(method, graph)


def test_settings_that_cannot_be_read_give_the_default_and_a_notice(library: Library) -> None:
    library.set_setting(f"{PLAN_SETTING}:{EXTRACTOR}", {"current": {"method": "umap"}})
    assert stored_plans(library, EXTRACTOR).current == IndexPlan()
    assert "settings cannot be used" in library.notice
