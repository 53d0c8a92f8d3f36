"""The step of the walkthrough that verifies the pair on the pixels."""

import streamlit as st

from visil_dash.clock import clock
from visil_dash.proof.footage import RATE
from visil_dash.proof.moments import is_shown
from visil_dash.proof.motion import LAGS
from visil_dash.records import Proof
from visil_dash.ui.compare.tasks import proof_task
from visil_dash.ui.laboratory.walkthrough_steps import WalkPair
from visil_dash.ui.pair.proof import draw_proof_of
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.pictures import pictures_at
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import facts


def draw_proof_step(pair: WalkPair) -> None:
    # Two lines: side by side they are wider than a phone.
    st.latex(r"D_t = \operatorname{norm}\big(I_{t+\ell} - I_t\big)")
    st.latex(r"\rho(\delta) = \frac{\sum_t w_t\, D^{q\top}_t\, W\! D^{r}_{t+\delta}}{\sum_t w_t}")
    compared = pair.comparison
    if compared.proof is None:
        task = proof_task(pair.query, pair.reference)
        if not finished(task, title="Verifying on the pixels", name=backend.name_of(pair.query)):
            return
    proof = pair.comparison.proof
    if proof is not None:
        _draw(pair, proof)


def _draw(pair: WalkPair, proof: Proof) -> None:
    facts(
        {
            "Pictures": f"{RATE:g} per second",
            "Lags ℓ": " and ".join(f"{lag / RATE:g} s" for lag in LAGS),
            "Agree for": f"{proof.agreed_seconds:.1f} s",
            "Verification took": f"{proof.seconds:.1f} s",
        },
        meanings={"Agree for": "How long motion agrees, weighed by how well"},
    )
    draw_proof_of(pair.query, pair.reference, proof)
    if not is_shown(proof) and proof.times is not None:
        _draw_frames(pair, proof.times)
    st.caption(
        "Local features of a few frames show how the reference lies in the query's picture (W):"
        " mirrored, scaled, cropped. Then differences of nearby pictures D, which hold nothing but"
        " motion, are correlated at every time offset δ. One recording has one sharp peak; another"
        " take of the same place has none. Where nothing moves, detail decides."
    )
    if st.button("Compare this pair", icon=":material/compare:", key="walk_page"):
        state.goto_compare(pair.query, pair.reference)


def _draw_frames(pair: WalkPair, times: tuple[float, float]) -> None:
    """Both pictures side by side, where they do not lie on each other."""
    columns = st.columns(2, gap="small")
    videos = zip(columns, ("Query", "Reference"), (pair.query, pair.reference), times, strict=True)
    for column, side, video, time in videos:
        with column:
            at = clock(time, digits=1)
            st.image(pictures_at(video, [time], 480)[0], width="stretch", alt=f"{side} at {at}")
            st.caption(f"{side} at {at}")
