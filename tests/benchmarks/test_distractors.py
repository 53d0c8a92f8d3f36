"""Distractors: clips of photos, each its own, made again byte for byte."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.copies.clips import probe, read_clip
from benchmarks.copies.distractors import make_distractors
from visil_dash.errors import InputError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        coarse = np.random.default_rng(number).integers(0, 255, (12, 16, 3), np.uint8)
        picture = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


def quiet(line: str) -> None:
    pass


def test_each_clip_moves_through_photos_of_its_own(photos: Path, tmp_path: Path) -> None:
    made = make_distractors(photos, tmp_path / "out", count=2, log=quiet)
    assert [path.name for path in made] == ["distractor-00000.mp4", "distractor-00001.mp4"]
    firsts = []
    for path in made:
        assert probe(path).seconds == pytest.approx(8, abs=0.3)
        frames = read_clip(path, rate=5).frames
        steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
        assert max(steps) > 3 * np.median(steps), "a cut from one photo to the next"
        assert min(steps) > 0, "it never stands still"
        firsts.append(frames[0])
    assert np.abs(firsts[0].astype(int) - firsts[1]).mean() > 10


def test_the_same_seed_makes_the_same_files(photos: Path, tmp_path: Path) -> None:
    one = make_distractors(photos, tmp_path / "one", count=1, log=quiet)
    other = make_distractors(photos, tmp_path / "other", count=1, log=quiet)
    assert one[0].read_bytes() == other[0].read_bytes()


def test_too_few_photos_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="enough for 3 clips"):
        make_distractors(photos, tmp_path / "out", count=4, log=quiet)
    with pytest.raises(InputError, match="does not exist"):
        make_distractors(tmp_path / "none", tmp_path / "out", count=1, log=quiet)
