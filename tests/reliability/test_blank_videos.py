"""R24: a video that shows nothing, and features that mean nothing, never match everything."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.changing_scenes import RATE, write
from tests.support.fakes import fake_model, fake_regions
from tests.support.pair_world import copy_world
from visil_dash.errors import MediaRefused
from visil_dash.models.load import Model
from visil_dash.records import Array, JobState
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench, open_workbench

BLACK = np.zeros((72, 96, 3), np.uint8)


def lookalike_of_all(frames: Array) -> Array:
    """The control: whitening of nothing is the same direction, of full length, for all of it."""
    vectors = np.ones((len(frames), 9, 32), np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(copy_library(copy_world(), tmp_path / "library")) as opened:
        yield opened


def black(path: Path, *, seconds: int = 4, level: int = 0) -> Path:
    return write(path, [BLACK + np.uint8(level)] * (seconds * RATE))


@pytest.mark.parametrize("level", [0, 128, 255], ids=["black", "grey", "white"])
def test_a_video_that_shows_nothing_is_refused_with_the_reason(
    bench: Workbench, tmp_path: Path, level: int
) -> None:
    path = black(tmp_path / "blank.mp4", level=level)
    job = fill(bench, [path])["blank.mp4"]
    assert job.state is JobState.REFUSED
    assert "no picture signal" in job.reason
    with pytest.raises(MediaRefused, match="no picture signal"):
        bench.open_clip(path)


@pytest.mark.slow
def test_the_bundled_model_refuses_black_and_the_library_stays_empty(tmp_path: Path) -> None:
    path = black(tmp_path / "blank.mp4")
    settings = Settings(min_free_bytes=0, threads=1)
    with open_workbench(settings=settings, library=tmp_path / "library", model="compact") as bench:
        job = fill(bench, [path])["blank.mp4"]
        assert (job.state, bench.videos()) == (JobState.REFUSED, ())
        assert "no picture signal" in job.reason
        # The control: what the model alone makes of black is a direction like any other.
        side = bench.model.preprocess.side
        blank = bench.model.extract(np.zeros((2, side, side, 3), np.uint8))
        noise = np.random.default_rng(1).integers(0, 255, (2, side, side, 3)).astype(np.uint8)
        assert (
            np.linalg.norm(blank, axis=-1).min()
            > 0.5
            < np.linalg.norm(bench.model.extract(noise), axis=-1).min()
        )


def test_black_frames_within_a_video_match_no_other_black_frames(
    bench: Workbench, tmp_path: Path
) -> None:
    """Two videos that share nothing but four seconds of black."""
    noise = np.random.default_rng(5)
    paths = []
    for number in range(2):
        picture = noise.integers(0, 255, (6, 8, 3), np.uint8).repeat(12, 0).repeat(12, 1)
        frames = [np.roll(picture, t, 1) for t in range(4 * RATE)]
        paths.append(write(tmp_path / f"half {number}.mp4", [*frames, *[BLACK] * (4 * RATE)]))
    fill(bench, paths)
    result = bench.search(bench.library.video("half 0.mp4").video_id, exhaustive=True)
    [other] = [match for match in result.matches if match.name == "half 1.mp4"]
    assert not other.verdict.is_match if other.verdict is not None else True
    assert other.score < bench.match_score()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6], ids=["NaN", "infinite", "too large"])
def test_features_that_are_no_numbers_are_refused_and_nothing_is_stored(
    tmp_path: Path, value: float
) -> None:
    def broken(frames: Array) -> Array:
        vectors = fake_regions(frames)
        vectors[0, 0, 0] = value
        return vectors

    folder = copy_library(copy_world(), tmp_path / "library")
    path = write(
        tmp_path / "new.mp4",
        list(np.random.default_rng(1).integers(0, 255, (3 * RATE, 72, 96, 3), np.uint8)),
    )
    model: Model = fake_model(extract=broken, name="broken")
    with np.errstate(over="ignore"), fake_bench(folder, model=model) as bench:
        job = fill(bench, [path])["new.mp4"]
        assert job.state in (JobState.REFUSED, JobState.FAILED)
        assert "not finite" in job.reason or "half precision" in job.reason
        assert "new.mp4" not in [video.name for video in bench.videos()]


def test_the_control_without_the_check_a_blank_video_matches_every_blank_query(
    bench: Workbench, tmp_path: Path
) -> None:
    a, b = lookalike_of_all(np.zeros((4, 48, 48, 3))), lookalike_of_all(np.ones((6, 48, 48, 3)))
    similarity = np.einsum("ird,jsd->ijrs", a, b).max(-1).mean(-1)
    assert similarity.max(1).mean() > bench.match_score()
