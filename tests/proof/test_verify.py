"""Verification on films of known truth: what it proves, contradicts and leaves open."""

import numpy as np
import pytest

from tests.support.filming import (
    FPS,
    SIZE,
    background,
    cropped,
    film,
    inset,
    letterboxed,
    mirrored,
    shaken,
    slide,
    specks,
    wandering,
    with_logo,
    write_film,
)
from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.records import ProofState, Segment
from visil_dash.settings import Settings

SECONDS = 16.0
HERE, ELSEWHERE = 1, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def take():
    return film(HERE, 1, SECONDS)


@pytest.fixture(scope="module")
def source(folder, take):
    return VideoFile(write_film(folder / "source.mp4", take), SECONDS)


@pytest.fixture(scope="module")
def verified(folder, source):
    """Verifies frames as a query against the source, from a segment that is a guess."""

    def verify(name, frames, guess, *, against=source, **how):
        path = write_film(folder / f"{name}.mp4", frames)
        query = VideoFile(path, len(frames) / FPS)
        return Verifier(query, settings=Settings(), **how).verify(against, [guess])

    return verify


def seconds(frames, start, end):
    return frames[round(start * FPS) : round(end * FPS)]


def guess(query, reference, **more):
    return Segment(*query, *reference, 0.9, **more)


def assert_span(proof, query, reference, *, within=0.3):
    span = proof.span
    assert (span.query_start, span.query_end) == pytest.approx(query, abs=within)
    assert (span.reference_start, span.reference_end) == pytest.approx(reference, abs=within)


EDITS = {
    "plain": (lambda f: f, ()),
    "cropped": (lambda f: cropped(f, (0.2, 0.15, 0.6, 0.6)), ("cropped to 36 %",)),
    "mirrored": (mirrored, ("mirrored",)),
    "letterboxed": (letterboxed, ("shown in 75 %", "stretched")),
    "darker": (lambda f: [(0.6 * g).astype("uint8") for g in f], ("darker",)),
    "grey": (
        lambda f: [g.mean(2, keepdims=True).repeat(3, 2).astype("uint8") for g in f],
        ("without colour",),
    ),
    "logo": (with_logo, ("something else at the top left",)),
    "inset": (
        lambda f: inset(f, film(ELSEWHERE, 7, len(f) / FPS), (0.5, 0.45, 0.45, 0.45)),
        ("shown in 20 % of the picture, bottom right",),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_copy_is_proved_with_its_place_in_time_and_its_edit(edit, take, verified):
    change, words = EDITS[edit]
    proof = verified(edit, change(seconds(take, 5, 12)), guess((0, 7), (5, 12)))
    assert proof.state is ProofState.PROVED
    assert_span(proof, (0, 7), (5, 12))
    assert not proof.span.reversed
    described = ", ".join(proof.edits)
    assert all(word in described for word in words), described


def test_a_plain_copy_is_called_nothing_but_a_part(take, verified):
    proof = verified("as it is", seconds(take, 5, 12), guess((0, 7), (5, 12)))
    assert proof.edits == ("starts at 0:05.0 of the reference",)


@pytest.mark.parametrize("proposed", [(0.0, 7.0), (9.0, 16.0)])
def test_a_wrong_place_before_a_still_camera_is_corrected(proposed, take, verified):
    frames = cropped(seconds(take, 4, 11), (0.05, 0.05, 0.86, 0.86))
    proof = verified(f"wrong {proposed[0]}", frames, guess((0, 7), proposed))
    assert proof.state is ProofState.PROVED
    assert_span(proof, (0, 7), (4, 11))


def test_an_inset_that_moves_is_followed(take, verified):
    around = film(ELSEWHERE, 7, 7)
    frames = wandering(seconds(take, 5, 12), around, 0.5)
    assert verified("as a whole", frames, guess((0, 7), (5, 12))).state is not ProofState.PROVED
    proof = verified("followed", frames, guess((0, 7), (5, 12)), inset=True)
    assert proof.state is ProofState.PROVED
    assert_span(proof, (0, 7), (5, 12))
    assert "in an inset that moves" in ", ".join(proof.edits)
    # The registration is that of the whole picture at the moment that is shown.
    x, y, wide, high = proof.registration.box
    k = round(proof.times[0] * FPS)
    truth = [0.5 * abs((at + pace * k / FPS) % 2 - 1) for at, pace in ((0.3, 0.2), (0.8, 0.11))]
    assert (x, y) == pytest.approx(truth, abs=0.03)
    assert (wide, high) == pytest.approx((0.5, 0.5), abs=0.04)
    assert proof.registration.size == (320, 180)


def test_another_take_in_an_inset_that_moves_is_not_proved(verified):
    frames = wandering(film(HERE, 2, 7), film(ELSEWHERE, 7, 7), 0.5)
    proof = verified("take in inset", frames, guess((0, 7), (5, 12)), inset=True)
    assert proof.state is not ProofState.PROVED


@pytest.mark.parametrize("other", [2, 3, 4])
def test_another_take_of_the_same_place_is_contradicted(other, verified):
    proof = verified(f"take {other}", film(HERE, other, 10), guess((0, 10), (0, 10)))
    assert proof.state is ProofState.CONTRADICTED
    assert proof.span is None
    assert "another take" in proof.reason
    assert not proof.edits


def panned(still, start, count, step=2):
    """A window of the film's size that slides over a wide still picture, `step` pixels a frame."""
    width = SIZE[0]
    return [still[:, start + step * k : start + step * k + width] for k in range(count)]


def test_two_moments_of_one_pan_are_not_proved(folder, verified):
    scenes = [background(place) for place in (21, 22, 23)]
    still = np.concatenate(scenes, axis=1)
    source = VideoFile(write_film(folder / "pan.mp4", panned(still, 0, 4 * FPS)), 4.0)
    later = panned(still, 4 * FPS * 2 - 60, 4 * FPS)
    proof = verified("later in the pan", later, guess((0, 4), (0, 4)), against=source)
    assert proof.state is not ProofState.PROVED
    crop = cropped(panned(still, 0, 4 * FPS), (0.1, 0.1, 0.75, 0.75))
    assert verified("crop", crop, guess((0, 4), (0, 4)), against=source).state is ProofState.PROVED


def test_a_copy_filmed_by_hand_is_not_contradicted(take, verified):
    proof = verified("by hand", shaken(seconds(take, 3, 11)), guess((0, 8), (3, 11)))
    assert proof.state is not ProofState.CONTRADICTED


def test_an_unrelated_film_is_neither_proved_nor_contradicted(verified):
    proof = verified("unrelated", film(ELSEWHERE, 1, 10), guess((0, 10), (0, 10)))
    assert proof.state is ProofState.UNDECIDABLE


def test_backwards_is_reported_only_where_it_is_so(take, verified):
    backwards = seconds(take, 3, 11)[::-1]
    proof = verified("backwards", backwards, guess((0, 8), (3, 11), reversed=True))
    assert proof.span.reversed
    assert_span(proof, (0, 8), (3, 11))
    forwards = verified("forwards", seconds(take, 3, 11), guess((0, 8), (3, 11), reversed=True))
    assert not forwards.span.reversed
    assert_span(forwards, (0, 8), (3, 11))


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.25, 2.0, 4.0])
def test_a_changed_speed_is_measured(speed, take, verified):
    length = 12 / speed
    frames = [take[int(2 * FPS + k * speed)] for k in range(int(length * FPS))]
    proof = verified(f"speed {speed}", frames, guess((0, length), (2, 14), speed=1.0))
    assert proof.span.speed == pytest.approx(speed, rel=0.02)
    assert_span(proof, (0, length), (2, 14), within=0.5)


