"""Score a model, searching as the product does, and the baselines on a set of copies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.copies.baselines import HASHES, baselines
from benchmarks.copies.decisions import decision_lines, decisions_of, failures_of
from benchmarks.copies.evaluate import (
    QueryResult,
    Results,
    Row,
    above_own_background,
    reliability_of,
    reliability_table,
    rows_by_part,
    table,
)
from benchmarks.copies.output import Log, log_to_stderr, save_json
from benchmarks.copies.search import AUTO, PROVED, WAYS, Timings, add_references, search_all
from benchmarks.copies.siblings import with_siblings
from benchmarks.copies.truth import Query, Truth, read_truth
from visil_dash.errors import InputError
from visil_dash.matching.confidence import Reliability
from visil_dash.media.files import content_hash
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import Workbench, open_workbench

NORMALISED = ", above the background"


@dataclass(frozen=True)
class Measured:
    """What the product returned: results by system, and what else the report shows of it."""

    systems: dict[str, dict[str, QueryResult]]
    timings: Timings
    refused: dict[str, str]
    reliability: dict[str, tuple[Reliability, ...]]
    model: str
    extractor: str


def worst(queries: Sequence[Query], results: Results) -> list[dict[str, Any]]:
    """Queries whose answer is not ranked first, with what ranks above it, to look for causes."""
    losses = []
    for query in queries:
        scores = results[query.file].scores
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
    product_only: bool = False,
    proof: bool = True,
    siblings: bool = False,
    distractors: Path | None = None,
    out: Path | None = None,
    log: Log = log_to_stderr,
    opened: Workbench | None = None,
) -> list[Row]:
    """Print one table and, with `out`, write everything as JSON; returns the rows.

    `folder`: a set made by `make` from the clips below `videos`. The references are added to
    `library`, which should hold nothing else, and so are `distractors`, a folder of unrelated
    clips. `product_only`: search as `search` does and in no other way, a third of the time; without
    `proof` on no pixels. `siblings`: the copies are added as well, and each one that shows the same
    is to be found (see `with_siblings`), without baselines. `opened`: used instead of opening one.

    Raises InputError when the set or a reference is missing, or the library holds other videos.
    """
    truth, paths = _read_set(folder, videos, siblings=siblings, distractors=distractors)
    settings = get_settings() if opened is None else opened.settings
    bench = opened or open_workbench(settings=settings, library=library, model=model)
    try:
        measured = _measure(
            bench,
            folder,
            truth,
            paths,
            siblings=siblings,
            product_only=product_only,
            proof=proof,
            log=log,
        )
    finally:
        if opened is None:
            bench.close()
    systems = measured.systems
    if not siblings and (hashes or teacher is not None):
        systems |= baselines(
            folder, videos, truth, teacher=teacher, photos=photos, settings=settings, log=log
        )
    systems |= _normalised(systems)
    rows = [
        row
        for system, results in systems.items()
        for row in rows_by_part(system, truth.queries, results, each=siblings)
    ]
    _print_report(measured, rows, queries=len(truth.queries), references=len(paths))
    _print_decisions(measured, truth.queries)
    if out is not None:
        save_json(out, _as_json(measured, rows, truth.queries))
    return rows


def _normalised(systems: Mapping[str, Mapping[str, QueryResult]]) -> dict[str, Any]:
    """Each system once more, with scores above each query's background."""
    return {
        system + NORMALISED: {
            file: replace(above_own_background(result), verdicts=None)
            for file, result in results.items()
        }
        for system, results in systems.items()
        if system != HASHES and not system.endswith(PROVED)
    }


def _read_set(
    folder: Path, videos: Path, *, siblings: bool, distractors: Path | None
) -> tuple[Truth, dict[str, Path]]:
    """The truth of a set, and the files that the library has to hold. Raises InputError."""
    truth = read_truth(folder)
    if missing := [name for name in truth.references if not (videos / name).is_file()]:
        raise InputError(missing[0], f"{len(missing)} references are not below {videos}")
    paths = {name: videos / name for name in truth.references}
    if siblings:
        truth = with_siblings(truth)
        paths |= {query.file: folder / query.file for query in truth.queries}
    if distractors is not None:
        clips = {path.name: path for path in sorted(distractors.glob("*.mp4"))}
        if not clips:
            raise InputError(
                str(distractors), "there is no .mp4 in it", "make them with `distractors` first"
            )
        paths |= clips
    return truth, paths


def _measure(
    bench: Workbench,
    folder: Path,
    truth: Truth,
    paths: Mapping[str, Path],
    *,
    siblings: bool,
    product_only: bool,
    proof: bool,
    log: Log,
) -> Measured:
    """Add the references to the library and search every query. Raises InputError when the
    library holds other videos."""
    ids = {content_hash(path): name for name, path in paths.items()}
    refused = add_references(bench, list(paths.values()), log=log)
    if others := [v.name for v in bench.videos() if v.video_id not in ids]:
        raise InputError(
            others[0], "the library holds videos that are no references", "give a new folder"
        )
    held = set(bench.library.features_ids(bench.extractor))
    present = {video_id: name for video_id, name in ids.items() if video_id in held}
    results, timings = search_all(
        bench, folder, truth, present, product_only=product_only, proof=proof, log=log
    )
    curves = {
        way: reliability_of(truth.queries, results[way], each=siblings)
        for way in (*WAYS, AUTO, PROVED)
        if way in results
    }
    model = bench.model.name
    return Measured(
        systems={f"{model}, {way}": by_query for way, by_query in results.items()},
        timings=timings,
        refused=refused,
        reliability={f"{model}, {way}": curve for way, curve in curves.items() if curve},
        model=model,
        extractor=bench.extractor,
    )


def _print_report(
    measured: Measured, rows: Sequence[Row], *, queries: int, references: int
) -> None:
    for name, reason in measured.refused.items():
        print(f"not in the library: {name}: {reason}")
    print(table(rows))
    timings = measured.timings
    print(
        f"\n{queries} queries, {references} references; a query takes "
        f"{timings.reading:.2f} s to read ({timings.candidates:.1f} candidates), "
        + ", ".join(f"{spent:.3f} s {way}" for way, spent in timings.searching.items())
    )
    for system, curve in measured.reliability.items():
        print(f"\n{reliability_table(system, curve)}")


def _print_decisions(measured: Measured, queries: Sequence[Query]) -> None:
    for system, results in measured.systems.items():
        found = decisions_of(queries, results)
        if found is not None:
            print(f"\n{decision_lines(system, found)}")


def _as_json(measured: Measured, rows: Iterable[Row], queries: Sequence[Query]) -> dict[str, Any]:
    return {
        "model": measured.model,
        "extractor": measured.extractor,
        "rows": [asdict(row) for row in rows],
        "timings": asdict(measured.timings),
        "refused": measured.refused,
        "reliability": {s: [asdict(r) for r in c] for s, c in measured.reliability.items()},
        "failures": {
            system: [asdict(failure) for failure in failures_of(queries, results)]
            for system, results in measured.systems.items()
            if decisions_of(queries, results) is not None
        },
        "losses": {s: worst(queries, results) for s, results in measured.systems.items()},
    }
