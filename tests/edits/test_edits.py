"""Edits at any strength: 0 leaves a clip alone, thirds are the benchmark's, more is more."""

from itertools import pairwise

import numpy as np
import pytest

from visil_dash.edits.clip import Clip
from visil_dash.edits.edited import Edited, along
from visil_dash.edits.kinds import (
    HOSTS_NEEDED,
    KINDS,
    STEPPED,
    edited_at,
    hosts_for,
    strengths_of,
)
from visil_dash.records import Array

GRADED = sorted(set(KINDS) - STEPPED)
every_kind = pytest.mark.parametrize("kind", list(KINDS))


def clip(seed: int = 1, *, frames: int = 40, height: int = 72, width: int = 96) -> Clip:
    """Smooth moving pictures, as videos are; noise alone would survive no edit."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 14, 3)).astype(np.uint8)
    wide = small.repeat(12, 0).repeat(12, 1)
    return Clip(
        f"clip{seed}",
        tuple(np.ascontiguousarray(wide[:height, k % 24 : k % 24 + width]) for k in range(frames)),
        8,
    )


def hosts() -> list[Clip]:
    return [clip(seed) for seed in (2, 3, 4, 5)]


def frames(kind: str, strength: float, *, seed: int = 3) -> Array:
    return np.stack(list(edited_at(kind, clip(), hosts(), strength=strength, seed=seed).frames()))


@every_kind
def test_thirds_are_the_strengths_of_the_benchmark(kind: str) -> None:
    for step in range(3):
        needed = HOSTS_NEEDED.get(kind, (0, 0, 0))[step]
        expected = KINDS[kind](clip(), hosts()[:needed], step, np.random.default_rng(3))
        got = edited_at(kind, clip(), hosts(), strength=(step + 1) / 3, seed=3)
        assert (got.note, got.crf, got.segments) == (expected.note, expected.crf, expected.segments)
        first, second = next(got.frames()), next(expected.frames())
        np.testing.assert_array_equal(first, second)


@every_kind
def test_no_strength_leaves_the_pictures_alone(kind: str) -> None:
    np.testing.assert_array_equal(frames(kind, 0.0), np.stack(clip().frames))


@pytest.mark.parametrize("kind", ["blur", "noise", "perspective", "logo_text", "camcorder"])
def test_more_strength_changes_the_picture_more(kind: str) -> None:
    source = np.stack(clip().frames).astype(float)
    changes = [np.abs(frames(kind, s) - source).mean() for s in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert changes == sorted(changes)
    assert changes[0] == 0 < changes[1]


@pytest.mark.parametrize(
    "kind", ["crop", "scale", "pad", "picture_in_picture", "blurred_fill", "captions"]
)
def test_a_graded_kind_keeps_less_of_the_picture_the_stronger_it_is(kind: str) -> None:
    kept = []
    for strength in (0.1, 0.4, 0.7, 1.0):
        edited = edited_at(kind, clip(), hosts(), strength=strength, seed=3)
        height, width = next(edited.frames()).shape[:2]
        kept.append(height * width * edited.box[2] * edited.box[3])
    assert all(after <= 1.02 * before for before, after in pairwise(kept)), "sides are whole pixels"
    assert kept[0] > 1.5 * kept[-1]


@pytest.mark.parametrize("kind", GRADED)
def test_graded_kinds_take_any_strength(kind: str) -> None:
    for strength in (0.05, 0.5, 0.9):
        copy = edited_at(kind, clip(), hosts(), strength=strength, seed=3)
        shapes = {picture.shape for picture in copy.frames()}
        assert len(shapes) == 1
        assert len(copy) == sum(1 for _ in copy.frames())
        x, y, w, h = copy.box
        assert min(x, y) >= 0
        assert max(x + w, y + h) <= 1 + 1e-9


@pytest.mark.parametrize("kind", sorted(STEPPED))
def test_stepped_kinds_have_three_strengths_and_nothing_between(kind: str) -> None:
    assert strengths_of(kind, 9) == (0.0, 1 / 3, 2 / 3, 1.0)
    with pytest.raises(ValueError, match="1/3, 2/3 and 1 only"):
        edited_at(kind, clip(), hosts(), strength=0.5)


def test_strengths_are_spread_from_none_to_all() -> None:
    assert strengths_of("blur", 4) == (0.0, 0.25, 0.5, 0.75, 1.0)


def test_what_cannot_be_edited_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1, got 1\.5"):
        edited_at("blur", clip(), [], strength=1.5)
    with pytest.raises(ValueError, match="expected 4 hosts, got 1"):
        edited_at("collage", clip(), hosts()[:1], strength=1.0)
    with pytest.raises(KeyError):
        edited_at("melt", clip(), [], strength=1.0)


def test_hosts_are_wanted_by_hiding_edits_only() -> None:
    assert [hosts_for("excerpt", s) for s in (0.0, 0.2, 1 / 3, 2 / 3, 1.0)] == [0, 1, 1, 2, 2]
    assert hosts_for("blur", 1.0) == 0


def test_a_parameter_runs_straight_between_its_strengths() -> None:
    values = (1.0, 3.0, 11.0)
    assert [along(0.0, values, s) for s in (-1, -0.5, 0, 0.5, 1, 1.5, 2)] == [
        *(0.0, 0.5, 1.0, 2.0, 3.0, 7.0, 11.0)
    ]


def area(edited_clip: Edited) -> tuple[int, int]:
    height, width = next(edited_clip.frames()).shape[:2]
    return width, height


@pytest.mark.parametrize("kind", ["upright_crop", "blurred_fill", "captions"])
def test_a_wide_clip_becomes_upright(kind: str) -> None:
    width, height = area(edited_at(kind, clip(), [], strength=2 / 3))
    assert width / height == pytest.approx(9 / 16, abs=0.02)


@pytest.mark.parametrize("kind", ["wide_crop", "blurred_fill", "captions"])
def test_an_upright_clip_becomes_wide(kind: str) -> None:
    width, height = area(edited_at(kind, clip(height=72, width=40), [], strength=2 / 3))
    assert width / height == pytest.approx(16 / 9, abs=0.05)


def test_captions_never_change_and_the_fill_does() -> None:
    for kind, still in (("captions", True), ("blurred_fill", False)):
        pictures = frames(kind, 2 / 3)
        top = round(edited_at(kind, clip(), [], strength=2 / 3, seed=3).box[1] * pictures.shape[1])
        changes = np.ptp(pictures[:, : top - 1].astype(int), axis=0)
        assert bool(changes.max() == 0) is still


def test_an_inset_moves_over_footage_that_has_its_own_motion() -> None:
    plain = Clip("plain", tuple(np.full((72, 96, 3), 200, np.uint8) for _ in range(40)), 8)
    edited = edited_at("moving_inset", plain, hosts(), strength=1.0, seed=3)
    places = []
    for picture in edited.frames():
        rows, columns = np.nonzero((np.abs(picture.astype(int) - 200) < 2).all(2))
        places.append((np.median(columns), np.median(rows)))
    assert (np.ptp(np.array(places), axis=0) > 8).all()
    w, h = edited.box[2:]
    assert w > 0.45
    assert h > 0.45


def test_quarter_turns_turn_back_to_the_source() -> None:
    source = np.stack(clip().frames)
    np.testing.assert_array_equal(frames("quarter_turn", 1 / 3)[:, ::-1, ::-1], source)
    turned = frames("quarter_turn", 2 / 3)
    assert any(np.array_equal(np.rot90(turned, k, axes=(1, 2)), source) for k in (1, 3))
