"""Recall of the labelled copies among what a search re-ranks under its budget."""

from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.labels.label import Upto
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import plural
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import facts
from visil_dash.ui.threshold.labels_in_use import LabelSet

if TYPE_CHECKING:  # it imports services, which takes seconds
    from visil_dash.laboratory.evaluation.scores import BudgetRecall


def draw_budget(given: LabelSet, threshold: float) -> None:
    """Searches the candidates of every labelled query at this threshold, once it is asked for."""
    bench = backend.workbench()
    upto: Upto = st.session_state.get(state.LABELS_UPTO) or "DS"
    key = ("budget", *backend.task_scope(), bench.space.version, given.digest, upto, threshold)
    task = backend.tasks().get(key)
    st.markdown("**Under the budget of a search**")
    if task is None:
        st.button(
            "Measure recall at the budget",
            icon=":material/speed:",
            key="measure_budget",
            on_click=_measure,
            args=(key, given, threshold, upto),
            help="Finds the candidates of every labelled query at this threshold, and counts the"
            " copies among those of most evidence, which a search re-ranks",
        )
        return
    if finished(task, title="Measuring recall at the budget", name=given.title):
        _draw(task.result)


def _measure(key: tuple[str | int | float, ...], given: LabelSet, at: float, upto: Upto) -> None:
    from visil_dash.laboratory.evaluation.scores import budget_recall

    bench, truth = backend.workbench(), given.truth

    def work(watch: Watch) -> "BudgetRecall":
        return budget_recall(bench, truth, at, upto=upto, watch=watch)

    backend.tasks().start(key, work)


def _draw(result: "BudgetRecall") -> None:
    budget = "all" if not result.budget else f"{result.budget:,}"
    facts(
        {
            "Among the candidates": f"{result.candidates:,} of {result.copies:,}",
            "Among the re-ranked": f"{result.reranked:,} of {result.copies:,}",
            "Candidates per query": f"{result.mean_candidates:,.1f}",
            "Re-ranked per query": f"{result.mean_reranked:,.1f}",
        }
    )
    st.caption(
        f"{plural(result.copies, 'labelled copy', 'labelled copies')}; a search re-ranks {budget}"
        " candidates, those of most evidence first."
    )
