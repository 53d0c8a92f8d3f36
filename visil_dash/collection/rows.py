"""Everything against everything as rows for a screen or a file."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
from typing_extensions import TypedDict  # that of Python 3.11 has no description in OpenAPI

from visil_dash.collection.groups import Group
from visil_dash.collection.keeping import best_to_keep, bit_rate
from visil_dash.collection.table import strength
from visil_dash.records import Array, PairTable, VideoRecord


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
    return _part(table, np.sort(np.argsort(-links.max(1), kind="stable")[:most]))


class MemberRow(TypedDict):
    """One video of a group, for a file. `keep`: suggested as the one to keep.

    `score`: weakest link on its way to the group's first video, `via`: the names on that way.
    """

    group: int
    video: str
    keep: bool
    seconds: float
    width: int
    height: int
    kbit_per_second: int
    bytes: int
    score: float
    via: str
    tags: str
    places: str
    video_id: str


def group_rows(
    groups: Iterable[Group], videos: Mapping[str, VideoRecord], *, only: Collection[str] = ()
) -> list[MemberRow]:
    """Every video of the groups; with `only` those of these ids. Removed ones are left out."""
    rows: list[MemberRow] = []
    for number, group in enumerate(groups, 1):
        here = {m.video_id: videos[m.video_id] for m in group.members if m.video_id in videos}
        if not here:
            continue
        best, _ = best_to_keep(list(here.values()))
        names = {member.video_id: member.name for member in group.members}
        for member in group.members:
            video = here.get(member.video_id)
            if video is None or (only and member.video_id not in only):
                continue
            rows.append(
                MemberRow(
                    group=number,
                    video=video.name,
                    keep=video is best,
                    seconds=round(video.info.duration, 3),
                    width=video.info.width,
                    height=video.info.height,
                    kbit_per_second=round(bit_rate(video) / 1000),
                    bytes=video.bytes,
                    score=round(member.score, 6),
                    via=", ".join(names[v] for v in member.via),
                    tags=", ".join(video.tags),
                    places=", ".join(video.places),
                    video_id=video.video_id,
                )
            )
    return rows


def matched_only(table: PairTable, least: float) -> PairTable:
    """The table of the videos with a match of `least` or more; all of them where none has."""
    kept = np.flatnonzero(strength(table.scores).max(1, initial=-np.inf) >= np.float32(least))
    return _part(table, kept) if len(kept) else table


def _part(table: PairTable, kept: Array) -> PairTable:
    return replace(
        table,
        video_ids=tuple(table.video_ids[i] for i in kept),
        names=tuple(table.names[i] for i in kept),
        scores=table.scores[np.ix_(kept, kept)],
    )
