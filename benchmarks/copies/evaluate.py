"""From the results of systems to the table: one row per system, then its kinds and strengths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.copies.truth import Query
from visil_dash.edits.kinds import KINDS, STRENGTHS
from visil_dash.matching.confidence import (
    Reliability,
    above_background,
    background,
    calibration_error,
    reliability,
)
from visil_dash.metrics.ranking import (
    ScoredPairs,
    as_judged,
    mean_average_precision,
    micro_average_precision,
    recall_at_k,
    recall_at_precision,
    segment_agreement,
)
from visil_dash.records import ProofState, Segment, Verdict

ANSWER = "the answer"
PRECISION = 0.9  # at which recall is reported


@dataclass(frozen=True)
class QueryResult:
    """What a system returned for one query.

    `scores`: of every reference returned. `segments`: of those that it aligned; None: it does not
    align. `candidates`: what its first stage passed on to the second; None: it has no such stage.
    `among`: names of all videos that it searched; None: unknown.
    `probabilities`, `above`: reported beside the scores, the latter above the query's background;
    None: it reports none. `verdicts`: of every reference returned, and `proofs` of those that were
    verified on the pixels; None: it decides nothing.
    """

    scores: Mapping[str, float]
    segments: Mapping[str, tuple[Segment, ...]] | None = None
    candidates: frozenset[str] | None = None
    probabilities: Mapping[str, float] | None = None
    above: Mapping[str, float] | None = None
    verdicts: Mapping[str, Verdict] | None = None
    proofs: Mapping[str, ProofState] | None = None
    among: frozenset[str] | None = None


Results = Mapping[str, QueryResult]  # by the query's file


@dataclass(frozen=True)
class Row:
    """Figures of one system over some of the queries; None where a figure has no meaning.

    `segment_f1`: mean over queries with an answer, zero if the source was not returned or aligned.
    `candidate_recall`: share of queries with an answer whose first stage passed on a right one;
    `admitted`: share of the unrelated videos that it passed on, mean over the queries.
    `threshold`: score at which recall is reported.
    """

    system: str
    part: str
    queries: int
    mean_ap: float
    micro_ap: float
    recall_at_1: float
    recall_at_precision: float | None
    threshold: float | None
    segment_f1: float | None
    candidate_recall: float | None
    admitted: float | None


def above_own_background(result: QueryResult) -> QueryResult:
    """The result with its scores above the background in place of its scores: those that the
    system reported, or else computed from the scores returned."""
    if result.above is not None:
        return replace(result, scores=result.above)
    level = background(np.array(list(result.scores.values())))
    above = {name: above_background(score, level) for name, score in result.scores.items()}
    return replace(result, scores=above)


def counted(
    query: Query, scores: Mapping[str, float], *, each: bool
) -> Iterator[tuple[str, float]]:
    """Names and scores that count in the figures; ignored references are left out.

    Unless `each` right answer counts by itself, they count together as ANSWER, with the best of
    their scores: a query need not find a copy of its source that lacks the part it shows.
    """
    right = {name: scores[name] for name in query.correct if name in scores}
    if each:
        yield from right.items()
    elif right:
        yield ANSWER, max(right.values())
    skipped = {*query.correct, *query.ignored}
    yield from ((name, score) for name, score in scores.items() if name not in skipped)


def answers(query: Query, *, each: bool) -> set[str]:
    """The right ones among the names that `counted` yields."""
    if each:
        return set(query.correct)
    return {ANSWER} if query.correct else set()


def pairs_of(queries: Sequence[Query], results: Results, *, each: bool = False) -> ScoredPairs:
    rows = [
        (query.file, name, score)
        for query in queries
        for name, score in counted(query, results[query.file].scores, each=each)
    ]
    return as_judged(rows, {query.file: answers(query, each=each) for query in queries})


def _segment_f1(queries: Sequence[Query], results: Results) -> float | None:
    values = []
    for query in queries:
        aligned = results[query.file].segments
        if aligned is None:
            return None
        if query.segments:
            values.append(segment_agreement(aligned.get(query.source, ()), query.segments).f1)
    return float(np.mean(values)) if values else None


def _candidate_recall(queries: Sequence[Query], results: Results) -> float | None:
    values = []
    for query in queries:
        candidates = results[query.file].candidates
        if candidates is None:
            return None
        if query.correct:
            values.append(bool(candidates & set(query.correct)))
    return float(np.mean(values)) if values else None


def _admitted(queries: Sequence[Query], results: Results) -> float | None:
    shares = []
    for query in queries:
        result = results[query.file]
        if result.candidates is None:
            return None
        unrelated = (result.among or frozenset()) - {*query.correct, *query.ignored}
        if unrelated:
            shares.append(len(result.candidates & unrelated) / len(unrelated))
    return float(np.mean(shares)) if shares else None


def row(
    system: str,
    part: str,
    queries: Sequence[Query],
    results: Results,
    *,
    each: bool = False,
) -> Row | None:
    """Figures over the queries (`each`: see `counted`); None when none of them has an answer."""
    if not any(query.correct for query in queries):
        return None
    pairs = pairs_of(queries, results, each=each)
    reached = recall_at_precision(
        pairs.scores, pairs.relevant, PRECISION, missed=pairs.total_missed
    )
    return Row(
        system=system,
        part=part,
        queries=len(queries),
        mean_ap=mean_average_precision(pairs),
        micro_ap=micro_average_precision(pairs),
        recall_at_1=recall_at_k(pairs, 1),
        recall_at_precision=None if reached is None else reached.recall,
        threshold=None if reached is None else reached.threshold,
        segment_f1=_segment_f1(queries, results),
        candidate_recall=_candidate_recall(queries, results),
        admitted=_admitted(queries, results),
    )


def parts(queries: Sequence[Query]) -> dict[str, list[Query]]:
    """All queries, then by strength, by kind, and those with look-alikes among the references.

    Queries without an answer count in "all" only: there is nothing of their kind to find.
    """
    answered = [query for query in queries if query.correct]
    groups = {"all": list(queries)}
    groups |= {name: [q for q in answered if q.strength == name] for name in STRENGTHS}
    groups |= {kind: [q for q in answered if q.kind == kind] for kind in KINDS}
    groups["with look-alikes"] = [q for q in answered if q.look_alikes]
    return {part: chosen for part, chosen in groups.items() if chosen}


def rows_by_part(
    system: str, queries: Sequence[Query], results: Results, *, each: bool = False
) -> list[Row]:
    made = (
        row(system, part, chosen, results, each=each) for part, chosen in parts(queries).items()
    )
    return [r for r in made if r is not None]


def reliability_of(
    queries: Sequence[Query], results: Results, *, each: bool = False
) -> tuple[Reliability, ...]:
    """Calibration of the probabilities: share of copies by probability; empty if none were
    reported."""
    pairs = [
        (probability, name in answers(query, each=each))
        for query in queries
        for name, probability in counted(query, results[query.file].probabilities or {}, each=each)
    ]
    return reliability(
        np.array([probability for probability, _ in pairs]),
        np.array([is_copy for _, is_copy in pairs], bool),
    )


def reliability_table(system: str, curve: Sequence[Reliability]) -> str:
    lines = [f"{system}: mean probability, share of copies, pairs"]
    lines += [f"  {r.predicted:.3f}  {r.observed:.3f}  {r.count}" for r in curve]
    return "\n".join([*lines, f"  calibration error {calibration_error(tuple(curve)):.4f}"])


_HEADINGS = ("mAP", "uAP", "R@1", f"R@P{PRECISION:.0%}", "segF1", "cand", "admitted", "queries")


def _cells(r: Row) -> list[str]:
    values = (
        r.mean_ap,
        r.micro_ap,
        r.recall_at_1,
        r.recall_at_precision,
        r.segment_f1,
        r.candidate_recall,
        r.admitted,
    )
    return [*("–" if v is None else f"{v:.3f}" for v in values), str(r.queries)]


def table(rows: Sequence[Row]) -> str:
    """All systems over all queries, then each system's parts."""
    wide = max(len(r.system) for r in rows) if rows else 0
    wide = max(wide, *(len(r.part) + 2 for r in rows)) if rows else 0
    lines = [_line("all queries", _HEADINGS, wide)]
    lines += [_line(r.system, _cells(r), wide) for r in rows if r.part == "all"]
    for system in dict.fromkeys(r.system for r in rows):
        lines += ["", _line(system, _HEADINGS, wide)]
        lines += [
            _line(f"  {r.part}", _cells(r), wide)
            for r in rows
            if r.system == system and r.part != "all"
        ]
    return "\n".join(lines)


def _line(first: str, cells: Sequence[str], wide: int) -> str:
    return first.ljust(wide) + "".join(cell.rjust(9) for cell in cells)
