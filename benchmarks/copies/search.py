"""Search the queries of a set in a library of the references, in each way that the product has."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.copies.evaluate import QueryResult
from benchmarks.copies.output import Log
from benchmarks.copies.truth import Truth
from visil_dash.errors import InputError, MediaRefused, StoreError, StoreReadOnly
from visil_dash.matching.confidence import above_background
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import Scorer
from visil_dash.matching.verdict import verdict_of
from visil_dash.media.files import content_hash
from visil_dash.records import WHOLE, JobState, Match, SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.proving import prove
from visil_dash.workbench.questions import has_match

HIERARCHICAL, EXHAUSTIVE = "hierarchical", "exhaustive"
INSIDE = ", inside the picture"  # parts of the query's picture are searched as well
AUTO = HIERARCHICAL + ", inside where nothing matches"  # the default of `search`
PROVED = AUTO + ", proved on the pixels"
WAYS = (HIERARCHICAL, EXHAUSTIVE, HIERARCHICAL + INSIDE, EXHAUSTIVE + INSIDE)
FORWARD = "exhaustive, query → reference alone"  # the score instead of the strength
CHAMFER = "exhaustive, Chamfer alone"  # the same without the comparator


@dataclass(frozen=True)
class Timings:
    """Mean seconds per query: reading and extraction, each way of searching, and verification.

    Reading the parts of the picture counts towards the first way that searches inside it, and
    verification towards PROVED.
    `candidates`: mean number of candidate videos.
    """

    reading: float
    searching: dict[str, float]
    candidates: float


def add_references(bench: Workbench, paths: list[Path], *, log: Log) -> dict[str, str]:
    """Add the files to the library; returns the refused ones by name, with the reason.

    Raises StoreReadOnly when another process writes to the library.
    """
    if bench.library.read_only:
        raise StoreReadOnly("The benchmark adds its references: the library must be writable.")
    present = set(bench.library.features_ids(bench.extractor))
    missing = [path for path in paths if content_hash(path) not in present]
    added = {job.job_id for job in bench.add_paths(missing)}
    began = time.monotonic()
    while not bench.worker.wait_idle(10):
        if time.monotonic() - began < 9 and not bench.worker.paused:
            raise StoreError("The library's worker has stopped: see the log, and start again.")
        began = time.monotonic()
        jobs = [job for job in bench.jobs() if job.job_id in added]
        log(f"references: {sum(job.state.ended for job in jobs)} of {len(jobs)} new ones done")
        if bench.worker.paused:
            raise InputError("library", bench.worker.paused, "make room and start again")
    return {
        job.name: job.reason
        for job in bench.jobs()
        if job.job_id in added and job.state is not JobState.INDEXED
    }


@dataclass(frozen=True)
class _Searched:
    """Of one query: results by system, seconds by way, and the number of candidates."""

    results: dict[str, QueryResult]
    seconds: dict[str, float]
    candidates: int


def search_all(
    bench: Workbench,
    folder: Path,
    truth: Truth,
    files: Mapping[str, str],
    *,
    product_only: bool = False,
    proof: bool = True,
    log: Log,
) -> tuple[dict[str, dict[str, QueryResult]], Timings]:
    """Results of every query by `AUTO` and `PROVED`; unless `product_only` by each of `WAYS` as
    well, by the score of one direction alone, and by Chamfer alone if the model has a comparator.
    Not by `PROVED` without `proof`.

    `files` maps video ids to references. A query that the product refuses has an empty result.
    """
    search = partial(_as_product if product_only else _in_every_way, proof=proof)
    measured: list[tuple[float, _Searched]] = []
    by_query: dict[str, dict[str, QueryResult]] = {}
    for number, query in enumerate(truth.queries, 1):
        if number % 10 == 0:
            log(f"searching {number} of {len(truth.queries)}")
        began = time.perf_counter()
        try:
            clip = bench.open_clip(folder / query.file)
        except MediaRefused as error:
            log(str(error))
            by_query[query.file] = {}
            continue
        reading = time.perf_counter() - began
        found = search(bench, clip.query_id, files)
        measured.append((reading, found))
        by_query[query.file] = found.results
        bench.forget_clip(clip.query_id)
    nothing = QueryResult({}, {}, frozenset(), verdicts={}, proofs={})
    systems = {
        system: {file: results.get(system, nothing) for file, results in by_query.items()}
        for system in measured[0][1].results
    }
    return systems, _mean_timings(measured)


def _mean_timings(measured: Sequence[tuple[float, _Searched]]) -> Timings:
    return Timings(
        reading=float(np.mean([reading for reading, _ in measured])),
        searching={
            way: float(np.mean([found.seconds[way] for _, found in measured]))
            for way in measured[0][1].seconds
        },
        candidates=float(np.mean([found.candidates for _, found in measured])),
    )


def _as_product(
    bench: Workbench, query_id: str, files: Mapping[str, str], *, proof: bool
) -> _Searched:
    """As the command `search` does."""
    began = time.perf_counter()
    first = bench.search(query_id)
    best = first if has_match(first) else bench.search(query_id, inside=True)
    searched = time.perf_counter()
    if not proof:
        return _Searched(
            {AUTO: _query_result(best, files)}, {AUTO: searched - began}, len(first.candidates)
        )
    proved = prove(bench, best, seconds=np.inf)
    return _Searched(
        {
            AUTO: _query_result(best, files),
            PROVED: _by_probability(_query_result(proved, files)),
        },
        {AUTO: searched - began, PROVED: time.perf_counter() - searched},
        len(first.candidates),
    )


def _in_every_way(
    bench: Workbench, query_id: str, files: Mapping[str, str], *, proof: bool
) -> _Searched:
    results: dict[str, QueryResult] = {}
    raw: dict[str, SearchResult] = {}
    seconds = {}
    for way in WAYS:
        began = time.perf_counter()
        raw[way] = bench.search(query_id, exhaustive=EXHAUSTIVE in way, inside=INSIDE in way)
        results[way] = _query_result(raw[way], files)
        seconds[way] = time.perf_counter() - began
    product = _as_product(bench, query_id, files, proof=proof)
    results |= product.results
    results[FORWARD] = _scores(raw[EXHAUSTIVE].matches, files)
    if bench.model.compare is not None:
        results[CHAMFER] = _by_chamfer(bench, query_id, files)
    return _Searched(results, seconds | product.seconds, product.candidates)


def _by_probability(result: QueryResult) -> QueryResult:
    """The result with log odds as scores: what strength and proof say together."""
    assert result.probabilities is not None
    odds = {name: np.log(p / (1 - p)) for name, p in result.probabilities.items()}
    # Equal odds are ordered by strength.
    return replace(
        result, scores={name: odds[name] + 1e-3 * result.scores[name] for name in odds}, above=None
    )


def _query_result(result: SearchResult, files: Mapping[str, str]) -> QueryResult:
    matches = [match for match in result.matches if match.video_id in files]
    return QueryResult(
        scores={files[m.video_id]: m.strength for m in matches},
        segments={files[m.video_id]: m.segments for m in matches},
        candidates=frozenset(
            files[c.video_id] for c in result.candidates[: result.reranked] if c.video_id in files
        ),
        among=frozenset(files.values()),
        probabilities={
            files[m.video_id]: m.probability for m in matches if m.probability is not None
        },
        above={files[m.video_id]: above_background(m.strength, result.background) for m in matches},
        verdicts={files[m.video_id]: verdict_of(m) for m in matches},
        proofs={files[m.video_id]: m.proof.state for m in matches if m.proof is not None},
    )


def _by_chamfer(bench: Workbench, query_id: str, files: Mapping[str, str]) -> QueryResult:
    matches, _skipped = rerank(
        {WHOLE: bench.clip(query_id).features},
        {WHOLE: tuple(files)},
        load=lambda video_id: bench.library.features(video_id, extractor=bench.extractor),
        names=files,
        candidates={},
        scorer=Scorer(),
        options=bench.options,
        align_top=0,  # the segments do not depend on the score
    )
    return _scores(matches, files)


def _scores(matches: Sequence[Match], files: Mapping[str, str]) -> QueryResult:
    return QueryResult({files[m.video_id]: m.score for m in matches if m.video_id in files})
