"""The curve of a proof: every offset, the peak marked, the best other offset as a line."""

import pytest

from visil_dash.plots.proof import motion_curve
from visil_dash.records import Proof, ProofState

OFFSETS = tuple(n / 5 for n in range(-50, 51))
CURVE = tuple(0.9 if at == 6.0 else 0.1 if at > 0 else -0.05 for at in OFFSETS)
PROOF = Proof(ProofState.PROVED, "why", motion=0.9, other_motion=0.12, offsets=OFFSETS, curve=CURVE)


def test_the_curve_holds_every_offset_and_marks_the_best() -> None:
    line, peak = motion_curve(PROOF).data
    assert tuple(line.x) == OFFSETS
    assert tuple(line.y) == CURVE
    assert (tuple(peak.x), tuple(peak.y)) == ((6.0,), (0.9,))
    assert peak.text == ("0.90 at 0:06.0",)


def test_the_best_other_offset_is_a_line_and_everything_lies_within_the_axes() -> None:
    figure = motion_curve(PROOF)
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == 0.12
    low, high = figure.layout.yaxis.range
    assert low <= min(CURVE)
    assert high >= 1


def test_a_proof_without_a_curve_has_no_figure() -> None:
    with pytest.raises(ValueError, match="no curve"):
        motion_curve(Proof(ProofState.UNDECIDABLE, "why"))
