"""Score a model, searching as the product searches, and the baselines on a set of copies."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.copies.baselines import HASHES, baselines
from benchmarks.copies.evaluate import (
    Found,
    Row,
    against_background,
    reliability_table,
    reliable,
    rows_of,
    table,
)
from benchmarks.copies.siblings import with_siblings
from benchmarks.copies.truth import Query, Truth, read_truth, save_json
from visil_dash.errors import InputError, MediaRefused, StoreError, StoreReadOnly
from visil_dash.matching.confidence import above_background
from visil_dash.matching.rerank import rerank
from visil_dash.media.files import content_hash
from visil_dash.records import WHOLE, JobState, Match, SearchResult
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import Workbench, open_workbench
from visil_dash.workbench.questions import has_match

HIERARCHICAL, EXHAUSTIVE = "hierarchical", "exhaustive"
INSIDE = ", inside the picture"  # parts of the query's picture are searched for as well
AUTO = HIERARCHICAL + ", inside where nothing matches"  # what `search` does by default
WAYS = (HIERARCHICAL, EXHAUSTIVE, HIERARCHICAL + INSIDE, EXHAUSTIVE + INSIDE)
FORWARD = "exhaustive, query → reference alone"  # the score instead of the strength
CHAMFER = "exhaustive, Chamfer alone"  # the same without the comparator
NORMALISED = ", above the background"


@dataclass(frozen=True)
class Timings:
    """Mean seconds a query: reading and extracting it, and each way of searching (`WAYS`).

    Reading the parts of the picture is in the first way that looks inside. `candidates`: mean
    number of videos that the first stage let through.
    """

    reading: float
    searching: dict[str, float]
    candidates: float


def fill(bench: Workbench, paths: list[Path], *, log: Callable[[str], None]) -> dict[str, str]:
    """Take the files into the bench's library; returns why some were refused, by file name.

    Raises StoreReadOnly when another process writes to the library.
    """
    if bench.library.read_only:
        raise StoreReadOnly("The benchmark adds its references: the library must be writable.")
    have = set(bench.library.features_ids(bench.extractor))
    wanted = [path for path in paths if content_hash(path) not in have]
    mine = {job.job_id for job in bench.add_paths(wanted)}
    began = time.monotonic()
    while not bench.worker.wait_idle(10):
        if time.monotonic() - began < 9 and not bench.worker.paused:
            raise StoreError("The library's worker has stopped: see the log, and start again.")
        began = time.monotonic()
        jobs = [job for job in bench.jobs() if job.job_id in mine]
        log(f"references: {sum(job.state.ended for job in jobs)} of {len(jobs)} new ones done")
        if bench.worker.paused:
            raise InputError("library", bench.worker.paused, "make room and start again")
    return {
        job.name: job.reason
        for job in bench.jobs()
        if job.job_id in mine and job.state is not JobState.INDEXED
    }


def search_all(
    bench: Workbench,
    folder: Path,
    truth: Truth,
    files: Mapping[str, str],
    *,
    log: Callable[[str], None],
) -> tuple[dict[str, dict[str, Found]], Timings]:
    """Found of every query by each of `WAYS` and `AUTO`, as strong as the product calls them, and
    by the score of one direction alone; by Chamfer alone if the model has more.

    `files` maps video ids to references. A query that the product refuses has found nothing.
    """
    systems: dict[str, dict[str, Found]] = {way: {} for way in (*WAYS, AUTO, FORWARD)}
    if bench.model.compare is not None:
        systems[CHAMFER] = {}
    measured: list[tuple[float, ...]] = []
    for i, query in enumerate(truth.queries):
        if (i + 1) % 10 == 0:
            log(f"searching {i + 1} of {len(truth.queries)}")
        marks = [time.perf_counter()]
        try:
            clip = bench.open_clip(folder / query.file)
        except MediaRefused as error:
            log(str(error))
            for found in systems.values():
                found[query.file] = Found({}, {}, frozenset())
            continue
        marks.append(time.perf_counter())
        for way in WAYS:
            result = bench.search(clip.query_id, exhaustive=EXHAUSTIVE in way, inside=INSIDE in way)
            systems[way][query.file] = _found(result, files)
            marks.append(time.perf_counter())
            if way == EXHAUSTIVE:
                systems[FORWARD][query.file] = _scores(result.matches, files)
            if way == HIERARCHICAL:
                proposed = len(result.candidates)
                matched = has_match(result, bench.match_score())
        systems[AUTO][query.file] = systems[HIERARCHICAL + ("" if matched else INSIDE)][query.file]
        if CHAMFER in systems:
            systems[CHAMFER][query.file] = _by_chamfer(bench, clip.query_id, files)
        bench.forget_clip(clip.query_id)
        measured.append((*np.diff(marks).tolist(), proposed))
    reading, *searching, candidates = np.mean(measured, axis=0).tolist()
    return systems, Timings(reading, dict(zip(WAYS, searching, strict=True)), candidates)


def _found(result: SearchResult, files: Mapping[str, str]) -> Found:
    matches = [match for match in result.matches if match.video_id in files]
    return Found(
        scores={files[m.video_id]: m.strength for m in matches},
        segments={files[m.video_id]: m.segments for m in matches},
        candidates=frozenset(files[c.video_id] for c in result.candidates if c.video_id in files),
        probabilities={
            files[m.video_id]: m.probability for m in matches if m.probability is not None
        },
        above={files[m.video_id]: above_background(m.strength, result.background) for m in matches},
    )


def _by_chamfer(bench: Workbench, query_id: str, files: Mapping[str, str]) -> Found:
    matches, _skipped = rerank(
        {WHOLE: bench.clip(query_id).features},
        {WHOLE: tuple(files)},
        load=lambda video_id: bench.library.features(video_id, extractor=bench.extractor),
        names=files,
        candidates={},
        compare=None,
        options=bench.options,
        align_top=0,  # segments do not come from the score, and were found above
    )
    return _scores(matches, files)


def _scores(matches: Sequence[Match], files: Mapping[str, str]) -> Found:
    return Found({files[m.video_id]: m.score for m in matches if m.video_id in files})


def worst(queries: tuple[Query, ...], found: Mapping[str, Found]) -> list[dict[str, Any]]:
    """Queries whose answer is not first: what stood above it. For people who look for causes."""
    losses = []
    for query in queries:
        scores = found[query.file].scores
        right = max((scores[c] for c in query.correct if c in scores), default=None)
        skipped = {*query.correct, *query.ignored}
        above = {
            name: round(score, 4)
            for name, score in scores.items()
            if name not in skipped and (right is None or score >= right)
        }
        if query.correct and (right is None or above):
            best = sorted(above.items(), key=lambda item: -item[1])[:3]
            losses.append(
                {
                    "query": query.file,
                    "note": query.note,
                    "source": query.source,
                    "score": right,
                    "above": dict(best),
                }
            )
    return losses


def score(
    folder: Path,
    videos: Path,
    *,
    library: Path,
    model: str,
    teacher: Path | None = None,
    photos: Path | None = None,
    hashes: bool = True,
    siblings: bool = False,
    out: Path | None = None,
    log: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    opened: Workbench | None = None,
) -> list[Row]:
    """Print one table and, with `out`, write all of it as JSON; returns the rows.

    `folder`: a set made by `make` from the clips below `videos`. The references are added to
    `library`, which should hold nothing else. `siblings`: the copies are added as well, and each
    one that shows the same is to be found (see `with_siblings`); of the product alone, without
    baselines. `opened`: a workbench to use instead of opening one.

    Raises InputError when the set or a reference is missing, or the library holds other videos.
    """
    truth = read_truth(folder)
    if missing := [name for name in truth.references if not (videos / name).is_file()]:
        raise InputError(missing[0], f"{len(missing)} references are not below {videos}")
    paths = {name: videos / name for name in truth.references}
    if siblings:
        truth = with_siblings(truth)
        paths |= {query.file: folder / query.file for query in truth.queries}
    ids = {content_hash(path): name for name, path in paths.items()}
    settings = get_settings() if opened is None else opened.settings
    bench = opened or open_workbench(settings=settings, library=library, model=model)
    try:
        refused = fill(bench, list(paths.values()), log=log)
        strangers = [v.name for v in bench.videos() if v.video_id not in ids]
        if strangers:
            raise InputError(
                strangers[0], "the library holds videos that are no references", "give a new folder"
            )
        held = set(bench.library.features_ids(bench.extractor))
        present = {video_id: name for video_id, name in ids.items() if video_id in held}
        found, timings = search_all(bench, folder, truth, present, log=log)
        systems = {f"{bench.model.name}, {mode}": results for mode, results in found.items()}
        identity = {"model": bench.model.name, "extractor": bench.extractor}
        curves = {
            f"{bench.model.name}, {way}": curve
            for way in (*WAYS, AUTO)
            if (curve := reliable(truth.queries, found[way], each=siblings))
        }
    finally:
        if opened is None:
            bench.close()
    if not siblings and (hashes or teacher is not None):
        systems |= baselines(
            folder, videos, truth, teacher=teacher, photos=photos, settings=settings, log=log
        )
    for system in [s for s in systems if s != HASHES]:
        normal = {file: against_background(f) for file, f in systems[system].items()}
        systems[system + NORMALISED] = normal
    rows = [
        row
        for system, results in systems.items()
        for row in rows_of(system, truth.queries, results, each=siblings)
    ]
    for name, reason in refused.items():
        print(f"not in the library: {name}: {reason}")
    print(table(rows))
    print(
        f"\n{len(truth.queries)} queries, {len(paths)} references; a query takes "
        f"{timings.reading:.2f} s to read ({timings.candidates:.1f} candidates), "
        + ", ".join(f"{spent:.3f} s {way}" for way, spent in timings.searching.items())
    )
    for system, curve in curves.items():
        print(f"\n{reliability_table(system, curve)}")
    if out is not None:
        losses = {s: worst(truth.queries, results) for s, results in systems.items()}
        save_json(
            out,
            {
                **identity,
                "rows": [asdict(row) for row in rows],
                "timings": asdict(timings),
                "refused": refused,
                "reliability": {s: [asdict(r) for r in curve] for s, curve in curves.items()},
                "losses": losses,
            },
        )
    return rows
