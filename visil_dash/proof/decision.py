"""From what was measured on the pixels to a state and a sentence."""

from dataclasses import dataclass

from visil_dash.proof.steady import STEADY_PIXELS
from visil_dash.records import ProofState

STILL_SECONDS = 0.5  # less motion is none
# How far motion has to agree: at the best of all offsets other takes reach 0.42, and not for more
# than 0.4 weighed seconds. Less is enough where it goes on for long, or where nearly all detail
# agrees and the place in time is plain: forwards, at its own speed, one peak, a good part of all
# that moves. Among all speeds and both directions, a camera that stands still finds a quarter of a
# second that moves alike.
_MOTION, _SECONDS = 0.4, 0.6
_LONG_MOTION, _LONG_SECONDS = 0.33, 1.0
_CLOSE_MOTION, _CLOSE_SECONDS, _CLOSE_DETAIL = 0.5, 0.15, 0.85
_CLOSE_SPEED, _ONE_PEAK, _CLOSE_SHARE = 0.06, 0.5, 0.3
# Another take registers, detail of its background agrees, and it moves otherwise. Where hardly any
# motion is left to see (a copy of 64 pixels), agreement is low too, but still has one clear peak.
_OTHER_MOTION, _OTHER_SECONDS, _BACKGROUND, _NO_PEAK = 0.4, 0.3, 0.4, 0.25
# Noise is no motion, and of a part of a picture in which nothing happens it is all that moves: of
# other takes at least a sixth of the time moves, by at least 0.46 as in the moment before.
_COHERENT, _MOVING_SHARE = 0.3, 0.12
# Where one picture lies steadily on the other and nearly all detail agrees, a single peak of a
# tenth of what moves is none.
_SAME_PLACE, _MOVING_SECONDS, _HARDLY = 0.7, 1.0, 0.1
_SAME_DETAIL, _SEEN = 0.9, 0.05


@dataclass(frozen=True)
class PixelEvidence:
    """What was measured of a pair.

    `motion`, `other`: agreement of motion at the best offset and at the best other one. `seconds`:
    how long it agrees, weighed (see motion.Shift), at this `speed` and direction. `moving`: seconds
    in which something moves in the query and in the reference. `detail`: share of the common detail
    that agrees; `seen`: share of the picture that has detail. `shake`: how far one picture moves
    about on the other, pixels (see steady.shake); None: not measured. `aside`: one picture is the
    other moved aside (see aside.moved_aside). `watched`: seconds of the query that were looked at;
    `coherence`: how alike motion is from moment to moment (see motion.MotionSearch.coherence).
    """

    motion: float = 0.0
    other: float = 0.0
    seconds: float = 0.0
    speed: float = 1.0
    reversed: bool = False
    moving: tuple[float, float] = (0.0, 0.0)
    detail: float = 0.0
    seen: float = 0.0
    shake: float | None = None
    aside: bool = False
    watched: float = 0.0
    coherence: float = 1.0

    @property
    def is_noise(self) -> bool:
        """Whether what moves may be nothing but noise."""
        return self.coherence < _COHERENT or min(self.moving) < _MOVING_SHARE * self.watched

    @property
    def is_still(self) -> bool:
        return min(self.moving) < STILL_SECONDS


def decide(found: PixelEvidence) -> tuple[ProofState, str]:
    """The state of a pair, and why in a sentence."""
    if moves_alike(found) and found.aside:
        return ProofState.UNDECIDABLE, (
            "Both move alike, but each shows at one side what the other lacks: two moments of a"
            " camera that pans over one place look so, too."
        )
    if moves_alike(found):
        return ProofState.PROVED, (
            f"Both move alike at one time offset: correlation {found.motion:.2f},"
            f" at the best other offset {max(0.0, found.other):.2f}."
        )
    if found.is_still:
        if found.detail >= _SAME_DETAIL and found.seen >= _SEEN:
            return ProofState.PROVED, (
                f"The same still picture: {100 * found.detail:.0f} % of its detail agrees."
                " It cannot be dated, because nothing moves."
            )
        return ProofState.UNDECIDABLE, (
            "Nothing moves, and the pictures do not agree in every detail, so a copy and another"
            " take cannot be told apart."
        )
    if _moves_otherwise(found):
        return ProofState.CONTRADICTED, (
            "Both show the same place, but it moves differently at every time offset"
            f" (correlation at most {found.motion:.2f}): another take."
        )
    if found.is_noise and found.detail >= _BACKGROUND:
        return ProofState.UNDECIDABLE, (
            "There is hardly any motion besides noise, so a copy and another take cannot be"
            " distinguished."
        )
    return ProofState.UNDECIDABLE, (
        "The pictures could not be laid onto each other well enough to see whether they move alike."
    )


def moves_alike(found: PixelEvidence) -> bool:
    """Whether motion agrees so far that both are one recording."""
    if found.motion >= _MOTION and found.seconds >= _SECONDS:
        return True
    if found.motion >= _LONG_MOTION and found.seconds >= _LONG_SECONDS:
        return True
    return (
        not found.reversed
        and abs(found.speed - 1) <= _CLOSE_SPEED
        and found.other <= _ONE_PEAK * found.motion
        and found.motion >= _CLOSE_MOTION
        and found.seconds >= _CLOSE_SHARE * min(found.moving)
        and found.seconds >= _CLOSE_SECONDS
        and found.detail >= _CLOSE_DETAIL
    )


def same_place(found: PixelEvidence) -> bool:
    """Whether it is worth measuring how steadily one picture lies on the other."""
    return (
        found.detail >= _SAME_PLACE
        and min(found.moving) >= _MOVING_SECONDS
        and found.seconds < min(_OTHER_SECONDS, _HARDLY * min(found.moving))
    )


def _moves_otherwise(found: PixelEvidence) -> bool:
    if found.is_noise:
        return False
    if same_place(found) and found.shake is not None and found.shake <= STEADY_PIXELS:
        return True
    return (
        found.detail >= _BACKGROUND
        and found.motion < _OTHER_MOTION
        and found.seconds < _OTHER_SECONDS
        and found.other > _NO_PEAK * found.motion
    )
