"""The proof of the pair on the Compare page: made in the background, then shown."""

import streamlit as st

from visil_dash.records import Comparison
from visil_dash.ui.compare.tasks import proof_task
from visil_dash.ui.pair.proof import draw_proof_of
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import percent


def draw_proof(pair: Comparison) -> None:
    """The proof; while it is made, its progress."""
    if pair.proof is not None:
        draw_proof_of(pair.query, pair.reference, pair.proof)
    elif backend.workbench().settings.proof_seconds:
        task = proof_task(pair.query, pair.reference)
        if task.ended and task.error is not None:
            show_error(task.error)
        else:
            _watch(task)  # also where it has ended since the pair was drawn


@fragment(run_every=0.5)
def _watch(task: Task) -> None:
    if task.ended:
        st.rerun()
    with st.container(border=True, key="proving"):
        st.progress(task.share, text=f"Verifying on the pixels: {task.what}, {percent(task.share)}")
