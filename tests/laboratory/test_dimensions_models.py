"""A threshold carried from one model's space to another's, against plain loops."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.library_fakes import fake_video_features
from tests.support.page_world import pages, run_until, texts
from tests.support.pair_world import copy_world, features
from visil_dash.errors import InputError
from visil_dash.laboratory.dimensions.models import carry_from, keep_carried, other_models
from visil_dash.laboratory.dimensions.study import sample_of
from visil_dash.library.blobs import FeatureManifest
from visil_dash.records import VideoFeatures
from visil_dash.ui.shell import backend
from visil_dash.workbench.bench import THRESHOLD_SETTING, Workbench
from visil_dash.workbench.thresholds import history

OTHER = "former-0badcafe"


def former(new: VideoFeatures) -> VideoFeatures:
    """Features of another model: fewer dims, twice as long, and some noise of its own."""
    noise = fake_video_features(new.video_id, frames=len(new)).regions[:, :1, :16]
    regions = (2 * new.regions[..., :16] + 0.3 * noise).astype(np.float16)
    return VideoFeatures(new.video_id, OTHER, regions, new.timestamps)


def put_former(bench: Workbench) -> None:
    regions, dim = next(iter(features().values())).regions.shape[1:]
    assert dim > 16
    manifest = FeatureManifest(
        extractor=OTHER, weights_sha256="ab" * 32, regions=regions, dim=16, rate=1.0
    )
    for new in features().values():
        bench.library.put_features(former(new), manifest)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    folder = copy_library(copy_world(), tmp_path / "library")
    with fake_bench(folder) as opened:
        yield opened


def plain_carried(bench: Workbench, threshold: float) -> tuple[float, float, int]:
    """By plain loops over all pairs of a query frame and a frame of another video: how far out
    the new space must reach for 99 % of the pairs within the old threshold, the nearest pair
    beyond that the old one refused, and how many pairs were within."""
    ids = list(bench.library.features_ids(bench.extractor))
    order = np.random.default_rng(0).permutation(len(ids)).tolist()
    by_id = {f.video_id: f for f in features().values()}
    new = [by_id[ids[place]] for place in order]
    owners = np.repeat(np.arange(len(new)), [len(f) for f in new])
    there = np.concatenate([former(f).regions.astype(float).reshape(len(f), -1) for f in new])
    here = np.concatenate([f.frame_vectors.astype(float) for f in new])
    there, here = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (there, here))
    asking = sample_of(here, owners, total=len(here), seed=0).queries
    inside, outside = [], []
    for i in asking:
        for j in range(len(here)):
            if owners[i] != owners[j]:
                far = sum((there[i] - there[j]) ** 2)
                pair = sum((here[i] - here[j]) ** 2)
                (inside if far <= threshold else outside).append(pair)
    reach = sorted(inside)[math.ceil(0.99 * len(inside) - 1e-9) - 1]
    return reach, min(p for p in outside if p > reach), len(inside)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_it_reaches_as_far_as_plain_loops_say(bench: Workbench, share: float) -> None:
    put_former(bench)
    threshold = share * 2  # of two unit vectors that share nothing
    found = carry_from(bench, OTHER, threshold)
    reach, refused, pairs = plain_carried(bench, threshold)
    assert found.carried is not None
    assert reach * (1 - 1e-5) <= found.carried.threshold < refused
    assert found.carried.admitted == pairs
    assert found.carried.low <= found.carried.threshold <= found.carried.high
    assert (found.videos, found.frames) == (4, sum(map(len, features().values())))


def test_what_was_saved_for_the_former_model_is_offered_and_kept_with_its_reason(
    bench: Workbench,
) -> None:
    assert other_models(bench) == ()
    put_former(bench)
    (offered,) = other_models(bench)
    assert (offered.extractor, offered.shared, offered.space) == (OTHER, 4, "full")
    assert offered.threshold is None
    bench.library.set_setting(f"{THRESHOLD_SETTING}:{OTHER}:full-unit", 30.0)
    assert other_models(bench)[0].threshold == 30.0
    found = carry_from(bench, OTHER, 30.0)
    assert history(bench, "distance") == (), "measuring changes nothing"
    step = keep_carried(bench, found)
    assert found.carried is not None
    assert bench.threshold() == step.value == found.carried.threshold
    assert step.why == f"carried over from 30 of {OTHER} (full)"


def test_a_threshold_that_admits_nothing_and_frames_that_differ_are_told(bench: Workbench) -> None:
    put_former(bench)
    found = carry_from(bench, OTHER, 0.0)
    assert found.carried is None
    with pytest.raises(InputError, match="admits no pair"):
        keep_carried(bench, found)
    with pytest.raises(InputError, match="fewer than two videos"):
        carry_from(bench, "nobody-00000000", 1.0)


def test_the_page_carries_it_and_the_history_says_so(tmp_path: Path) -> None:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        page = open_page("dimensions").run()
        page.session_state["dimensions_section"] = "Another model"
        page.run()
        assert "No other model" in texts(page)
        bench = backend.workbench()
        put_former(bench)
        page.run()
        page.number_input(key="dimensions_other_threshold").set_value(40.0).run()
        page.button(key="dimensions_other_measure").click()
        run_until(page, lambda p: "Carried over" in texts(p))
        expected = carry_from(bench, OTHER, 40.0).carried
        assert expected is not None
        assert f"{expected.threshold:.4g}" in texts(page)
        page.button(key="dimensions_other_keep").click().run()
        assert not page.exception
        assert bench.threshold() == expected.threshold
        assert history(bench, "distance")[-1].why.startswith("carried over from 40 of former-")
