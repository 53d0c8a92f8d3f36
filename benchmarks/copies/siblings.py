"""Several right answers: the copies of a set searched among each other.

With one right answer per query, anything that widens the gap between the best match and the rest
looks good. A clip that was copied often has many right answers, and each of them is to be found.
"""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.copies.truth import Query, Truth

SHARED = 3.0  # seconds of the source that both of two copies must show


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
    references (which seconds they share is unknown), videos that show the same host and, for a copy
    of unknown source, other such copies.
    """
    return replace(truth, queries=tuple(_with_siblings(q, truth.queries) for q in truth.queries))


def _with_siblings(query: Query, copies: Sequence[Query]) -> Query:
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
