"""What a system decides, not how it ranks: copies that it reports, wrong reports, exact places."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from benchmarks.copies.evaluate import Results
from benchmarks.copies.truth import Query
from visil_dash.records import ProofState, Segment

EXACT_SECONDS = 0.5


@dataclass(frozen=True)
class Decisions:
    """Counts over queries with an answer, but for `wrong` and `other_takes`, which count pairs.

    `reported`: queries of which a right reference is called a match. `placed`: of the sources that
    are (`placeable`), those whose best span is within EXACT_SECONDS of a true one at all four ends.
    `backwards`: best spans of sources that are wrongly reversed. `wrong`: references called a match
    that are not right, `look_alikes` of them known to look alike. `contradicted`: other takes that
    the pixels contradicted, and `denied`: right references that they did. `by_kind`: of each kind
    of edit how many are reported, and of how many.
    """

    queries: int
    reported: int
    placeable: int
    placed: int
    backwards: int
    wrong: int
    look_alikes: int
    contradicted: int
    denied: int
    by_kind: dict[str, tuple[int, int]]


def decisions_of(queries: Sequence[Query], results: Results) -> Decisions | None:
    """None where the system reports no verdicts."""
    if any(results[query.file].verdicts is None for query in queries):
        return None
    answered = [query for query in queries if query.correct]
    wrong = [pair for query in queries for pair in _wrong(query, results)]
    best = [(query, span) for query in answered if (span := _best_span(query, results))]
    return Decisions(
        queries=len(answered),
        reported=sum(_is_reported(query, results) for query in answered),
        placeable=len(best),
        placed=sum(_is_placed(query, span) for query, span in best),
        backwards=sum(_is_wrongly_reversed(query, span) for query, span in best),
        wrong=len(wrong),
        look_alikes=sum(name in query.look_alikes for query, name in wrong),
        contradicted=sum(_contradicted(query, query.look_alikes, results) for query in queries),
        denied=sum(_contradicted(query, query.correct, results) for query in answered),
        by_kind=_by_kind(answered, results),
    )


def _by_kind(queries: Sequence[Query], results: Results) -> dict[str, tuple[int, int]]:
    reported: dict[str, list[bool]] = {}
    for query in queries:
        reported.setdefault(query.kind, []).append(_is_reported(query, results))
    return {kind: (sum(these), len(these)) for kind, these in sorted(reported.items())}


@dataclass(frozen=True)
class Failure:
    """A wrong decision: `why`; the reference `shown`; the span that was reported (None: none was),
    and the nearest true one, where it is known."""

    query: str
    why: str
    shown: str
    span: Segment | None
    true: Segment | None


def failures_of(queries: Sequence[Query], results: Results) -> list[Failure]:
    """Copies that are not reported, references wrongly reported, and spans that are off."""
    found = []
    for query in queries:
        if query.correct and not _is_reported(query, results):
            true = query.segments[0] if query.segments else None
            found.append(Failure(query.file, "not reported", query.source, None, true))
        for _, name in _wrong(query, results):
            span = (results[query.file].verdicts or {})[name].best
            found.append(Failure(query.file, "wrong", name, span, None))
        best = _best_span(query, results)
        if best is not None and not _is_placed(query, best):
            true = min(query.segments, key=lambda one: _off(best, one))
            found.append(Failure(query.file, "place", query.source, best, true))
    return found


def _is_reported(query: Query, results: Results) -> bool:
    verdicts = results[query.file].verdicts or {}
    return any(name in verdicts and verdicts[name].is_match for name in query.correct)


def _best_span(query: Query, results: Results) -> Segment | None:
    """Of the source; None where it is no match, or where no true place is known."""
    verdict = (results[query.file].verdicts or {}).get(query.source)
    return verdict.best if verdict is not None and verdict.is_match and query.segments else None


def _is_placed(query: Query, span: Segment) -> bool:
    return any(_off(span, true) <= EXACT_SECONDS for true in query.segments)


def _is_wrongly_reversed(query: Query, span: Segment) -> bool:
    return span.reversed and not any(true.reversed for true in query.segments)


def _wrong(query: Query, results: Results) -> list[tuple[Query, str]]:
    return [
        (query, name)
        for name, verdict in sorted((results[query.file].verdicts or {}).items())
        if verdict.is_match and name not in {*query.correct, *query.ignored}
    ]


def _contradicted(query: Query, names: Collection[str], results: Results) -> int:
    """How many of these references of a query the pixels contradicted."""
    proofs = results[query.file].proofs or {}
    verdicts = results[query.file].verdicts or {}
    return sum(
        state is ProofState.CONTRADICTED and name in names and name in verdicts
        for name, state in proofs.items()
    )


def _off(found: Segment, true: Segment) -> float:
    """Seconds by which the worst of the four ends is off."""
    return max(
        abs(found.query_start - true.query_start),
        abs(found.query_end - true.query_end),
        abs(found.reference_start - true.reference_start),
        abs(found.reference_end - true.reference_end),
    )


def decision_lines(system: str, found: Decisions) -> str:
    """One paragraph of a report, and a line with the kinds of edits."""
    kinds = ", ".join(f"{kind} {some} of {all_}" for kind, (some, all_) in found.by_kind.items())
    return (
        f"{system}: {found.reported} of {found.queries} copies reported as matches,"
        f" {found.wrong} wrong reports ({found.look_alikes} look-alikes);"
        f" {found.placed} of {found.placeable} spans within {EXACT_SECONDS} s,"
        f" {found.backwards} wrongly backwards;"
        f" {found.contradicted} look-alikes and {found.denied} copies contradicted"
        f"\nreported by kind: {kinds}"
    )
