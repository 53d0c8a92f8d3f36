"""What measured agreement of motion and detail proves, contradicts and leaves open."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.filming import film
from visil_dash.proof.decision import PixelEvidence, decide
from visil_dash.proof.motion import MotionSearch, Track
from visil_dash.proof.steady import STEADY_PIXELS
from visil_dash.records import ProofState

# A quarter of a second that moves alike, over a picture that agrees in nearly every detail.
BRIEF = PixelEvidence(motion=0.6, other=0.1, seconds=0.3, moving=(0.8, 0.9), detail=0.95, seen=1.0)
# One motorway at two times: the same place, one short accident of a peak.
ANOTHER_HOUR = PixelEvidence(
    motion=0.35, other=0.04, seconds=0.03, moving=(5, 5), detail=0.95, seen=1.0, shake=0.1
)
shares = st.floats(0, 1)
evidence = st.builds(
    PixelEvidence,
    motion=shares,
    other=shares,
    seconds=st.floats(0, 20),
    speed=st.floats(0.25, 4),
    reversed=st.booleans(),
    moving=st.tuples(st.floats(0, 20), st.floats(0, 20)),
    detail=shares,
    seen=shares,
    shake=st.none() | st.floats(0, 20),
    watched=st.floats(0, 60),
    coherence=st.floats(-1, 1),
)


def state(found):
    return decide(found)[0]


def test_a_brief_agreement_proves_at_the_same_speed_and_at_one_place():
    assert state(BRIEF) is ProofState.PROVED


@pytest.mark.parametrize(
    "change",
    [{"reversed": True}, {"speed": 0.25}, {"speed": 1.15}, {"other": 0.4}, {"moving": (5, 5)}],
    ids=[
        "backwards",
        "four times slower",
        "a little faster",
        "two places as good",
        "where much more moves otherwise",
    ],
)
def test_a_brief_agreement_that_many_tries_would_find_proves_nothing(change):
    assert state(replace(BRIEF, **change)) is not ProofState.PROVED


def test_a_place_that_a_pan_shows_twice_is_neither_proved_nor_contradicted():
    panned = replace(BRIEF, seconds=3.0, moving=(5, 5), aside=True)
    assert state(panned) is ProofState.UNDECIDABLE
    assert state(replace(panned, aside=False)) is ProofState.PROVED


def test_the_same_place_at_another_time_is_contradicted():
    assert state(ANOTHER_HOUR) is ProofState.CONTRADICTED


@given(evidence)
def test_noise_contradicts_nothing(found):
    assert not found.is_noise or state(found) is not ProofState.CONTRADICTED


@pytest.mark.parametrize(
    "change",
    [{"coherence": 0.11}, {"moving": (1.9, 9.3), "watched": 20.0}],
    ids=["a noisy copy", "a part in which nothing happens"],
)
def test_where_what_moves_may_be_noise_another_take_is_not_claimed(change):
    decided, reason = decide(replace(ANOTHER_HOUR, **change))
    assert decided is ProofState.UNDECIDABLE
    assert "noise" in reason


def test_what_moves_goes_on_moving_and_noise_does_not():
    frames = [cv2.resize(f, (52, 29)).mean(2) for f in film(1, 1, 6)[::2]]
    moving = np.array(frames, np.float32).reshape(len(frames), -1)
    noise = np.random.default_rng(1).normal(0, 10, moving.shape).astype(np.float32)
    alone, noisy, still = (
        MotionSearch(track(pictures), track(moving)).coherence()
        for pictures in (moving, noise, np.zeros_like(moving))
    )
    assert alone > 0.4
    assert abs(noisy) < 0.2
    assert still == 0


def track(pictures):
    return Track(pictures, np.ones(len(pictures), bool))


@pytest.mark.parametrize("shake", [None, 2 * STEADY_PIXELS], ids=["unknown", "by hand"])
def test_motion_says_nothing_where_the_whole_picture_shakes(shake):
    assert state(replace(ANOTHER_HOUR, shake=shake)) is ProofState.UNDECIDABLE


@given(evidence, st.floats(0, 1), st.floats(0, 20))
def test_more_agreement_never_takes_a_proof_away(found, motion, seconds):
    more = replace(found, motion=max(found.motion, motion), seconds=max(found.seconds, seconds))
    if state(found) is ProofState.PROVED:
        assert state(more) is ProofState.PROVED


@given(evidence)
def test_what_moves_alike_for_long_is_never_contradicted(found):
    if found.seconds >= 1:
        assert state(found) is not ProofState.CONTRADICTED
