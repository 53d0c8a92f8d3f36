"""Pictures of a proof: registered, subtracted and boxed where a known transform puts them."""

from typing import Any

import cv2
import numpy as np
import pytest

from visil_dash.proof.moments import is_shown, shown_times
from visil_dash.proof.pictures import boxed, common_part, masked, picture_difference, registered
from visil_dash.records import (
    Array,
    Coverage,
    Match,
    Proof,
    ProofState,
    Registration,
    Relation,
    Segment,
    Verdict,
)

SIZE, OTHER = (320, 180), (320, 180)


def scene(size: tuple[int, int] = OTHER) -> Array:
    """A picture with detail everywhere, smooth enough to be moved by parts of a pixel."""
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (size[1], size[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return ((soft - soft.min()) / np.ptp(soft) * 200 + 20).astype(np.uint8)


def of_pixels(matrix: Array, **more: Any) -> Registration:
    """The registration that a matrix describes, pixels of a reference to those of a query."""
    shares = np.diag([1 / SIZE[0], 1 / SIZE[1], 1]) @ matrix @ np.diag([*OTHER, 1.0])
    rows = tuple(tuple(row) for row in shares.tolist())
    fields: dict[str, Any] = {
        "transform": rows,
        "size": SIZE,
        "reference_size": OTHER,
        "inliers": 90,
        "common": 1.0,
        "box": (0.0, 0.0, 1.0, 1.0),
        "reference_box": (0.0, 0.0, 1.0, 1.0),
    }
    return Registration(**(fields | more))


# An inset, a crop that is enlarged, a mirrored one, a turned one, and a screen seen from the side.
TURN = np.radians(12)
MATRICES = {
    "inset": [[0.5, 0, 80], [0, 0.5, 40], [0, 0, 1]],
    "crop": [[1.5, 0, -90], [0, 1.5, -50], [0, 0, 1]],
    "mirrored": [[-1, 0, 319], [0, 1, 0], [0, 0, 1]],
    "turned": [[np.cos(TURN), -np.sin(TURN), 30], [np.sin(TURN), np.cos(TURN), -20], [0, 0, 1]],
    "aslant": [[0.9, 0.05, 10], [0.02, 0.9, 5], [0.0003, 0.0001, 1]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_reference_lies_where_the_copy_shows_it(name: str) -> None:
    matrix = np.array(MATRICES[name], float)
    reference = scene()
    query = cv2.warpPerspective(reference, matrix, SIZE)
    registration = of_pixels(matrix)
    inside = common_part(query, reference, registration)
    placed = registered(query, reference, registration)
    assert placed.shape == query.shape
    assert np.abs(placed[inside].astype(int) - query[inside]).mean() < 1
    assert inside.all() or (query[~inside] == 0).mean() > 0.95, "nothing of it lies outside"
    expected = cv2.warpPerspective(np.ones(reference.shape[:2], np.uint8), matrix, SIZE)
    assert inside.mean() == pytest.approx(expected.mean(), abs=0.01)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_pictures_of_another_size_lie_as_well(scale: float) -> None:
    """Registration is measured on small pictures, and larger ones are shown."""
    matrix = np.array(MATRICES["inset"], float)
    large = cv2.resize(scene(), (1280, 720), interpolation=cv2.INTER_CUBIC)
    reference = cv2.resize(large, OTHER, interpolation=cv2.INTER_AREA)
    query = cv2.warpPerspective(reference, matrix, SIZE)
    bigger = tuple(round(side * scale) for side in SIZE)
    shown = registered(
        cv2.resize(query, bigger, interpolation=cv2.INTER_AREA), large, of_pixels(matrix)
    )
    back = cv2.resize(shown, SIZE, interpolation=cv2.INTER_AREA)
    inside = cv2.erode(common_part(query, reference, of_pixels(matrix)).astype(np.uint8), None) > 0
    assert np.abs(back[inside].astype(int) - query[inside]).mean() < 6


def test_a_copy_in_another_grade_differs_in_its_overlay_alone() -> None:
    reference = scene()
    graded = np.clip(reference * np.array([0.7, 0.8, 0.9]) + 20, 0, 255).astype(np.uint8)
    query = graded.copy()
    query[10:50, 20:100] = 250
    logo = (20 / 320, 10 / 180, 80 / 320, 40 / 180)
    apart = picture_difference(query, reference, of_pixels(np.eye(3), overlays=(logo,)))
    overlay = np.zeros(query.shape[:2], bool)
    overlay[10:50, 20:100] = True
    assert apart[overlay].mean() > 100
    assert apart[~overlay].mean() < 12


def test_what_is_not_of_the_reference_is_darkened() -> None:
    matrix = np.array(MATRICES["inset"], float)
    reference = scene()
    query = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
    inside = common_part(query, reference, of_pixels(matrix))
    shown = masked(query, reference, of_pixels(matrix, overlays=((0.4, 0.4, 0.1, 0.1),)))
    assert (shown[~inside] < 100).all()
    overlay = np.zeros(inside.shape, bool)
    overlay[72:90, 128:160] = True
    assert (shown[inside & overlay] < 100).all()
    assert (shown[inside & ~overlay] == 200).all()


def test_a_box_is_drawn_around_its_place_and_nowhere_else() -> None:
    picture = np.full((180, 320, 3), 128, np.uint8)
    drawn = boxed(picture, [(0.25, 0.5, 0.25, 0.25)], colour=(20, 184, 166))
    rows, columns = np.nonzero((drawn != 128).any(-1))
    assert (rows.min(), rows.max()) == pytest.approx((90, 134), abs=3)
    assert (columns.min(), columns.max()) == pytest.approx((80, 159), abs=3)
    assert (drawn[105:120, 100:140] == 128).all(), "the inside stays as it is"
    assert (picture == 128).all()
    # A box that leaves the picture is drawn at its edge.
    assert boxed(picture, [(0.9, 0.9, 0.5, 0.5)], colour=(255, 0, 0)).shape == picture.shape


def test_pictures_without_anything_in_common_do_not_fail() -> None:
    away = np.array([[1, 0, 900], [0, 1, 900], [0, 0, 1.0]])
    query = scene(SIZE)
    assert not common_part(query, scene(), of_pixels(away)).any()
    assert len(np.unique(picture_difference(query, scene(), of_pixels(away)))) == 1


# ---- which frames are shown ----


SEGMENT = Segment(2, 6, 12, 14, 0.9)


def match(proof: Proof | None, best: Segment | None = SEGMENT) -> Match:
    verdict = Verdict(Relation.PARTIAL, True, "shares a part", "", Coverage(1, 1, (), ()), best)
    segments = () if best is None else (best,)
    return Match("r", "r.mp4", 0.9, 0.9, 1.0, 3, segments, proof=proof, verdict=verdict)


def proof(state: ProofState, **more: Any) -> Proof:
    fields: dict[str, Any] = {"registration": of_pixels(np.eye(3)), "times": (3.5, 13.1)}
    return Proof(state, "why", **(fields | more))


def test_a_proof_chooses_the_frames_and_else_the_middle_of_the_best_segment() -> None:
    assert shown_times(match(None)) == (4, 13)
    assert shown_times(match(None, best=None)) is None
    for state in (ProofState.PROVED, ProofState.CONTRADICTED):
        assert shown_times(match(proof(state))) == (3.5, 13.1)


def test_pictures_that_do_not_register_are_not_shown_as_if_they_did() -> None:
    undecided = proof(ProofState.UNDECIDABLE)
    assert not is_shown(undecided)
    assert shown_times(match(undecided)) == (4, 13)
    assert is_shown(proof(ProofState.UNDECIDABLE, still=True))
    assert not is_shown(proof(ProofState.PROVED, registration=None))
    assert not is_shown(proof(ProofState.PROVED, times=None))
    assert not is_shown(None)
