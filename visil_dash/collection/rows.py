"""Everything against everything as rows for a screen or a file."""

from collections.abc import Collection
from typing import TypedDict

import numpy as np

from visil_dash.collection.table import strength
from visil_dash.records import PairTable


class PairRow(TypedDict):
    """One ordered pair; `reverse` is the score of reference → query."""

    query: str
    reference: str
    score: float
    reverse: float
    query_id: str
    reference_id: str


def pair_rows(
    table: PairTable,
    *,
    least: float = -1.0,
    once: bool = False,
    among: Collection[str] = (),
    most: int | None = None,
) -> list[PairRow]:
    """Ordered pairs of different videos whose score reaches `least`, best first.

    `once`: each pair only in the direction that scores higher. `among`: only pairs of these
    videos; of a single one, its pairs with all others; of none, all. `most`: the best so many.
    """
    n = len(table.video_ids)
    mask = (table.scores >= np.float32(least)) & ~np.eye(n, dtype=bool)
    if once:
        above = np.triu(np.ones((n, n), bool), 1)
        mask &= (table.scores > table.scores.T) | ((table.scores == table.scores.T) & above)
    if among:
        inside = np.array([video_id in among for video_id in table.video_ids])
        mask &= (inside[:, None] | inside) if len(among) == 1 else (inside[:, None] & inside)
    rows, columns = np.nonzero(mask)
    order = np.lexsort(
        (columns, rows, -table.scores.T[rows, columns], -table.scores[rows, columns])
    )[:most]
    return [
        PairRow(
            query=table.names[i],
            reference=table.names[j],
            score=float(table.scores[i, j]),
            reverse=float(table.scores[j, i]),
            query_id=table.video_ids[i],
            reference_id=table.video_ids[j],
        )
        for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    ]


def matching_pairs(table: PairTable, least: float) -> int:
    """Unordered pairs of different videos whose better score reaches `least`."""
    return int(np.triu(strength(table.scores) >= np.float32(least), 1).sum())


def strongest(table: PairTable, most: int) -> PairTable:
    """The table of at most `most` videos: those with the strongest link to another, in order."""
    if len(table.video_ids) <= most:
        return table
    links = strength(table.scores)
    kept = np.sort(np.argsort(-links.max(1), kind="stable")[:most])
    return PairTable(
        video_ids=tuple(table.video_ids[i] for i in kept),
        names=tuple(table.names[i] for i in kept),
        scores=table.scores[np.ix_(kept, kept)],
        extractor=table.extractor,
    )
