"""The figure of proof over strength shows each copy's state, and its match strength beside."""

from typing import Any

from visil_dash.plots.robustness import ProofCurve, proof_curves
from visil_dash.records import ProofState

CURVE = ProofCurve(
    name="crop <b>",
    strengths=(0.0, 0.3, 0.6, 1.0),
    motions=(0.9, 0.5, -0.1, None),
    match_strengths=(0.95, 0.9, 0.8, 0.4),
    states=(ProofState.PROVED, ProofState.UNDECIDABLE, ProofState.CONTRADICTED, None),
    notes=("a", "b", "c", "d & e"),
)


def drawn() -> list[Any]:
    return list(proof_curves([CURVE]).data)


def test_states_differ_in_shape_and_what_was_not_verified_is_a_gap() -> None:
    strength, motion, *_ = drawn()
    assert tuple(motion.y) == CURVE.motions
    assert motion.connectgaps is False
    assert len(set(motion.marker.symbol[:3])) == 3
    assert tuple(strength.y) == CURVE.match_strengths
    assert "not verified" in motion.text[3]
    assert "contradicted" in motion.text[2]


def test_the_legend_explains_shapes_and_names_are_text() -> None:
    names = [trace.name for trace in drawn() if trace.showlegend is not False]
    assert names == ["crop &lt;b&gt;", *(s.value for s in (
        ProofState.PROVED, ProofState.UNDECIDABLE, ProofState.CONTRADICTED
    )), "match strength"]  # fmt: skip


def test_every_value_is_inside_the_axis() -> None:
    low, high = proof_curves([CURVE]).layout.yaxis.range
    assert low < -0.1
    assert high >= 1.0
