"""Features of two sampling rates live in one library without being compared."""

from pathlib import Path

import pytest

from tests.support.benches import copy_library, page_settings
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.laboratory.dimensions.models import other_models
from visil_dash.library.store import open_library
from visil_dash.models.sampling import at_rate, same_rate
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.upkeep import extract_missing, without_features


def opened(folder: Path, rate: float) -> Workbench:
    settings = page_settings(folder, rate=rate)
    return Workbench(open_library(folder, settings=settings), fake_model(), settings)


@pytest.mark.parametrize(("rate", "mark"), [(1.0, ""), (2.0, "+2fps"), (0.5, "+0.5fps")])
def test_the_rate_is_a_part_of_the_extractor_unless_it_is_one(rate: float, mark: str) -> None:
    plain = fake_model()
    model = at_rate(plain, rate)
    assert model.extractor == plain.extractor + mark
    assert at_rate(model, rate) == model
    assert at_rate(model, 1.0).extractor == plain.extractor
    assert same_rate(model.extractor, f"other{mark}")
    assert not same_rate(model.extractor, "other+7fps")


def test_rates_that_differ_little_have_ids_of_their_own() -> None:
    ids = {at_rate(fake_model(), rate).extractor for rate in (1 + 1e-9, 1 + 2e-9, 1 / 3, 0.333333)}
    assert len(ids) == 4


def test_two_rates_on_one_library_never_mix(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    with opened(folder, 1.0) as bench:
        assert without_features(bench) == ()
        usual = {v.name: bench.search(v.video_id, exhaustive=True).matches for v in bench.videos()}
    with opened(folder, 2.0) as bench:
        assert len(without_features(bench)) == len(bench.videos()), "made at the other rate"
        assert extract_missing(bench).failed == {}
        video = bench.library.video("market.mp4")
        finer = bench.clip(video.video_id).features
        assert len(finer) > 1.5 * len(
            bench.library.features(video.video_id, extractor=fake_model().extractor)
        )
        assert len(bench.space) == sum(len(bench.clip(v.video_id).features) for v in bench.videos())
        assert bench.search("market.mp4").extractor == bench.extractor
        assert other_models(bench) == (), "their frames are not the same"
    with opened(folder, 1.0) as bench:
        again = {v.name: bench.search(v.video_id, exhaustive=True).matches for v in bench.videos()}
    assert again == usual
