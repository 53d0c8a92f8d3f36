"""Verification on the pixels in an evaluation: whether, and what it adds to a setting."""

import pandas as pd
import streamlit as st

from visil_dash.laboratory.evaluation.proof import RECALL_PRECISION, ByConfidence, ProofOutcome
from visil_dash.laboratory.evaluation.run import Outcome
from visil_dash.metrics.retrieval import TaskResult
from visil_dash.settings import PROOF_SECONDS
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.text import plural, seconds
from visil_dash.ui.threshold.operating import interval_text
from visil_dash.workbench.proving import PROOF_MATCHES

_MOST_SECONDS = 600.0
_RECALL = f"Recall at {100 * RECALL_PRECISION:.0f} % precision"


def draw_proof_choice() -> float:
    """Seconds that each query has for verification; 0 where there is to be none."""
    choice_in_address("evaluate_proof", "proof", {"no": False, "yes": True}, default=False)
    wanted = st.toggle(
        "Verify on the pixels",
        key="evaluate_proof",
        persist_state="session",
        help=f"Verifies the best {PROOF_MATCHES} matches of each query, and as many doubts after"
        " them, as a search does, and shows"
        " the metrics with and without it.",
    )
    if not wanted:
        return 0.0
    number_in_address(
        "evaluate_proof_seconds", "budget", low=1, high=_MOST_SECONDS, default=PROOF_SECONDS
    )
    budget = st.number_input(
        "Seconds per query",
        min_value=1.0,
        max_value=_MOST_SECONDS,
        format="%.0f",
        key="evaluate_proof_seconds",
        persist_state="session",
        width=160,
        help="At most so long is spent on the matches of one query. Proofs are kept, so the next"
        " evaluation is quicker.",
    )
    return float(budget)


def draw_proof_metrics(outcome: Outcome, task: str) -> None:
    """The setting by score, by confidence, and by confidence with proof."""
    proof = outcome.proof
    if proof is None:
        st.caption("Not verified on the pixels: a search does not score this way.")
        return
    rows = [
        _row("Score", outcome.tasks[task]),
        _row("Confidence", proof.without.tasks[task], proof.without),
        _row("Confidence with proof", proof.with_proof.tasks[task], proof.with_proof),
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=table_height(len(rows)))
    st.caption(_states(proof))


def _row(ranking: str, result: TaskResult, ranked: ByConfidence | None = None) -> dict[str, object]:
    point = result.curve.at_precision(RECALL_PRECISION)
    task = result.task
    return {
        "Ranked by": ranking,
        "mAP": interval_text(result.mean_average_precision),
        "uAP": interval_text(result.micro_average_precision),
        _RECALL: "none" if point is None else f"{point.recall:.3f}",
        "Copies reported": ""
        if ranked is None
        else f"{ranked.found[task]:,} of {result.relevant:,}",
        "Others reported": "" if ranked is None else f"{ranked.wrong[task]:,}",
    }


def _states(proof: ProofOutcome) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in proof.states.items())
    left = f" {plural(proof.left, 'pair')} left: no time, or a file that cannot be read."
    return (
        f"{plural(proof.verified, 'pair')} verified: {states};"
        f" {seconds(proof.seconds)} of verification per query." + (left if proof.left else "")
    )
