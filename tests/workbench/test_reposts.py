"""Reposts in another shape are found without being asked for, turned ones inside the picture."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.fakes import fake_model
from visil_dash.edits.clip import Clip, write_video
from visil_dash.edits.kinds import edited_at
from visil_dash.library.store import open_library
from visil_dash.records import Preprocess
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.pictures import pictures_of

RATE = 5
MODEL = fake_model(preprocess=Preprocess(side=144))  # borders are sought in what a model sees


def clip(seed: int, *, width: int = 320, height: int = 180) -> Clip:
    """A camera pans over one scene after another."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(8):
        coarse = rng.integers(0, 256, (14, 22, 3)).astype(np.uint8)
        scene = cv2.resize(coarse, (width + 60, height + 40))
        frames += [scene[2 * k : 2 * k + height, 3 * k : 3 * k + width] for k in range(RATE)]
    return Clip(f"clip{seed}", tuple(map(np.ascontiguousarray, frames)), RATE)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("reposts")
    settings = Settings(min_free_bytes=0)
    for seed in range(4):
        write_video(folder / f"{seed}.mp4", clip(seed).frames, rate=RATE, crf=20)
    library = open_library(folder / "library", settings=settings)
    with Workbench(library, MODEL, settings) as opened:
        opened.add_paths([folder / f"{seed}.mp4" for seed in range(4)])
        assert opened.worker.wait_idle(120)
        yield opened


def repost(bench: Workbench, folder: Path, kind: str, **options: float) -> str:
    host = clip(9)
    edited = edited_at(kind, clip(1), [host], seed=3, **options)
    path = folder / f"{kind}.mp4"
    write_video(path, edited.frames(), rate=RATE, crf=20)
    return bench.open_clip(path).query_id


def test_an_upright_crop_is_found_as_part_of_a_wide_picture(
    bench: Workbench, tmp_path: Path
) -> None:
    query = repost(bench, tmp_path, "upright_crop", strength=2 / 3)
    best = bench.search(query, exhaustive=True).matches[0]
    assert (best.name, best.view) == ("1.mp4", "in-wide")
    same = bench.search(query, exhaustive=True, other_shapes=False)
    assert {match.view for match in same.matches} == {""}
    (plain,) = [match for match in same.matches if match.name == "1.mp4"]
    assert best.strength > plain.strength + 0.05


def test_a_query_of_the_librarys_shape_is_not_searched_for_twice(
    bench: Workbench, tmp_path: Path
) -> None:
    query = repost(bench, tmp_path, "reencode", strength=1 / 3)
    result = bench.search(query, exhaustive=True)
    assert "views of the picture" not in result.timings
    assert result.parts == 0


def test_a_wide_copy_is_compared_as_a_whole_with_wide_videos_beside_upright_ones(
    tmp_path: Path,
) -> None:
    settings = Settings(min_free_bytes=0)
    shapes = {"wide.mp4": (320, 180), "upright.mp4": (180, 320)}
    for seed, (name, (width, height)) in enumerate(shapes.items()):
        frames = clip(seed, width=width, height=height).frames
        write_video(tmp_path / name, frames, rate=RATE, crf=20)
    with Workbench(open_library(tmp_path / "library", settings=settings), MODEL, settings) as bench:
        bench.add_paths([tmp_path / name for name in shapes])
        assert bench.worker.wait_idle(120)
        copy = tmp_path / "copy.mp4"
        write_video(copy, clip(0).frames, rate=RATE, crf=30)
        result = bench.search(bench.open_clip(copy).query_id, exhaustive=True)
    assert result.parts == 1  # for the upright video
    assert result.matches[0].name == "wide.mp4"
    assert result.matches[0].view == ""


def test_another_shape_is_no_look_inside_the_picture(bench: Workbench, tmp_path: Path) -> None:
    query = repost(bench, tmp_path, "upright_crop", strength=2 / 3)
    result = bench.search(query, exhaustive=True)
    assert (result.inside, result.parts) == (False, 1)


def test_a_blurred_fill_is_found_by_what_is_inside_it(bench: Workbench, tmp_path: Path) -> None:
    query = repost(bench, tmp_path, "blurred_fill", strength=2 / 3)
    picture = bench.clip(query).features.picture
    assert picture == pytest.approx((0, 0.342, 1, 0.316), abs=0.02)
    best = bench.search(query, exhaustive=True).matches[0]
    assert (best.name, best.view) == ("1.mp4", "")
    assert best.score > 0.8


@pytest.mark.parametrize("strength", [1 / 3, 2 / 3])
def test_a_turned_picture_is_turned_back(bench: Workbench, tmp_path: Path, strength: float) -> None:
    query = repost(bench, tmp_path, "quarter_turn", strength=strength)
    best = bench.search(query, exhaustive=True, inside=True).matches[0]
    assert best.name == "1.mp4"
    assert best.view.startswith("turned-")
    assert best.score > 0.8
    shown = pictures_of(bench, f"{query}@{best.view}", [0.5])[0]
    (as_it_was,) = pictures_of(bench, best.video_id, [0.5])
    assert shown.shape == as_it_was.shape
    assert np.abs(shown.astype(int) - as_it_was).mean() < 12


def test_an_inset_that_moves_is_followed(bench: Workbench, tmp_path: Path) -> None:
    query = repost(bench, tmp_path, "moving_inset", strength=2 / 3)
    best = bench.search(query, exhaustive=True, inside=True).matches[0]
    assert (best.name, best.view) == ("1.mp4", "inset")
    assert best.score > 0.7
