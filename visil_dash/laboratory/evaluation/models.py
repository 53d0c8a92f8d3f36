"""Two models on the same labels: the same videos, the same pairs, each with its own thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass

from visil_dash.labels.label import Label
from visil_dash.laboratory.evaluation.proof import RECALL_PRECISION
from visil_dash.laboratory.evaluation.run import (
    HIERARCHICAL,
    EvaluationRun,
    Outcome,
    Setting,
    run_evaluation,
)
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR, Known
from visil_dash.metrics.bootstrap import Interval
from visil_dash.metrics.retrieval import TaskResult, difference
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.workbench.bench import Workbench


@dataclass(frozen=True)
class ModelComparison:
    """`first` and `second`: the runs of the two `models`, each of one setting.

    `gains`: mAP of the second minus that of the first by task, paired by query. `left_out`: videos
    that lack features of one of them, which take no part in either run.
    """

    models: tuple[str, str]
    first: EvaluationRun
    second: EvaluationRun
    gains: dict[str, Interval]
    left_out: int

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        return self.first.outcomes[0], self.second.outcomes[0]


@dataclass(frozen=True)
class MetricRow:
    """A metric of both models; None where it has no value. `gain`: second minus first.

    `better`: 1 where more is better, -1 where less is, 0 where neither is.
    """

    name: str
    first: Interval | None
    second: Interval | None
    gain: Interval | None
    better: int


@dataclass(frozen=True)
class QueryGain:
    """Average precisions of one query by both models."""

    query: str
    first: float
    second: float

    @property
    def gain(self) -> float:
        return self.second - self.first


def own_setting(bench: Workbench, generation: str) -> Setting:
    """As a search with this model works: its comparator, if it has one, and its threshold."""
    scorer = CHAMFER if bench.model.compare is None else COMPARATOR
    return Setting(generation, scorer, bench.threshold() if generation == HIERARCHICAL else None)


def compare_models(
    first: Workbench,
    second: Workbench,
    labels: Sequence[Label],
    generation: str,
    *,
    count_unlabelled: bool = True,
    seed: int = 0,
    rounds: int = 1000,
    known: Known | None = None,
    watch: Watch = UNWATCHED,
) -> ModelComparison:
    """Evaluates both on the videos that have features of both; `generation`: see run.Setting.

    Raises InputError when no relevant pair is left, and Cancelled; pairs scored until then stay in
    `known`.
    """
    read = [set(bench.library.features_ids(bench.extractor)) for bench in (first, second)]
    both = read[0] & read[1]
    known = {} if known is None else known
    one, other = (
        run_evaluation(
            bench,
            labels,
            [own_setting(bench, generation)],
            count_unlabelled=count_unlabelled,
            among=both,
            seed=seed,
            rounds=rounds,
            known=known,
            watch=watch.part(start, start + 0.5, prefix=f"{bench.model.name}: "),
        )
        for bench, start in ((first, 0.0), (second, 0.5))
    )
    results, others = one.outcomes[0].tasks, other.outcomes[0].tasks
    gains = {
        task: gain
        for task, result in results.items()
        if (gain := difference(result, others[task], seed=seed, rounds=rounds)) is not None
    }
    return ModelComparison(
        (first.model.name, second.model.name), one, other, gains, len(first.videos()) - len(both)
    )


def metric_rows(comparison: ModelComparison, task: str) -> tuple[MetricRow, ...]:
    """The metrics of one task, side by side. Times are in seconds per query."""
    one, other = comparison.outcomes
    a, b = one.tasks[task], other.tasks[task]
    precise = f"Recall at {100 * RECALL_PRECISION:.0f} % precision"
    gain = comparison.gains.get(task)
    return (
        MetricRow("mAP", a.mean_average_precision, b.mean_average_precision, gain, 1),
        _row("uAP", a.micro_average_precision, b.micro_average_precision, 1),
        _row(precise, _recall(a), _recall(b), 1),
        _row("Compared per query", _exact(one.pairs), _exact(other.pairs), 0),
        _row("Latency p50", _exact(one.p50_seconds), _exact(other.p50_seconds), -1),
        _row("Latency p95", _exact(one.p95_seconds), _exact(other.p95_seconds), -1),
    )


def _row(name: str, first: Interval | None, second: Interval | None, better: int) -> MetricRow:
    gain = None
    if first is not None and second is not None:
        gain = _exact(second.value - first.value)
    return MetricRow(name, first, second, gain, better)


def _recall(result: TaskResult) -> Interval | None:
    point = result.curve.at_precision(RECALL_PRECISION)
    return None if point is None else _exact(point.recall)


def _exact(value: float) -> Interval:
    return Interval(value, None, None)


def query_gains(comparison: ModelComparison, task: str) -> tuple[QueryGain, ...]:
    """Queries of both runs, those with the greatest difference first."""
    a, b = (outcome.tasks[task].average_precisions for outcome in comparison.outcomes)
    rows = [QueryGain(query, a[query], b[query]) for query in a if query in b]
    return tuple(sorted(rows, key=lambda row: -abs(row.gain)))
