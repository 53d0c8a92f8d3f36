"""Evaluating one or two ways of searching on the labelled pairs of a library."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from visil_dash.candidates.distances import nearest_by_video
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.labels.truth import Truth, truth_of
from visil_dash.laboratory.evaluation.proof import ProofOutcome, proof_outcome
from visil_dash.laboratory.evaluation.scores import (
    CHAMFER,
    COMPARATOR,
    Known,
    compared_pairs,
    score_pairs,
)
from visil_dash.metrics.bootstrap import Interval
from visil_dash.metrics.retrieval import (
    QueryRow,
    RerankPoint,
    TaskResult,
    difference,
    query_rows,
    rerank_curve,
    task_results,
)
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.workbench.bench import Workbench

EXHAUSTIVE, HIERARCHICAL = "exhaustive", "hierarchical"
_SCORING, _MEASURING = 0.3, 0.97  # shares of the time: scored until then, verified until then


@dataclass(frozen=True)
class Setting:
    """One way to search: `generation` exhaustive or hierarchical, `scorer` comparator or chamfer.

    `threshold`: squared-L2 distance threshold of candidate generation.

    Raises ValueError on other values, or a hierarchical setting without a threshold.
    """

    generation: str
    scorer: str
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.generation not in (EXHAUSTIVE, HIERARCHICAL):
            raise ValueError(f"generation: got {self.generation!r}")
        if self.scorer not in (COMPARATOR, CHAMFER):
            raise ValueError(f"scorer: got {self.scorer!r}")
        if (self.generation == HIERARCHICAL) != (self.threshold is not None):
            raise ValueError("threshold: needed by hierarchical search, and by no other")

    @property
    def title(self) -> str:
        how = "every video" if self.generation == EXHAUSTIVE else f"within {self.threshold:.4g}"
        scorer = "comparator" if self.scorer == COMPARATOR else "Chamfer alone"
        return f"{scorer}, {how}"


@dataclass(frozen=True)
class Outcome:
    """Results of one setting; `pairs` (compared) and seconds are means over the queries.

    `p50_seconds`, `p95_seconds`: quantiles over the queries of candidates and re-ranking together.
    `proof`: None where nothing was verified: it was not asked for, or no search scores so.
    """

    setting: Setting
    tasks: dict[str, TaskResult]
    queries: dict[str, tuple[QueryRow, ...]]
    pairs: float
    candidate_seconds: float
    rerank_seconds: float
    p50_seconds: float
    p95_seconds: float
    proof: ProofOutcome | None = None


@dataclass(frozen=True)
class EvaluationRun:
    """Results of one run. `gains`: mAP of the second setting minus the first's, by task.

    `rerank`: of the first exhaustive setting, by task; empty without one. `skipped`: reason by id
    for videos without features. `proof_seconds`: that each query had for verification, 0: none.
    """

    truth: Truth
    labels: tuple[Label, ...]
    count_unlabelled: bool
    seed: int
    rounds: int
    outcomes: tuple[Outcome, ...]
    gains: dict[str, Interval]
    rerank: dict[str, tuple[RerankPoint, ...]]
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    proof_seconds: float = 0.0


def run_evaluation(
    bench: Workbench,
    labels: Sequence[Label],
    settings: Sequence[Setting],
    *,
    count_unlabelled: bool = True,
    among: Collection[str] | None = None,
    seed: int = 0,
    rounds: int = 1000,
    proof_seconds: float = 0.0,
    known: Known | None = None,
    watch: Watch = UNWATCHED,
) -> EvaluationRun:
    """Evaluates one or two settings on the same labels.

    `among`: ids of the videos that take part; None: every video with features.
    `proof_seconds`: each query's best matches are verified on the pixels for at most so long (0:
    not at all), and the results by confidence are reported without and with it. Raises InputError
    when no pair is relevant, and Cancelled; pairs scored until then stay in `known`.
    """
    start = time.perf_counter()
    truth, skipped = _labelled_truth(bench, labels, count_unlabelled=count_unlabelled, among=among)
    watch.step("Generating candidates", 0.0)
    compared = [compared_pairs(bench, truth, setting.threshold, watch) for setting in settings]
    scored = score_pairs(
        bench,
        truth,
        np.logical_or.reduce([pairs for pairs, _ in compared]),
        known={} if known is None else known,
        watch=watch.part(0.0, _SCORING) if proof_seconds else watch,
    )
    watch.step("Measuring", _SCORING if proof_seconds else _MEASURING)
    outcomes = tuple(
        _outcome(truth, setting, pairs, seconds, scored, seed=seed, rounds=rounds)
        for setting, (pairs, seconds) in zip(settings, compared, strict=True)
    )
    if proof_seconds:
        outcomes = _verified(
            bench,
            truth,
            outcomes,
            proof_seconds=proof_seconds,
            seed=seed,
            rounds=rounds,
            watch=watch.part(_SCORING, _MEASURING),
        )
    rerank = _rerank_curves(bench, truth, outcomes, scored, seed=seed, rounds=rounds, watch=watch)
    watch.step("Done", 1.0)
    return EvaluationRun(
        truth=truth,
        labels=tuple(labels),
        count_unlabelled=count_unlabelled,
        seed=seed,
        rounds=rounds,
        outcomes=outcomes,
        gains=_gains(outcomes, seed=seed, rounds=rounds),
        rerank=rerank,
        skipped=skipped,
        seconds=time.perf_counter() - start,
        proof_seconds=proof_seconds,
    )


def _rerank_curves(
    bench: Workbench,
    truth: Truth,
    outcomes: Sequence[Outcome],
    scored: dict[str, tuple[Array, Array]],
    *,
    seed: int,
    rounds: int,
    watch: Watch,
) -> dict[str, tuple[RerankPoint, ...]]:
    """Of the first exhaustive setting, by task; empty without one."""
    exhaustive = next((o for o in outcomes if o.setting.generation == EXHAUSTIVE), None)
    if exhaustive is None:
        return {}
    measuring = watch.part(_MEASURING, 0.99, name="Measuring")
    distances = _nearest_frames(bench, truth, measuring)
    table, cost = scored[exhaustive.setting.scorer]
    return {
        task: rerank_curve(truth, table, distances, cost, task, seed=seed, rounds=rounds)
        for task in exhaustive.tasks
    }


def can_be_proved(bench: Workbench, setting: Setting) -> bool:
    """Whether a search scores as the setting does, so that its matches can be verified."""
    return setting.scorer == (CHAMFER if bench.model.compare is None else COMPARATOR)


def _verified(
    bench: Workbench,
    truth: Truth,
    outcomes: tuple[Outcome, ...],
    *,
    proof_seconds: float,
    seed: int,
    rounds: int,
    watch: Watch,
) -> tuple[Outcome, ...]:
    """The outcomes, with what verification adds to those of settings that a search has."""
    done = []
    for number, outcome in enumerate(outcomes):
        if can_be_proved(bench, outcome.setting):
            proof = proof_outcome(
                bench,
                truth,
                threshold=outcome.setting.threshold,
                proof_seconds=proof_seconds,
                seed=seed,
                rounds=rounds,
                watch=watch.part(number / len(outcomes), (number + 1) / len(outcomes)),
            )
            outcome = replace(outcome, proof=proof)
        done.append(outcome)
    return tuple(done)


def _labelled_truth(
    bench: Workbench,
    labels: Sequence[Label],
    *,
    count_unlabelled: bool,
    among: Collection[str] | None,
) -> tuple[Truth, dict[str, str]]:
    """Ground truth among the videos with features, and the reason for each that has none."""
    have = set(bench.library.features_ids(bench.extractor))
    ids = [v.video_id for v in bench.videos()]
    missing = f"no features of the model {bench.model.name} yet"
    skipped = {video: missing for video in ids if video not in have}
    taking = [v for v in ids if v in have and (among is None or v in among)]
    truth = truth_of(labels, taking, count_unlabelled=count_unlabelled)
    if not any(truth.relevant(upto).any() for upto in ("DS", "CS", "IS")):
        raise InputError(
            "The labels",
            "have no relevant pair of this library",
            "label matches in the review, or use a file with relations of videos of this library",
        )
    return truth, skipped


def _nearest_frames(bench: Workbench, truth: Truth, watch: Watch) -> Array:
    """Smallest frame distance of each query to each reference, `[Q, V]`."""
    ids, vectors = bench.space.snapshot()
    references = set(truth.references)
    videos = [v for v in bench.videos() if v.video_id in references]
    return nearest_by_video(truth.queries, videos, ids, vectors, watch=watch)


def _gains(outcomes: Sequence[Outcome], *, seed: int, rounds: int) -> dict[str, Interval]:
    if len(outcomes) != 2:
        return {}
    first, second = (outcome.tasks for outcome in outcomes)
    gains = {
        task: difference(result, second[task], seed=seed, rounds=rounds)
        for task, result in first.items()
    }
    return {task: gain for task, gain in gains.items() if gain is not None}


def _outcome(
    truth: Truth,
    setting: Setting,
    compared: Array,
    candidate_seconds: Array,
    scored: dict[str, tuple[Array, Array]],
    *,
    seed: int,
    rounds: int,
) -> Outcome:
    table, cost = scored[setting.scorer]
    scores = np.where(compared, table, np.nan)
    tasks = task_results(truth, scores, seed=seed, rounds=rounds)
    rerank_seconds = np.where(compared, cost, 0.0).sum(1)
    middle, slow = np.quantile(candidate_seconds + rerank_seconds, (0.5, 0.95))
    return Outcome(
        setting=setting,
        tasks=tasks,
        queries={task: query_rows(truth, scores, task) for task in tasks},
        pairs=float(compared.sum(1).mean()),
        candidate_seconds=float(candidate_seconds.mean()),
        rerank_seconds=float(rerank_seconds.mean()),
        p50_seconds=float(middle),
        p95_seconds=float(slow),
    )
