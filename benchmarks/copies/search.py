"""Search the queries of a set in a library of the references, in each way that the product has."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    Reading the parts of the picture counts towards the first way that searches inside it.
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


def search_all(
    bench: Workbench, folder: Path, truth: Truth, files: Mapping[str, str], *, log: Log
) -> tuple[dict[str, dict[str, QueryResult]], Timings]:
    """Results of every query by each of `WAYS` and `AUTO`, with the product's strengths; by the
    score of one direction alone; and by Chamfer alone if the model has a comparator.

    `files` maps video ids to references. A query that the product refuses has an empty result.
    """
    systems: dict[str, dict[str, QueryResult]] = {way: {} for way in (*WAYS, AUTO, PROVED, FORWARD)}
    if bench.model.compare is not None:
        systems[CHAMFER] = {}
    measured: list[tuple[float, ...]] = []
    for number, query in enumerate(truth.queries, 1):
        if number % 10 == 0:
            log(f"searching {number} of {len(truth.queries)}")
        began = time.perf_counter()
        try:
            clip = bench.open_clip(folder / query.file)
        except MediaRefused as error:
            log(str(error))
            results = dict.fromkeys(systems, QueryResult({}, {}, frozenset()))
        else:
            reading = time.perf_counter() - began
            results, searching, candidates = _search(bench, clip.query_id, files)
            measured.append((reading, *searching, candidates))
            bench.forget_clip(clip.query_id)
        for system, by_query in systems.items():
            by_query[query.file] = results[system]
    return systems, _mean_timings(measured)


def _mean_timings(measured: Sequence[tuple[float, ...]]) -> Timings:
    reading, *searching, candidates = np.mean(measured, axis=0).tolist()
    return Timings(reading, dict(zip((*WAYS, PROVED), searching, strict=True)), candidates)


def _search(
    bench: Workbench, query_id: str, files: Mapping[str, str]
) -> tuple[dict[str, QueryResult], list[float], int]:
    """Results of one query by system, seconds of each of `WAYS` and of
    verification, and the number of candidates."""
    results: dict[str, QueryResult] = {}
    raw: dict[str, SearchResult] = {}
    seconds = []
    for way in WAYS:
        began = time.perf_counter()
        raw[way] = bench.search(query_id, exhaustive=EXHAUSTIVE in way, inside=INSIDE in way)
        results[way] = _query_result(raw[way], files)
        seconds.append(time.perf_counter() - began)
    best = raw[HIERARCHICAL if has_match(raw[HIERARCHICAL]) else HIERARCHICAL + INSIDE]
    results[AUTO] = _query_result(best, files)
    began = time.perf_counter()
    results[PROVED] = _by_probability(_query_result(prove(bench, best, seconds=np.inf), files))
    seconds.append(time.perf_counter() - began)
    results[FORWARD] = _scores(raw[EXHAUSTIVE].matches, files)
    if bench.model.compare is not None:
        results[CHAMFER] = _by_chamfer(bench, query_id, files)
    return results, seconds, len(raw[HIERARCHICAL].candidates)


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
        candidates=frozenset(files[c.video_id] for c in result.candidates if c.video_id in files),
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
