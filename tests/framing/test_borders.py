"""Borders are what lasts for a whole video around its picture; in doubt there is none."""

import cv2
import numpy as np
import pytest

from visil_dash.edits.clip import Clip
from visil_dash.edits.kinds import edited_at
from visil_dash.framing.borders import BorderFinder
from visil_dash.records import WHOLE_PICTURE, Array, Box

SIDE = 160


def footage(seed: int = 1, *, frames: int = 12, width: int = 160, height: int = 90) -> list[Array]:
    """A textured scene that a camera pans over, with grain."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(0, 256, (20, 40, 3)).astype(np.uint8), (480, 240))
    fine = rng.integers(-30, 31, (240, 480, 3))
    scene = np.clip(coarse.astype(int) + fine, 0, 255).astype(np.uint8)
    return [
        np.ascontiguousarray(scene[3 * k : 3 * k + height, 9 * k : 9 * k + width])
        for k in range(frames)
    ]


def found(frames: list[Array]) -> Box:
    finder = BorderFinder()
    for frame in frames:
        finder.add(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[None])
    return finder.picture()


def put_in(frames: list[Array], canvas: Array, *, top: int, left: int) -> list[Array]:
    out = []
    for frame in frames:
        picture = canvas.copy()
        picture[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
        out.append(picture)
    return out


def near(box: Box, expected: Box) -> bool:
    ends = [(b[0], b[1], b[0] + b[2], b[1] + b[3]) for b in (box, expected)]
    return bool(np.abs(np.subtract(*ends)).max() < 0.025)


# ---- what is cut ----


@pytest.mark.parametrize("shade", [0, 255, (20, 90, 200)], ids=["black", "white", "blue"])
@pytest.mark.parametrize(
    ("size", "top", "left"),
    [((150, 160), 30, 0), ((90, 220), 0, 30), ((140, 220), 25, 30)],
    ids=["letterbox", "pillarbox", "frame"],
)
def test_bars_of_any_colour_are_cut(
    shade: object, size: tuple[int, int], top: int, left: int
) -> None:
    canvas = np.zeros((*size, 3), np.uint8)
    canvas[:] = shade
    box = found(put_in(footage(), canvas, top=top, left=left))
    height, width = size
    assert near(box, (left / width, top / height, 160 / width, 90 / height))


def test_bars_of_two_sizes_are_cut_each_as_it_is() -> None:
    box = found(put_in(footage(), np.zeros((160, 160, 3), np.uint8), top=20, left=0))
    assert near(box, (0, 20 / 160, 1, 90 / 160))


@pytest.mark.parametrize("kind", ["captions", "blurred_fill"])
@pytest.mark.parametrize("strength", [1 / 3, 2 / 3])
@pytest.mark.parametrize("seed", range(4))
def test_captions_and_a_blurred_fill_are_cut(kind: str, strength: float, seed: int) -> None:
    clip = Clip("clip", tuple(footage(seed, width=320, height=180, frames=12)), 8)
    edited = edited_at(kind, clip, [], strength=strength, seed=seed)
    assert near(found(list(edited.frames())), edited.box)


def test_bars_within_a_fill_are_cut_too() -> None:
    boxed = put_in(footage(width=160, height=70), np.zeros((90, 160, 3), np.uint8), top=10, left=0)
    edited = edited_at("captions", Clip("clip", tuple(boxed), 8), [], strength=2 / 3, seed=1)
    _, y, _, height = edited.box
    assert near(found(list(edited.frames())), (0, y + height / 9, 1, height * 7 / 9))


def test_long_videos_are_seen_whole() -> None:
    # The bars last for nine tenths of the video only: they are a part of it.
    bars = put_in(footage(frames=12) * 15, np.zeros((150, 160, 3), np.uint8), top=30, left=0)
    full = [cv2.resize(frame, (160, 150)) for frame in footage(2, frames=12) * 2]
    assert near(found(bars), (0, 0.2, 1, 0.6))
    assert found(bars + full) == WHOLE_PICTURE


# ---- what is left alone ----


def test_footage_has_no_border() -> None:
    assert found(footage()) == WHOLE_PICTURE


def test_a_camera_that_stands_still_has_no_border() -> None:
    still = footage(frames=1)[0]
    frames = []
    for k in range(12):
        frame = still.copy()
        cv2.circle(frame, (20 + 10 * k, 60), 8, (255, 255, 255), -1)
        frames.append(frame)
    assert found(frames) == WHOLE_PICTURE


def test_a_sky_above_a_straight_horizon_is_no_border() -> None:
    frames = footage()
    sky = np.linspace(150, 215, 40)[:, None, None] + np.array((-20, 0, 30))
    for frame in frames:
        frame[:40] = sky
    assert found(frames) == WHOLE_PICTURE


def test_a_wall_at_one_side_is_no_border() -> None:
    frames = footage()
    wall = footage(7, frames=1)[0][:, :30]
    for frame in frames:
        frame[:, :30] = wall
    assert found(frames) == WHOLE_PICTURE


def test_a_night_scene_with_black_edges_has_no_border() -> None:
    frames = []
    for k in range(12):
        frame = np.zeros((90, 160, 3), np.uint8)
        for lamp in range(6):
            place = (20 + 24 * lamp + 2 * k, 35 + 4 * lamp)
            cv2.circle(frame, place, 4 + lamp, (220, 180, 90), -1)
        frames.append(frame)
    assert found(frames) == WHOLE_PICTURE


def test_a_white_page_of_text_has_no_border() -> None:
    page = np.full((90, 160, 3), 255, np.uint8)
    for line in range(15, 80, 10):
        cv2.putText(page, "words of a page"[: 6 + line % 9], (12, line), 0, 0.4, (0, 0, 0), 1)
    frames = [page] * 6 + [np.roll(page, 5, axis=0)] * 6
    assert found(frames) == WHOLE_PICTURE


def test_shallow_focus_is_no_blurred_fill() -> None:
    frames = []
    for frame in footage():
        soft = cv2.GaussianBlur(frame, (0, 0), 6)
        soft[30:60, 40:120] = frame[30:60, 40:120]
        frames.append(cv2.GaussianBlur(soft, (0, 0), 1))
    assert found(frames) == WHOLE_PICTURE


def test_two_frames_show_nothing_that_lasts() -> None:
    frames = put_in(footage(frames=2), np.zeros((150, 160, 3), np.uint8), top=30, left=0)
    assert found(frames) == WHOLE_PICTURE
    assert BorderFinder().picture() == WHOLE_PICTURE


def test_batches_do_not_matter() -> None:
    frames = np.stack(
        [
            cv2.resize(f, (SIDE, SIDE))
            for f in put_in(footage(), np.zeros((150, 160, 3), np.uint8), top=30, left=0)
        ]
    )
    one, several = BorderFinder(), BorderFinder()
    one.add(frames)
    for part in np.array_split(frames, 5):
        several.add(part)
    assert one.picture() == several.picture() != WHOLE_PICTURE