def test_only_what_is_shared_is_in_the_span(take, verified):
    frames = film(ELSEWHERE, 3, 4) + seconds(take, 6, 11) + film(ELSEWHERE, 4, 3)
    proof = verified("excerpt", frames, guess((3, 10), (5, 12)))
    assert_span(proof, (4, 9), (6, 11))


def test_a_whole_copy_begins_with_its_first_frame_even_where_that_is_hidden_by_noise(
    take, verified
):
    rng, some = np.random.default_rng(0), round(0.8 * FPS)
    noisy = [np.clip(f + rng.normal(0, 60, f.shape), 0, 255).astype(np.uint8) for f in take[:some]]
    frames = [*noisy, *take[some:]]
    proof = verified("hidden", frames, guess((2, 14), (2, 14)))
    assert_span(proof, (0, SECONDS), (0, SECONDS), within=0.1)


def test_the_peak_of_the_curve_is_the_place(take, verified):
    proof = verified("curve", seconds(take, 5, 12), guess((0, 7), (5, 12)))
    best = max(range(len(proof.curve)), key=proof.curve.__getitem__)
    assert proof.offsets[best] == pytest.approx(5, abs=0.2)
    assert proof.curve[best] == pytest.approx(proof.motion)
    assert list(proof.offsets) == sorted(proof.offsets)
    assert proof.other_motion < proof.motion / 2


def test_the_same_slide_is_proved_and_cannot_be_dated(folder, verified):
    page = VideoFile(write_film(folder / "page.mp4", [slide(1)] * 100), 5)
    proof = verified("slide", [slide(1)] * 80, guess((0, 4), (0, 4)), against=page)
    assert proof.state is ProofState.PROVED
    assert proof.still
    assert "cannot be dated" in proof.reason


def test_small_things_that_move_date_a_copy_and_tell_it_from_another_take(folder, verified):
    """Seen from far away a place looks still; its few moving pixels say which moment it is."""
    far = specks(HERE, 1, 8)
    source = VideoFile(write_film(folder / "far.mp4", far), 8.0)
    proof = verified("far copy", far[20:140], guess((0, 6), (1, 7)), against=source)
    assert proof.state is ProofState.PROVED
    assert not proof.still
    assert_span(proof, (0, 6), (1, 7))
    take = specks(HERE, 2, 6)
    other = verified("far take", take, guess((0, 6), (1, 7)), against=source)
    assert other.state is not ProofState.PROVED


def test_a_slide_of_one_layout_with_other_words_is_not_proved(folder, verified):
    page = VideoFile(write_film(folder / "page 1.mp4", [slide(1)] * 100), 5)
    proof = verified("other slide", [slide(2)] * 80, guess((0, 4), (0, 4)), against=page)
    assert proof.state is not ProofState.PROVED


def test_a_later_segment_is_tried_where_the_first_looked_elsewhere(folder, take):
    """A minute of another film, and the copy behind them: further than any search around the
    first segment goes."""
    frames = film(ELSEWHERE, 5, 60) + seconds(take, 5, 12)
    long = VideoFile(write_film(folder / "long.mp4", frames), len(frames) / FPS)
    query = VideoFile(write_film(folder / "part.mp4", seconds(take, 5, 12)), 7.0)
    wrong, right = guess((0, 7), (5, 12)), guess((0, 7), (60, 67))
    assert Verifier(query, settings=Settings()).verify(long, [wrong]).state is not ProofState.PROVED
    proof = Verifier(query, settings=Settings()).verify(long, [wrong, right])
    assert proof.state is ProofState.PROVED
    assert_span(proof, (0, 7), (60, 67))


def test_without_a_segment_there_is_nothing_to_verify(source):
    with pytest.raises(ValueError, match="segment"):
        Verifier(source, settings=Settings()).verify(source, [])
