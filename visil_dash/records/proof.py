"""What the pixels of two videos say about a match: the record that verification makes."""

from dataclasses import dataclass
from enum import StrEnum

from visil_dash.records.segment import Segment
from visil_dash.records.video import Box

_Row = tuple[float, float, float]
# Maps (x, y, 1), shares of the reference's picture, to shares of the query's (homogeneous, so that
# a screen filmed from the side registers too): the three rows of a 3 × 3 matrix.
Transform = tuple[_Row, _Row, _Row]


class ProofState(StrEnum):
    """What verification concluded about a pair of videos."""

    PROVED = "proved"  # the same recording
    CONTRADICTED = "contradicted"  # the same scene, but it moves otherwise: another take
    UNDECIDABLE = "undecidable"  # nothing moves, or nothing registers


@dataclass(frozen=True)
class Registration:
    """How the picture of a reference lies on that of a query.

    `transform`: reference to query, in shares. `size`, `reference_size`: width and height that
    shares refer to, in square pixels. `inliers`: local features that agree with it, summed over the
    sampled frames; 0 where the pictures were laid onto each other without any. `common`: share of
    the query's picture that shows the reference. `box`, `reference_box`: where that lies in each
    picture. `overlays`: boxes of the query's picture inside `box` that show something else (logo,
    subtitles). `brightness`, `contrast`, `saturation`: of the query relative to the reference,
    1 unchanged.
    """

    transform: Transform
    size: tuple[int, int]
    reference_size: tuple[int, int]
    inliers: int
    common: float
    box: Box
    reference_box: Box
    overlays: tuple[Box, ...] = ()
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0


@dataclass(frozen=True)
class Proof:
    """Verification of one pair on the pixels.

    `reason`: one sentence. `span`: the stretch in which both agree, times exact to about 0.1 s, its
    `score` the agreement; None unless proved. `motion`: correlation (-1..1) of what changes from
    frame to frame, at the best time offset; `other_motion`: at the best other offset.
    `agreed_seconds`: how long it agrees, weighed. `detail`: share (0..1) of the common picture
    whose detail agrees. `still`: nothing moves, so the picture
    is the same but cannot be dated. `offsets`, `curve`: where the start of the span would
    lie in the reference (seconds) and the correlation there. `times`: the pair of times, query and
    reference, that shows the agreement best. `edits`: what was done to the copy, in words.
    `seconds`: that verification took.
    """

    state: ProofState
    reason: str
    span: Segment | None = None
    registration: Registration | None = None
    motion: float = 0.0
    other_motion: float = 0.0
    agreed_seconds: float = 0.0
    detail: float = 0.0
    still: bool = False
    offsets: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()
    times: tuple[float, float] | None = None
    edits: tuple[str, ...] = ()
    seconds: float = 0.0
