"""Running an evaluation on a library: the scores of all labelled queries, and the results.

Each pair is scored once, with and without the comparator, and timed. Scores of immutable features
may be kept and handed in again as `known`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.distances_pairs import nearest_by_video
from visil_dash.candidates.generation import candidate_videos, frames_within
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.labels.truth import Truth, truth_of
from visil_dash.matching.similarity import chamfer, pair_scores
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
COMPARATOR, CHAMFER = "comparator", "chamfer"


@dataclass(frozen=True)
class Setting:
    """One way to rank: `generation` exhaustive or hierarchical, `scorer` comparator or chamfer.

    `threshold` (squared L2) is that of candidate generation.

    Raises ValueError on other words, or a hierarchical setting without a threshold.
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
            raise ValueError("a threshold belongs to hierarchical search and only to it")

    @property
    def title(self) -> str:
        how = "every video" if self.generation == EXHAUSTIVE else f"within {self.threshold:.4g}"
        scorer = "comparator" if self.scorer == COMPARATOR else "Chamfer alone"
        return f"{scorer}, {how}"


@dataclass(frozen=True)
class ScoredPair:
    """Video-to-video similarity of one ordered pair both ways of scoring, seconds it took."""

    comparator: float
    chamfer: float
    seconds: float
    chamfer_seconds: float


Known = dict[tuple[str, str, str], ScoredPair]  # (extractor, query id, reference id)


@dataclass(frozen=True)
class Outcome:
    """Results of one setting. Seconds are means over queries, pairs a query too."""

    setting: Setting
    tasks: dict[str, TaskResult]
    queries: dict[str, tuple[QueryRow, ...]]
    pairs: float
    candidate_seconds: float
    rerank_seconds: float


