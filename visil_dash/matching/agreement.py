"""What hierarchical search loses against exhaustive search of the same query, and what it saves."""

from dataclasses import dataclass

from visil_dash.matching.verdict import verdict_of
from visil_dash.records import Match, SearchResult


@dataclass(frozen=True)
class Agreement:
    """`missed`: matches that only exhaustive search found, best first.

    `above`: matches of the exhaustive search; `missed_above`: those of
    them that candidate generation did not propose. `overlap`: share of the exhaustive top `k`
    that were candidates (1 where there is nothing to find). Seconds of each search in all.
    """

    above: int
    missed: tuple[Match, ...]
    missed_above: tuple[Match, ...]
    k: int
    overlap: float
    hierarchical_seconds: float
    exhaustive_seconds: float


def agreement(hierarchical: SearchResult, exhaustive: SearchResult, *, k: int = 10) -> Agreement:
    """Compares the two searches of one query. Raises ValueError when they do not belong together.

    Both rank by the same strength, so what both aligned stands in the same order: what can differ
    is which videos were looked at.
    """
    if (hierarchical.query_id, hierarchical.extractor) != (
        exhaustive.query_id,
        exhaustive.extractor,
    ):
        raise ValueError("agreement: expected two searches of one query with one model")
    if (hierarchical.mode, exhaustive.mode) != ("hierarchical", "exhaustive"):
        raise ValueError(
            "agreement: expected a hierarchical and an exhaustive search, got "
            f"{hierarchical.mode} and {exhaustive.mode}"
        )
    found = {match.video_id for match in hierarchical.matches}
    missed = tuple(match for match in exhaustive.matches if match.video_id not in found)
    best = exhaustive.matches[:k]
    return Agreement(
        above=sum(verdict_of(match).is_match for match in exhaustive.matches),
        missed=missed,
        missed_above=tuple(match for match in missed if verdict_of(match).is_match),
        k=len(best),
        overlap=sum(m.video_id in found for m in best) / len(best) if best else 1.0,
        hierarchical_seconds=sum(hierarchical.timings.values()),
        exhaustive_seconds=exhaustive.timings.get("reranking", 0.0),
    )
