"""Running an evaluation in the background."""

from dataclasses import dataclass
from typing import Any

from visil_dash.labels.truth import labels_digest
from visil_dash.laboratory.evaluation.manifest import (
    EvaluationPlan,
    evaluation_report,
    report_text,
)
from visil_dash.laboratory.evaluation.run import EvaluationRun, run_evaluation
from visil_dash.laboratory.evaluation.scores import Known
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Key, Task
from visil_dash.ui.threshold.scoring import known_scores


@dataclass(frozen=True)
class Evaluated:
    """A run, and its report as it was when the run ended, and as a file."""

    run: EvaluationRun
    report: dict[str, Any]
    text: str


def evaluation_task(plan: EvaluationPlan, *, again: bool = False, anew: bool = False) -> Task:
    """Evaluates in the background; `result` is an Evaluated. `anew`: uses no cached score."""
    bench = backend.workbench()
    known: Known = {} if anew else known_scores()

    def work(watch: Watch) -> Evaluated:
        run = run_evaluation(
            bench,
            plan.labels,
            plan.settings,
            count_unlabelled=plan.count_unlabelled,
            seed=plan.seed,
            rounds=plan.rounds,
            proof_seconds=plan.proof_seconds,
            known=known,
            watch=watch,
        )
        report = evaluation_report(bench, run)
        return Evaluated(run, report, report_text(report))

    return backend.tasks().start(_key(plan), work, again=again)


def known_evaluation_task(plan: EvaluationPlan) -> Task | None:
    """The task of this evaluation; None when it was not started."""
    return backend.tasks().get(_key(plan))


def _key(plan: EvaluationPlan) -> Key:
    bench = backend.workbench()
    return (
        "evaluate",
        str(bench.library.folder),
        bench.extractor,
        labels_digest(plan.labels),
        plan.settings,
        plan.count_unlabelled,
        plan.seed,
        plan.rounds,
        plan.proof_seconds,
    )
