"""Upkeep of a library: features of a new model, verification, libraries of a folder."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.fakes import FAKE_DIM, fake_model
from tests.support.page_world import NAMES, shared_library
from visil_dash.errors import Cancelled, StoreReadOnly
from visil_dash.progress import Progress, Watch
from visil_dash.records import Preprocess
from visil_dash.workbench import upkeep
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import feature_manifest
from visil_dash.workbench.overview import overview
from visil_dash.workbench.upkeep import (
    before_borders,
    extract_missing,
    look_for_borders,
    without_features,
)

OTHER_DIM = 24
Open = Callable[..., Workbench]


@pytest.fixture
def open_bench(tmp_path: Path) -> Open:
    """Opens a copy of the shared library, by default with a model that never saw it."""
    folder = copy_library(shared_library(), tmp_path / "library")

    def opened(*, dim: int = OTHER_DIM) -> Workbench:
        return fake_bench(folder, model=fake_model(dim=dim))

    return opened


def extractions(bench: Workbench) -> dict[str, np.ndarray]:
    return {
        v.name: bench.library.features(v.video_id, extractor=bench.extractor).regions
        for v in bench.videos()
    }


def test_a_library_of_another_model_opens_and_finds_nothing_but_says_why(open_bench: Open) -> None:
    with open_bench() as bench:
        assert [v.name for v in without_features(bench)] == list(NAMES)
        assert overview(bench).missing_features == len(NAMES)
        clip = bench.open_clip(bench.library.media_path(bench.videos()[0].video_id))
        found = bench.search(clip.query_id, exhaustive=True)
        assert found.matches == ()
        assert len(found.skipped) == len(NAMES)


def test_extraction_gives_what_adding_the_files_would_have_given(
    open_bench: Open, tmp_path: Path
) -> None:
    with open_bench() as bench:
        seen: list[Progress] = []
        result = extract_missing(bench, watch=Watch(seen.append))
        assert (result.done, result.failed) == (len(NAMES), {})
        shares = [progress.share for progress in seen]
        assert shares == sorted(shares)
        assert without_features(bench) == ()
        found = {v.name: bench.search(v.video_id, exhaustive=True) for v in bench.videos()}
        assert all(len(result.matches) == len(NAMES) - 1 for result in found.values())
        ours = extractions(bench)
        originals = [
            (v.name, bench.library.media_path(v.video_id).read_bytes()) for v in bench.videos()
        ]
    fresh = tmp_path / "fresh"
    with fake_bench(fresh, model=fake_model(dim=OTHER_DIM)) as bench:
        for name, content in originals:
            staged = bench.library.stage(name)
            staged.write_bytes(content)
            bench.add_upload(staged, name=name)
        assert bench.worker.wait_idle(30)
        for name, regions in extractions(bench).items():
            np.testing.assert_array_equal(regions, ours[name])


def test_the_features_of_the_old_model_stay(open_bench: Open) -> None:
    with open_bench(dim=32) as bench:
        before = extractions(bench)
    with open_bench() as bench:
        extract_missing(bench)
    with open_bench(dim=32) as bench:
        after = extractions(bench)
        assert without_features(bench) == ()
    for name, regions in before.items():
        np.testing.assert_array_equal(after[name], regions)


def test_stopped_it_keeps_what_is_done_and_goes_on_from_there(open_bench: Open) -> None:
    with open_bench() as bench:
        with pytest.raises(Cancelled, match="after 1 of 3"):
            extract_missing(bench, watch=Watch(stopped=lambda: len(without_features(bench)) == 2))
        assert [v.name for v in without_features(bench)] == list(NAMES[1:])
    with open_bench() as bench:  # also after the program ended
        assert len(bench.space.view().ordinals) == 1
        seen: list[Progress] = []
        extract_missing(bench, watch=Watch(seen.append))
        assert without_features(bench) == ()
        assert not any(NAMES[0] in progress.what for progress in seen)


def test_a_video_that_cannot_be_read_is_told_and_the_others_go_on(open_bench: Open) -> None:
    with open_bench() as bench:
        bad = bench.videos()[1]
        bench.library.media_path(bad.video_id).write_bytes(b"not a video any more")
        result = extract_missing(bench)
        assert result.done == 2
        assert set(result.failed) == {bad.name}
        assert "it is text" in result.failed[bad.name]
        assert [v.name for v in without_features(bench)] == [bad.name]


def test_a_video_removed_meanwhile_is_no_failure(open_bench: Open) -> None:
    with open_bench() as bench:
        gone = bench.videos()[2].video_id

        def remove(progress: Progress) -> None:
            if NAMES[1] in progress.what and bench.library.has_video(gone):
                bench.remove(gone)

        assert extract_missing(bench, watch=Watch(remove)).failed == {}
        assert without_features(bench) == ()


def test_a_viewer_does_not_extract(open_bench: Open) -> None:
    with open_bench() as writer, open_bench() as viewer:
        assert not writer.library.read_only
        with pytest.raises(StoreReadOnly):
            extract_missing(viewer)


# ---- features made before borders were looked for ----


@pytest.fixture
def older(open_bench: Open) -> Iterator[Workbench]:
    """A library whose first two videos were read before borders were cut."""
    with open_bench(dim=FAKE_DIM) as bench:
        manifest = feature_manifest(bench.model, rate=1.0)
        for video in bench.videos()[:2]:
            made = bench.library.features(video.video_id, extractor=bench.extractor)
            bench.library.take_out_features(video.video_id, extractor=bench.extractor)
            bench.library.put_features(replace(made, picture=None), manifest)
        yield bench


def test_features_of_before_are_used_as_they_are_and_offered_once_more(older: Workbench) -> None:
    assert [v.name for v in before_borders(older)] == list(NAMES[:2])
    first = older.videos()[0]
    found = older.search(first.video_id, exhaustive=True)
    assert len(found.matches) == len(NAMES) - 1
    assert look_for_borders(older).done == 2
    assert before_borders(older) == ()
    again = older.library.features(first.video_id, extractor=older.extractor)
    assert again.picture is not None
    assert len(older.search(first.video_id, exhaustive=True).matches) == len(NAMES) - 1
    assert older.verify() == ()


def test_looking_for_borders_can_be_stopped_and_goes_on(older: Workbench) -> None:
    with pytest.raises(Cancelled):
        look_for_borders(older, watch=Watch(stopped=lambda: len(before_borders(older)) == 1))
    assert [v.name for v in before_borders(older)] == [NAMES[1]]
    assert look_for_borders(older).done == 1
    assert without_features(older) == ()


def test_a_library_without_such_features_is_not_read_for_them_again(open_bench: Open) -> None:
    with open_bench(dim=FAKE_DIM) as bench:
        assert before_borders(bench) == ()
        with patch.object(upkeep, "blob_header", side_effect=AssertionError("read again")):
            assert before_borders(bench) == ()


def test_models_that_take_the_middle_have_no_borders_to_look_for(open_bench: Open) -> None:
    with open_bench(dim=FAKE_DIM) as bench:
        crop = Preprocess(side=48, mode="crop", resize=56)
        bench.model = replace(bench.model, preprocess=crop)
        assert before_borders(bench) == ()
