"""A saved distance threshold is not lost when the index changes its space."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakes import fake_model
from tests.support.library_fakes import DIM, EXTRACTOR, REGIONS, put, small_settings
from visil_dash.index.ids import split_ids
from visil_dash.index.plan import IndexPlan, keep_plan
from visil_dash.library.store import open_library
from visil_dash.reduction.pca import FULL
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.overview import overview
from visil_dash.workbench.thresholds import history, save_threshold

PLAN = IndexPlan("pca12")
FEW = 10  # frames: too few for the plan, so that the library begins in the full space


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """A library of one short video, which is searched in the full space until it grows."""
    settings = small_settings()
    library = open_library(tmp_path / "library", settings=settings)
    keep_plan(library, EXTRACTOR, PLAN)
    put(library, b"first", "first.mp4", frames=FEW)
    model = fake_model(extractor=EXTRACTOR, regions=REGIONS, dim=DIM)
    with Workbench(library, model, settings, start_worker=False) as opened:
        assert opened.space.reduction.method == FULL
        yield opened


def grow(bench: Workbench) -> None:
    """More videos than the plan needs; the index then changes its space by itself."""
    for number in range(4):
        video = put(bench.library, b"more %d" % number, f"{number}.mp4")
        features = bench.library.features(video.video_id, extractor=EXTRACTOR)
        bench.space.add_video(video.ordinal, features.frame_vectors)
    assert bench.space.wait(60)
    assert bench.space.reduction.method == PLAN.method


def near_pairs(bench: Workbench, threshold: float) -> int:
    """Frame pairs of different videos within the threshold, counted one by one."""
    view = bench.space.view()
    owners, _ = split_ids(view.ids)
    apart = ((view.vectors[:, None] - view.vectors[None]) ** 2).sum(-1)
    return int(((apart <= threshold) & (owners[:, None] != owners)).sum())


def test_a_saved_threshold_is_carried_over_when_the_library_outgrows_the_full_space(
    bench: Workbench,
) -> None:
    save_threshold(bench, "distance", 4.2)
    grow(bench)
    carried = bench.threshold()
    assert carried != pytest.approx(bench.default_threshold())
    (step,) = history(bench, "distance")
    assert step.value == carried
    assert "carried over from 4.2 in full to pca12" in step.why
    assert any("was carried over" in notice for notice in overview(bench).notices)
    # It lets in about as many pairs as before: measured in the full space by plain loops.
    features = [
        bench.library.features(v.video_id, extractor=EXTRACTOR).frame_vectors
        for v in bench.videos()
    ]
    before = sum(
        int((((a[:, None] - b[None]) ** 2).sum(-1) <= 4.2).sum())
        for i, a in enumerate(features)
        for j, b in enumerate(features)
        if i != j
    )
    assert before > 100
    assert near_pairs(bench, carried) >= 0.9 * before


def test_without_a_saved_threshold_the_default_of_the_new_space_applies(bench: Workbench) -> None:
    grow(bench)
    assert bench.threshold() == bench.default_threshold()
    assert history(bench, "distance") == ()
    assert not any("carried" in notice for notice in overview(bench).notices)


def test_a_threshold_chosen_for_the_new_space_is_kept(bench: Workbench) -> None:
    save_threshold(bench, "distance", 4.2)
    grow(bench)
    save_threshold(bench, "distance", 1.5)
    bench.space.adopt(IndexPlan(FULL))
    assert bench.threshold() == 4.2, "what was saved in that space before"
    bench.space.adopt(PLAN)
    assert bench.threshold() == 1.5


def test_where_no_pair_is_within_it_the_share_of_unrelated_frames_is_carried(
    bench: Workbench,
) -> None:
    save_threshold(bench, "distance", 1e-6)
    grow(bench)
    assert 0 < bench.threshold() < 1e-4
    assert "unrelated" in history(bench, "distance")[-1].why
