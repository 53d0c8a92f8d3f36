"""What a system decides, not how it ranks: copies that it reports, wrong reports, exact places."""

from collections.abc import Sequence
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
    the pixels contradicted, and `denied`: right references that they did.
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


def decisions_of(queries: Sequence[Query], results: Results) -> Decisions | None:
    """None where the system reports no verdicts."""
    if any(results[query.file].verdicts is None for query in queries):
        return None
    answered = [query for query in queries if query.correct]
    reported = placeable = placed = backwards = denied = 0
    for query in answered:
        verdicts, proofs = results[query.file].verdicts or {}, results[query.file].proofs or {}
        right = [name for name in query.correct if name in verdicts]
        reported += any(verdicts[name].is_match for name in right)
        denied += sum(proofs.get(name) is ProofState.CONTRADICTED for name in right)
        best = verdicts[query.source].best if query.source in verdicts else None
        if best is None or not query.segments or not verdicts[query.source].is_match:
            continue
        placeable += 1
        placed += any(_off(best, true) <= EXACT_SECONDS for true in query.segments)
        backwards += best.reversed and not any(true.reversed for true in query.segments)
    wrong = [
        (query, name)
        for query in queries
        for name, verdict in (results[query.file].verdicts or {}).items()
        if verdict.is_match and name not in {*query.correct, *query.ignored}
    ]
    contradicted = sum(
        state is ProofState.CONTRADICTED and name in query.look_alikes
        for query in queries
        for name, state in (results[query.file].proofs or {}).items()
    )
    return Decisions(
        queries=len(answered),
        reported=reported,
        placeable=placeable,
        placed=placed,
        backwards=backwards,
        wrong=len(wrong),
        look_alikes=sum(name in query.look_alikes for query, name in wrong),
        contradicted=contradicted,
        denied=denied,
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
    """One paragraph of a report."""
    return (
        f"{system}: {found.reported} of {found.queries} copies reported as matches,"
        f" {found.wrong} wrong reports ({found.look_alikes} look-alikes);"
        f" {found.placed} of {found.placeable} spans within {EXACT_SECONDS} s,"
        f" {found.backwards} wrongly backwards;"
        f" {found.contradicted} look-alikes and {found.denied} copies contradicted"
    )
