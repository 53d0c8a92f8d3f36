"""Proof over the strength of an edit, of a robustness run that verified its copies."""

import streamlit as st

from visil_dash.laboratory.robustness.report import kind_text, proof_verdict
from visil_dash.laboratory.robustness.run import RobustnessReport
from visil_dash.plots.robustness import ProofCurve, proof_curves
from visil_dash.ui.shell.text import md
from visil_dash.ui.shell.widgets import draw_chart


def proof_facts(report: RobustnessReport) -> dict[str, str]:
    """Nothing of a run without verification."""
    if not report.proof:
        return {}
    return {"Proved": f"{sum(t.is_proved for t in report.trials)}"}


def draw_proof_curves(report: RobustnessReport) -> None:
    with st.container(border=True):
        st.markdown("**Proof against strength**")
        draw_chart(
            proof_curves([_curve(report, kind) for kind in report.kinds]), key="robustness_proofs"
        )
        st.caption(
            "Solid: how well copy and target move alike on the pixels, at the best time offset."
            " Dotted: the match strength of the same copies. A gap: a video could not be read."
        )
        for kind in report.kinds:
            st.markdown(f"**{kind_text(kind).capitalize()}.** {md(proof_verdict(report, kind))}")


def _curve(report: RobustnessReport, kind: str) -> ProofCurve:
    trials = report.of(kind)
    proofs = [trial.proof for trial in trials]
    return ProofCurve(
        name=kind_text(kind),
        strengths=[t.strength for t in trials],
        motions=[None if p is None else p.motion for p in proofs],
        match_strengths=[t.match_strength for t in trials],
        states=[None if p is None else p.state for p in proofs],
        notes=[t.note for t in trials],
    )
