"""Scores of labelled pairs: which pairs a search compares, their similarity, and the time it takes.

A pair is scored once, with and without the comparator, and timed. Features never change, so scores
can be kept and passed again as `known`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.candidates.generation import library_candidates
from visil_dash.labels.label import Label, Upto
from visil_dash.labels.truth import Truth, truth_of
from visil_dash.matching.similarity import chamfer, pair_scores
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.search import within_budget

COMPARATOR, CHAMFER = "comparator", "chamfer"
_RATE_PAIRS, _RATE_SECONDS = 6, 2.0


@dataclass(frozen=True)
class _PairScores:
    """Video-to-video similarity of one ordered pair with either scorer, and the seconds each took.

    `seconds` belongs to `comparator`.
    """

    comparator: float
    chamfer: float
    seconds: float
    chamfer_seconds: float


Known = dict[tuple[str, str, str], _PairScores]  # (extractor, query id, reference id)


def pairs_to_score(
    bench: Workbench, labels: Sequence[Label], *, count_unlabelled: bool = True
) -> int:
    """How many pairs an exhaustive setting compares."""
    have = bench.library.features_ids(bench.extractor)
    return int(truth_of(labels, have, count_unlabelled=count_unlabelled).counted.sum())


def match_table(bench: Workbench, truth: Truth, *, known: Known, watch: Watch = UNWATCHED) -> Array:
    """Video-to-video similarity of every counted pair, `[Q, V]`, NaN elsewhere."""
    scored = score_pairs(bench, truth, truth.counted, known=known, watch=watch)
    return scored[COMPARATOR][0]


def compared_pairs(
    bench: Workbench, truth: Truth, threshold: float | None, watch: Watch
) -> tuple[Array, Array]:
    """Counted pairs that a search re-ranks under the settings' budget, bool `[Q, V]`, and seconds
    of candidates `[Q]`.

    `threshold` None: an exhaustive search, which compares them all.
    """
    if threshold is None:
        return truth.counted, np.zeros(len(truth.queries))
    place = {video: i for i, video in enumerate(truth.references)}
    compared = np.zeros(truth.kind.shape, bool)
    seconds = np.zeros(len(truth.queries))
    for i, query in enumerate(truth.queries):
        watch.check()
        features = bench.clip(query).features
        start = time.perf_counter()
        proposed = library_candidates(
            features, threshold, library=bench.library, view=bench.space.view()
        )
        candidates = within_budget(proposed, bench.settings.rerank_budget or None)
        seconds[i] = time.perf_counter() - start
        for candidate in candidates:
            if candidate.video_id in place:
                compared[i, place[candidate.video_id]] = True
    return compared & truth.counted, seconds


@dataclass(frozen=True)
class BudgetRecall:
    """Of `copies` labelled as such, how many are `candidates` at a distance threshold, and how many
    of them are `reranked` under the `budget` (0: none is set); means per query of all videos."""

    copies: int
    candidates: int
    reranked: int
    budget: int
    mean_candidates: float
    mean_reranked: float


def budget_recall(
    bench: Workbench, truth: Truth, threshold: float, *, upto: Upto, watch: Watch = UNWATCHED
) -> BudgetRecall:
    """What a search re-ranks of the labelled queries' copies (see Truth.relevant). Raises
    Cancelled."""
    budget, relevant = bench.settings.rerank_budget, truth.relevant(upto)
    found, first, proposed, taken = 0, 0, [], []
    for i, query in enumerate(truth.queries):
        watch.count("Finding candidates", i, len(truth.queries))
        features, view = bench.clip(query).features, bench.space.view()
        every = library_candidates(features, threshold, library=bench.library, view=view)
        candidates = [c.video_id for c in every]
        affordable = candidates[:budget] if budget else candidates
        copies = {truth.references[j] for j in np.flatnonzero(relevant[i]).tolist()}
        found += len(copies.intersection(candidates))
        first += len(copies.intersection(affordable))
        proposed.append(len(candidates))
        taken.append(len(affordable))
    return BudgetRecall(
        copies=int(relevant.sum()),
        candidates=found,
        reranked=first,
        budget=budget,
        mean_candidates=float(np.mean(proposed or [0])),
        mean_reranked=float(np.mean(taken or [0])),
    )


def score_pairs(
    bench: Workbench, truth: Truth, wanted: Array, *, known: Known, watch: Watch
) -> dict[str, tuple[Array, Array]]:
    """Scores and seconds `[Q, V]` of the `wanted` pairs, by scorer; NaN and 0 elsewhere.

    Raises Cancelled; `known` then keeps the pairs that were scored.
    """
    watch = watch.with_message("The evaluation was stopped; pairs scored so far are kept.")
    shape = truth.kind.shape
    out = {name: (np.full(shape, np.nan), np.zeros(shape)) for name in (COMPARATOR, CHAMFER)}
    total, done = int(wanted.sum()), 0
    for i, query in enumerate(truth.queries):
        features = bench.clip(query).features if wanted[i].any() else None
        for j in np.flatnonzero(wanted[i]).tolist():
            reference = truth.references[j]
            key = (bench.extractor, query, reference)
            if key not in known:
                watch.check()
                assert features is not None
                known[key] = _score_pair(bench, features.regions, reference)
            pair = known[key]
            out[COMPARATOR][0][i, j], out[COMPARATOR][1][i, j] = pair.comparator, pair.seconds
            out[CHAMFER][0][i, j], out[CHAMFER][1][i, j] = pair.chamfer, pair.chamfer_seconds
            done += 1
            watch.step(f"Comparing pairs, {done:,} of {total:,}", 0.95 * done / total)
    return out


def _score_pair(bench: Workbench, query: Array, reference: str) -> _PairScores:
    regions = bench.library.features(reference, extractor=bench.extractor).regions
    begin = time.perf_counter()
    plain = pair_scores(query, regions)
    middle = time.perf_counter()
    full = pair_scores(query, regions, bench.model.scorer)
    end = time.perf_counter()
    return _PairScores(full.score, chamfer(plain.forward), end - middle, middle - begin)


@dataclass(frozen=True)
class RerankRate:
    """Mean seconds for re-ranking one video here, measured on `pairs` pairs of this library."""

    seconds: float
    pairs: int


def measure_rerank_rate(bench: Workbench) -> RerankRate | None:
    """Times a few pairs of the library, including reading their features; None without a pair.

    The first pair is a warm-up and does not count. Stops after _RATE_SECONDS.
    """
    have = bench.library.features_ids(bench.extractor)
    if len(have) < 2:
        return None
    rng = np.random.default_rng(0)
    seconds: list[float] = []
    end = time.perf_counter() + _RATE_SECONDS
    for number in range(_RATE_PAIRS + 1):
        one, other = rng.choice(len(have), 2, replace=False)
        query = bench.library.features(have[one], extractor=bench.extractor).regions
        begin = time.perf_counter()
        reference = bench.library.features(have[other], extractor=bench.extractor).regions
        pair_scores(query, reference, bench.model.scorer)
        if number:
            seconds.append(time.perf_counter() - begin)
        if seconds and time.perf_counter() > end:
            break
    return RerankRate(float(np.mean(seconds)), len(seconds))
