"""What measured agreement of motion and detail proves, contradicts and leaves open."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.proof.decision import PixelEvidence, decide
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
