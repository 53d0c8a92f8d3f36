"""Features of two sampling rates live in one library without being compared."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.benches import copy_library, page_settings
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.errors import StoreMismatch
from visil_dash.laboratory.dimensions.models import other_models
from visil_dash.library.blobs import encode_features, sha256_hex
from visil_dash.library.paths import blob_file
from visil_dash.library.rates import RATES_CHECKED
from visil_dash.library.rows import put_feature_row
from visil_dash.library.store import open_library
from visil_dash.models.sampling import at_rate, rate_of, same_rate
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import extract_features, feature_manifest
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
    assert rate_of(model.extractor) == rate


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


# ---- libraries from before the rate was a part of the id ----


def as_it_was_before(folder: Path, name: str, *, rate: float) -> str:
    """Makes `name` in the library hold features of `rate` under the id that names none; its id."""
    plain = fake_model()
    settings = page_settings(folder, rate=rate)
    with open_library(folder, settings=settings) as library:
        video_id = library.video(name).video_id
        path = library.media_path(video_id)
        features = extract_features(
            path, name=name, video_id=video_id, model=plain, settings=settings
        ).features
        manifest = feature_manifest(plain, rate=rate)
        record = library.video(video_id)
        origin: dict[str, object] = {"name": name, "ordinal": record.ordinal}
        data = encode_features(features, manifest, origin=origin)
        blob_file(folder, plain.extractor, video_id).write_bytes(data)
        with library.catalogue.write() as connection:
            put_feature_row(
                connection,
                manifest,
                video_id=video_id,
                frames=len(features),
                sha256=sha256_hex(data),
                size=len(data),
            )
        library.set_setting(RATES_CHECKED, None)
    return video_id


def test_features_of_another_rate_under_the_usual_id_are_set_aside(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    with opened(folder, 1.0) as bench:
        usual = bench.search("excerpt.mp4", exhaustive=True).matches
    video_id = as_it_was_before(folder, "market.mp4", rate=2.0)
    with opened(folder, 1.0) as bench:
        assert [v.video_id for v in without_features(bench)] == [video_id]
        assert "another sampling rate" in bench.library.notice
        found = bench.search("excerpt.mp4", exhaustive=True).matches
        assert "market.mp4" not in {m.name for m in found}
        assert extract_missing(bench).done == 1
        assert bench.search("excerpt.mp4", exhaustive=True).matches == usual
    with opened(folder, 1.0) as bench:
        assert without_features(bench) == ()
        assert "sampling rate" not in bench.library.notice


def test_who_may_only_read_refuses_them(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    video_id = as_it_was_before(folder, "market.mp4", rate=2.0)
    settings = page_settings(folder)
    with (
        open_library(folder, settings=settings, read_only=True) as library,
        pytest.raises(StoreMismatch, match=r"market\.mp4.*2 frames a second.*once more"),
    ):
        library.features(video_id, extractor=fake_model().extractor)


def test_features_of_a_rate_that_their_id_does_not_name_are_not_stored(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    plain = fake_model()
    with opened(folder, 1.0) as bench:
        features = bench.clip("market.mp4").features
        for model, rate in ((plain, 2.0), (at_rate(plain, 2.0), 1.0)):
            manifest = feature_manifest(model, rate=rate)
            with pytest.raises(StoreMismatch, match="frames a second"):
                bench.library.put_features(replace(features, extractor=model.extractor), manifest)
