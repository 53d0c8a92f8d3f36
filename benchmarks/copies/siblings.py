"""Several right answers: the copies of a set judged against each other.

With one right answer a query, whatever sets a query's videos off against its best looks good. A
clip that was copied often has many right answers, and each of them is to be found.
"""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.copies.truth import Query, Truth

SHARED = 3.0  # seconds of the source that two copies must both show


def shared_seconds(a: Query, b: Query) -> float:
    """Seconds of the source that both copies of it show."""
    return sum(
        max(
            0.0,
            min(x.reference_end, y.reference_end) - max(x.reference_start, y.reference_start),
        )
        for x in a.segments
        for y in b.segments
    )


def with_siblings(truth: Truth) -> Truth:
    """The same copies as queries in a library that holds them beside the references.

    Right are the source itself and every copy of it that shows at least SHARED of the same seconds.
    Neither right nor wrong are copies that show less of it, further copies of the source among the
    references, whose seconds nobody compared, what shows the same host, and, to a copy whose source
    is unknown, others of that kind.
    """
    return replace(truth, queries=tuple(_judged(q, truth.queries) for q in truth.queries))


def _judged(query: Query, copies: Sequence[Query]) -> Query:
    family = {*query.correct, *query.ignored}
    correct = [query.source] if query.source else []
    ignored = family - set(correct)
    for other in copies:
        if other.file == query.file:
            continue
        if query.source and other.source == query.source:
            if shared_seconds(query, other) >= SHARED:
                correct.append(other.file)
            else:
                ignored.add(other.file)
        elif (
            other.source in family
            or set(other.hosts) & set(query.hosts)
            or not (query.source or other.source)
        ):
            ignored.add(other.file)
    return replace(query, correct=tuple(correct), ignored=tuple(sorted(ignored)))
