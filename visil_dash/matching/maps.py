"""The maps of one pair and what is read from them: cells, regions, scores by every scorer."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from visil_dash.matching.similarity import chamfer, region_pairs
from visil_dash.matching.verdict import best_segment
from visil_dash.records import Array, Comparison, VideoFeatures


class Direction(StrEnum):
    """Which way frames look for their partner; similarity is not symmetric."""

    FORWARD = "query → reference"
    REVERSE = "reference → query"
    SYMMETRIC = "symmetric"


@dataclass(frozen=True)
class Maps:
    """Both maps with the query's frames as rows, whatever the direction.

    `frame` `[Tq, Tr]`; `output` `[Tq', Tr']`, None without a comparator.
    """

    frame: Array
    output: Array | None


def maps(pair: Comparison, direction: Direction) -> Maps:
    """The frame-to-frame and ViSiL-output maps of one direction."""
    there, back = pair.visil_output, pair.visil_output_reverse
    if direction is Direction.FORWARD:
        return Maps(pair.frame_similarity, there)
    if direction is Direction.REVERSE:
        return Maps(pair.frame_similarity_reverse.T, None if back is None else back.T)
    both = None if there is None or back is None else (there + back.T) / 2
    return Maps(pair.symmetric, both)


def duration(times: Array) -> float:
    """End of the last sampled frame's interval in seconds; a lone frame lasts one second."""
    gaps = np.diff(times)
    return float(times[-1] + (np.median(gaps) if len(gaps) else 1.0))


def best_cell(matrix: Array) -> tuple[int, int]:
    """Row and column of the largest value; the first of equals."""
    row, column = np.unravel_index(int(np.argmax(matrix)), matrix.shape)
    return int(row), int(column)


def first_look(pair: Comparison, matrix: Array) -> tuple[int, int]:
    """The cell worth showing before one is chosen: the best of the best segment, or of all.

    `matrix` `[Tq, Tr]` is the map on show, with the query's frames as rows.
    """
    best = best_segment(pair.segments)
    if best is None:
        return best_cell(matrix)
    rows = _between(pair.query_times, best.query_start, best.query_end)
    columns = _between(pair.reference_times, best.reference_start, best.reference_end)
    i, j = best_cell(matrix[rows][:, columns])
    return int(rows[i]), int(columns[j])


def _between(times: Array, start: float, end: float) -> Array:
    """Sampled frames of a segment; the nearest one of an exact segment that lies between two."""
    inside = np.flatnonzero((times >= start - 1e-6) & (times < end - 1e-6))
    return inside if len(inside) else np.array([np.abs(times - (start + end) / 2).argmin()])


@dataclass(frozen=True)
class RegionMatches:
    """Which region of a reference frame answers each region of a query frame.

    `similarity` `[Rq, Rr]`: dot products of attention-weighted region vectors. `best` `[Rq]`: the
    most similar reference region. `query_attention` `[Rq]`, `reference_attention` `[Rr]`: weights.
    """

    similarity: Array
    best: Array
    query_attention: Array
    reference_attention: Array

    @property
    def best_similarity(self) -> Array:
        """Similarity of each query region to its best partner, `[Rq]`."""
        return np.asarray(self.similarity.max(1))

    @property
    def frame_similarity(self) -> float:
        """Chamfer over regions: what the frame-to-frame map holds for this cell."""
        return float(self.best_similarity.mean())


def region_matches(
    query: VideoFeatures, reference: VideoFeatures, query_frame: int, reference_frame: int
) -> RegionMatches:
    """Correspondence of regions for one cell of the frame-to-frame map (ViSiL eq. 4, inside)."""
    similarity = region_pairs(query.regions[query_frame], reference.regions[reference_frame])
    return RegionMatches(
        similarity=similarity,
        best=similarity.argmax(1),
        query_attention=query.attention[query_frame],
        reference_attention=reference.attention[reference_frame],
    )


@dataclass(frozen=True)
class ScorerRow:
    """Scores by one scorer in both directions. `decides`: the verdict rests on this one."""

    name: str
    forward: float
    reverse: float
    about: str
    decides: bool = False


def scorer_rows(pair: Comparison) -> tuple[ScorerRow, ...]:
    """Video-to-video similarity by every scorer that the pair's maps allow."""
    symmetric = pair.symmetric
    rows = [
        ScorerRow(
            "Raw Chamfer",
            pair.chamfer,
            pair.chamfer_reverse,
            "each frame's best partner, averaged; order does not count",
            decides=pair.visil_output is None,
        ),
        ScorerRow(
            "Symmetric Chamfer",
            chamfer(symmetric),
            chamfer(symmetric.T),
            "the same over the mean of both frame-to-frame directions",
        ),
    ]
    there, back = pair.visil_output, pair.visil_output_reverse
    if there is not None and back is not None:
        both = (there + back.T) / 2
        rows += [
            ScorerRow(
                "ViSiL",
                pair.score,
                pair.reverse_score,
                "Chamfer over the ViSiL output: frames that match in order count",
                decides=True,
            ),
            ScorerRow(
                "Symmetric ViSiL",
                chamfer(both),
                chamfer(both.T),
                "the same over the mean of both ViSiL outputs",
            ),
        ]
    return tuple(sorted(rows, key=lambda row: not row.decides))
