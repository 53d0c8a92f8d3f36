"""The answers of two models to one query, on a shared order of rows."""

from dataclasses import dataclass

from visil_dash.matching.verdict import verdict_of
from visil_dash.records import Match, SearchResult


@dataclass(frozen=True)
class Placed:
    """A match with its rank in the list of one model, from 1."""

    rank: int
    match: Match

    @property
    def is_match(self) -> bool:
        return verdict_of(self.match).is_match


@dataclass(frozen=True)
class SharedRow:
    """One video as both models place it; None where a model did not compare it."""

    video_id: str
    name: str
    first: Placed | None
    second: Placed | None


@dataclass(frozen=True)
class SideBySide:
    """`rows`: the first videos of either list. `both`, `only_first`, `only_second`: the matches of
    the whole lists by who finds them, in the order of the rows."""

    rows: tuple[SharedRow, ...]
    both: tuple[SharedRow, ...]
    only_first: tuple[SharedRow, ...]
    only_second: tuple[SharedRow, ...]


def side_by_side(first: SearchResult, second: SearchResult, *, top: int) -> SideBySide:
    """Joins two answers to one query: rows are ordered by the better of their two ranks.

    `top`: how many videos of each list are shown. Raises ValueError for two different queries.
    """
    if first.query_id != second.query_id:
        raise ValueError("side_by_side: expected two answers to one query")
    one, other = _placed(first), _placed(second)
    rows = sorted(
        (
            SharedRow(video, placed.match.name, one.get(video), other.get(video))
            for video, placed in {**other, **one}.items()
        ),
        key=lambda row: (_best_rank(row), row.first is None or row.first.rank != _best_rank(row)),
    )
    return SideBySide(
        rows=tuple(row for row in rows if _best_rank(row) <= top),
        both=_found(rows, first=True, second=True),
        only_first=_found(rows, first=True, second=False),
        only_second=_found(rows, first=False, second=True),
    )


def _found(rows: list[SharedRow], *, first: bool, second: bool) -> tuple[SharedRow, ...]:
    """The rows that exactly these models find."""
    return tuple(r for r in rows if (_finds(r.first), _finds(r.second)) == (first, second))


def _placed(result: SearchResult) -> dict[str, Placed]:
    return {match.video_id: Placed(rank, match) for rank, match in enumerate(result.matches, 1)}


def _best_rank(row: SharedRow) -> int:
    return min(placed.rank for placed in (row.first, row.second) if placed is not None)


def _finds(placed: Placed | None) -> bool:
    return placed is not None and placed.is_match
