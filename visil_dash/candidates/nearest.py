"""The nearest frames and videos whatever their distance: an answer where no threshold gives one.

Everything is looked at: a graph that stops at a number of neighbours cannot promise the nearest
video, when one video holds more near frames than that number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from visil_dash.index.ids import split_ids
from visil_dash.matching.products import product
from visil_dash.records import Array

CELLS = 8_000_000  # distances held at once: 32 MB


@dataclass(frozen=True)
class NearFrame:
    """A library frame near one of the query's: `distance` squared L2, frames by number."""

    video_id: str
    frame: int
    query_frame: int
    distance: float


def nearest_frames(
    ids: Array,
    vectors: Array,
    queries: Array,
    *,
    videos: Mapping[int, str],
    most: int,
    per_video: int = 1,
    exclude: str = "",
) -> tuple[NearFrame, ...]:
    """The `per_video` nearest frames of each of the `most` videos nearest to `queries` `[Q, d]`.

    `ids` `[N]` and `vectors` `[N, d]`: the library's frames. Nearest videos first, and a video's
    frames nearest first; a library frame counts once, by its nearest query frame. `videos` maps
    ordinals to ids; other ordinals and the video `exclude` are left out.
    """
    if not len(ids) or not len(queries) or most < 1:
        return ()
    ordinals, frames = split_ids(ids)
    distance, query = _to_nearest_query(vectors, queries)
    taken: dict[int, list[int]] = {}
    for i in np.argsort(distance, kind="stable").tolist():
        ordinal = int(ordinals[i])
        if videos.get(ordinal, exclude) == exclude:
            continue
        if ordinal not in taken and len(taken) == most:
            if all(len(mine) == per_video for mine in taken.values()):
                break
            continue
        mine = taken.setdefault(ordinal, [])
        if len(mine) < per_video:
            mine.append(i)
    found = [
        sorted(
            (
                NearFrame(
                    videos[ordinal],
                    int(frames[i]),
                    int(query[i]),
                    _exact(vectors, queries, i, query),
                )
                for i in mine
            ),
            key=lambda near: near.distance,
        )
        for ordinal, mine in sorted(taken.items())
    ]
    # By exact distances: those of the product order nearly equal ones by its last digits.
    found.sort(key=lambda mine: mine[0].distance)
    return tuple(near for mine in found for near in mine)


def _to_nearest_query(vectors: Array, queries: Array) -> tuple[Array, Array]:
    """Of each library frame: squared L2 to its nearest query frame `[N]`, and which that is."""
    rows = max(1, CELLS // len(queries))
    norms = np.einsum("qd,qd->q", queries, queries)
    best, which = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), rows):
        block = vectors[start : start + rows]
        cells = norms - 2 * product(block, queries)
        which[start : start + rows] = nearest = cells.argmin(1)
        best[start : start + rows] = cells[np.arange(len(block)), nearest] + np.einsum(
            "nd,nd->n", block, block
        )
    return best, which


def _exact(vectors: Array, queries: Array, i: int, query: Array) -> float:
    # The product above loses digits where two vectors nearly agree.
    apart = vectors[i].astype(np.float64) - queries[query[i]]
    return float(apart @ apart)