@dataclass(frozen=True)
class EvaluationRun:
    """All that one run found. `gains`: mAP of the second setting less the first's, by task.

    `rerank`: of the first exhaustive setting, by task; empty without one. `skipped`: queries and
    references without features or frames, by id with the reason.
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


def run_evaluation(
    bench: Workbench,
    labels: Sequence[Label],
    settings: Sequence[Setting],
    *,
    count_unlabelled: bool = True,
    seed: int = 0,
    rounds: int = 1000,
    known: Known | None = None,
    watch: Watch = UNWATCHED,
) -> EvaluationRun:
    """Evaluates one or two settings on the same labels.

    Raises InputError when the labels leave nothing to find, Cancelled; what was scored until then
    stays in `known`.
    """
    start = time.perf_counter()
    known = {} if known is None else known
    videos = bench.videos()
    have = set(bench.library.features_ids(bench.extractor))
    skipped = {
        v.video_id: f"no features of the model {bench.model.name} yet"
        for v in videos
        if v.video_id not in have
    }
    truth = truth_of(
        labels,
        [v.video_id for v in videos if v.video_id in have],
        count_unlabelled=count_unlabelled,
    )
    if not any(truth.relevant(upto).any() for upto in ("DS", "CS", "IS")):
        raise InputError(
            "The labels",
            "name no pair of this library that a search should find",
            "label matches in the review, or take a file with relations of videos that are here",
        )
    returned, seconds = [], []
    for setting in settings:
        watch.step("Generating candidates", 0.0)
        mask, took = _returned(bench, truth, setting, watch)
        returned.append(mask)
        seconds.append(took)
    scored = _score(bench, truth, np.logical_or.reduce(returned), known, watch)
    watch.step("Measuring", 0.97)
    outcomes = tuple(
        _outcome(truth, setting, mask, took, scored, seed=seed, rounds=rounds)
        for setting, mask, took in zip(settings, returned, seconds, strict=True)
    )
    gains = {}
    if len(outcomes) == 2:
        for task, first in outcomes[0].tasks.items():
            gain = difference(first, outcomes[1].tasks[task], seed=seed, rounds=rounds)
            if gain is not None:
                gains[task] = gain
    curve: dict[str, tuple[RerankPoint, ...]] = {}
    whole = next((s for s in settings if s.generation == EXHAUSTIVE), None)
    if whole is not None:
        ids, vectors = bench.space.snapshot()
        with_features = [v for v in videos if v.video_id in have]
        measuring = watch.part(0.97, 0.99, name="Measuring")
        distances = nearest_by_video(truth.queries, with_features, ids, vectors, watch=measuring)
        table, cost = scored[whole.scorer]
        curve = {
            task: rerank_curve(truth, table, distances, cost, task, seed=seed, rounds=rounds)
            for task in outcomes[0].tasks
        }
    watch.step("Done", 1.0)
    return EvaluationRun(
        truth=truth,
        labels=tuple(labels),
        count_unlabelled=count_unlabelled,
        seed=seed,
        rounds=rounds,
        outcomes=outcomes,
        gains=gains,
        rerank=curve,
        skipped=skipped,
        seconds=time.perf_counter() - start,
    )


def pairs_to_score(
    bench: Workbench, labels: Sequence[Label], *, count_unlabelled: bool = True
) -> int:
    """How many pairs an exhaustive setting compares."""
    have = bench.library.features_ids(bench.extractor)
    return int(truth_of(labels, have, count_unlabelled=count_unlabelled).counted.sum())


def match_table(
    bench: Workbench,
    truth: Truth,
    *,
    known: Known,
    watch: Watch = UNWATCHED,
) -> Array:
    """Video-to-video similarity of every counted pair, `[Q, V]`, NaN elsewhere."""
    scored = _score(bench, truth, truth.counted, known, watch)
    return scored[COMPARATOR][0]


def _returned(
    bench: Workbench,
    truth: Truth,
    setting: Setting,
    watch: Watch,
) -> tuple[Array, float]:
    """Which counted pairs reach the scorer `[Q, V]`, and the seconds a query that took."""
    if setting.threshold is None:
        return truth.counted, 0.0
    names = {v.ordinal: v.video_id for v in bench.videos()}
    aside = aside_ids(bench.library, bench.extractor, names)
    place = {video: i for i, video in enumerate(truth.references)}
    mask = np.zeros(truth.kind.shape, bool)
    took = 0.0
    for i, query in enumerate(truth.queries):
        watch.check()
        vectors = bench.clip(query).features.frame_vectors
        begin = time.perf_counter()
        hits = frames_within(
            bench.space,
            bench.space.reduction(vectors),
            setting.threshold,
            videos=names,
            exclude=query,
            aside=aside,
        )
        found = candidate_videos(hits)
        took += time.perf_counter() - begin
        for candidate in found:
            if candidate.video_id in place:
                mask[i, place[candidate.video_id]] = True
    return mask & truth.counted, took / len(truth.queries)


def _score(
    bench: Workbench,
    truth: Truth,
    wanted: Array,
    known: Known,
    watch: Watch,
) -> dict[str, tuple[Array, Array]]:
    """Scores and seconds `[Q, V]` by scorer, NaN and 0 where not wanted."""
    watch = watch.with_message("The evaluation was stopped; pairs scored so far are kept.")
    shape = truth.kind.shape
    out = {name: (np.full(shape, np.nan), np.zeros(shape)) for name in (COMPARATOR, CHAMFER)}
    total, done = int(wanted.sum()), 0
    for i, query in enumerate(truth.queries):
        asking = bench.clip(query).features if wanted[i].any() else None
        for j in np.flatnonzero(wanted[i]).tolist():
            reference = truth.references[j]
            key = (bench.extractor, query, reference)
            if key not in known:
                watch.check()
                assert asking is not None
                known[key] = _pair(bench, asking.regions, reference)
            pair = known[key]
            out[COMPARATOR][0][i, j], out[COMPARATOR][1][i, j] = pair.comparator, pair.seconds
            out[CHAMFER][0][i, j], out[CHAMFER][1][i, j] = pair.chamfer, pair.chamfer_seconds
            done += 1
            watch.step(f"Comparing pairs, {done:,} of {total:,}", 0.95 * done / total)
    return out


def _pair(bench: Workbench, query: Array, reference: str) -> ScoredPair:
    regions = bench.library.features(reference, extractor=bench.extractor).regions
    begin = time.perf_counter()
    plain = pair_scores(query, regions, compare=None)
    middle = time.perf_counter()
    full = pair_scores(query, regions, compare=bench.model.compare, symmetric=bench.model.symmetric)
    end = time.perf_counter()
    return ScoredPair(full.score, chamfer(plain.forward), end - middle, middle - begin)


def _outcome(
    truth: Truth,
    setting: Setting,
    returned: Array,
    candidate_seconds: float,
    scored: dict[str, tuple[Array, Array]],
    *,
    seed: int,
    rounds: int,
) -> Outcome:
    table, cost = scored[setting.scorer]
    scores = np.where(returned, table, np.nan)
    tasks = task_results(truth, scores, seed=seed, rounds=rounds)
    return Outcome(
        setting=setting,
        tasks=tasks,
        queries={task: query_rows(truth, scores, task) for task in tasks},
        pairs=float(returned.sum(1).mean()),
        candidate_seconds=candidate_seconds,
        rerank_seconds=float(np.where(returned, cost, 0.0).sum(1).mean()),
    )


@dataclass(frozen=True)
class Rate:
    """Mean `seconds` that re-ranking one video took here, over `pairs` pairs of this library."""

    seconds: float
    pairs: int


def measure_rate(
    bench: Workbench, *, pairs: int = 6, budget: float = 2.0, seed: int = 0
) -> Rate | None:
    """Times a few pairs of the library, reading their features included; None without a pair.

    The first pair warms up and does not count. Stops after `budget` seconds.
    """
    have = bench.library.features_ids(bench.extractor)
    if len(have) < 2:
        return None
    rng = np.random.default_rng(seed)
    took: list[float] = []
    end = time.perf_counter() + budget
    for number in range(pairs + 1):
        one, other = rng.choice(len(have), 2, replace=False)
        query = bench.library.features(have[one], extractor=bench.extractor).regions
        begin = time.perf_counter()
        reference = bench.library.features(have[other], extractor=bench.extractor).regions
        pair_scores(query, reference, compare=bench.model.compare, symmetric=bench.model.symmetric)
        if number:
            took.append(time.perf_counter() - begin)
        if took and time.perf_counter() > end:
            break
    return Rate(float(np.mean(took)), len(took))
