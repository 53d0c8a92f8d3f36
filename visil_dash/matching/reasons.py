"""Why two videos match or do not: the measured parts of a comparison, put into plain sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from visil_dash.clock import clock
from visil_dash.matching.reason_parts import faint, not_found, order
from visil_dash.matching.similarity import part_score, region_pairs
from visil_dash.matching.verdict import coverage, out_of_step
from visil_dash.records import Array, Comparison, Segment, VideoFeatures


class Direction(StrEnum):
    """Which way frames look for their partner; similarity is not symmetric."""

    FORWARD = "query → reference"
    REVERSE = "reference → query"
    SYMMETRIC = "symmetric"


class Relation(StrEnum):
    """What the two scores and the alignment say together."""

    SHARED = "shared"
    QUERY_INSIDE = "query inside"
    REFERENCE_INSIDE = "reference inside"
    PART = "part"
    ANY_MOMENT = "any moment"
    ALIKE = "alike"
    NONE = "none"


_TITLES = {
    Relation.SHARED: "The two videos share footage",
    Relation.QUERY_INSIDE: "The query is found in the reference",
    Relation.REFERENCE_INSIDE: "The reference is found in the query",
    Relation.PART: "The two videos share a part",
    Relation.ANY_MOMENT: "Alike at any moment: perhaps the same view at another time",
    Relation.ALIKE: "Similar stretches, but not a match",
    Relation.NONE: "No shared footage found",
}
# A score reaches the match score, and no stretch backs it.
_NOTHING_IN_TIME = "Alike as a whole, but no stretch lines up"


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


@dataclass(frozen=True)
class Explanation:
    """A verdict and its reasons.

    `covered_query`, `covered_reference`: seconds inside a segment; shares are of the whole video.
    `sentences`: the reasons, most telling first, in plain text.
    """

    relation: Relation
    title: str
    sentences: tuple[str, ...]
    covered_query: float
    covered_reference: float
    query_share: float
    reference_share: float

    @property
    def is_match(self) -> bool:
        return self.relation not in (Relation.ANY_MOMENT, Relation.ALIKE, Relation.NONE)


def explain(
    pair: Comparison,
    *,
    match_score: float,
    frame_level: float,
    query: VideoFeatures | None = None,
    reference: VideoFeatures | None = None,
    query_seconds: float = 0.0,
    reference_seconds: float = 0.0,
) -> Explanation:
    """Why this pair is called a match or not.

    `match_score`: video-to-video similarity that makes a match; `frame_level`: frame-to-frame
    similarity from which two frames count as the same. `query`, `reference`: their features, to
    tell flat frames. `query_seconds`, `reference_seconds`: how long the videos are, 0 where that is
    unknown: then they end with their last sampled frame.
    """
    query_end = query_seconds or duration(pair.query_times)
    reference_end = reference_seconds or duration(pair.reference_times)
    found = pair.segments
    shares = coverage(found, query_seconds=query_end, reference_seconds=reference_end)
    covered_query = shares.query * query_end
    covered_reference = shares.reference * reference_end
    part = _part_score(pair)
    by_scores = _relation(pair, match_score, part)
    claimed, any_moment = by_scores not in (Relation.ALIKE, Relation.NONE), out_of_step(found)
    relation = Relation.ANY_MOMENT if claimed and any_moment else by_scores
    sentences = [_scores(pair, match_score)]
    if any_moment:
        sentences.append(
            "Nothing in what lines up tells one moment from another: a still picture, or the same"
            " view at another time. Only what moves can show whether it is one recording."
        )
    if by_scores is Relation.PART:
        sentences.append(
            f"What lines up, taken alone, scores {part:.2f} and so reaches it: that part is the "
            "same, and the rest is not."
        )
    if found:
        sentences.append(
            f"{_count(len(found), 'segment')} cover{'s' if len(found) == 1 else ''} "
            f"{_seconds(covered_query)} of the query's {_seconds(query_end)} and "
            f"{_seconds(covered_reference)} of the reference's {_seconds(reference_end)}; along "
            f"{'it' if len(found) == 1 else 'them'} the frames are {_mean_score(found):.2f} "
            f"similar, where {frame_level:.2f} counts as the same frame."
        )
        sentences.append(_place(max(found, key=lambda s: s.query_end - s.query_start)))
        sentences += _parts(pair, query_end, reference_end, frame_level)
        if relation is Relation.ALIKE:
            sentences.append(_too_little(pair, shares.query))
    else:
        sentences.append(_why_no_segment(pair, frame_level))
    for features, side in ((query, "query"), (reference, "reference")):
        told = features and faint(features, side=side, frame_level=frame_level)
        sentences += [told] if told else []
    if pair.visil_output is not None:
        sentences.append(_comparator(pair))
    return Explanation(
        relation=relation,
        title=_TITLES[relation] if found or relation is Relation.NONE else _NOTHING_IN_TIME,
        sentences=tuple(sentences),
        covered_query=covered_query,
        covered_reference=covered_reference,
        query_share=shares.query,
        reference_share=shares.reference,
    )


def _relation(pair: Comparison, match_score: float, part: float) -> Relation:
    there, back = pair.score >= match_score, pair.reverse_score >= match_score
    if there and back:
        return Relation.SHARED
    if there or back:
        return Relation.QUERY_INSIDE if there else Relation.REFERENCE_INSIDE
    if not pair.segments:
        return Relation.NONE
    return Relation.PART if part >= match_score else Relation.ALIKE


def _part_score(pair: Comparison) -> float:
    """Score of what the segments cover alone, of the direction that scores higher."""
    there, back = pair.visil_output, pair.visil_output_reverse
    rows = (pair.frame_similarity if there is None else there).max(1)
    columns = (pair.frame_similarity_reverse if back is None else back).max(1)
    query = [(s.query_start, s.query_end) for s in pair.segments]
    reference = [(s.reference_start, s.reference_end) for s in pair.segments]
    return max(
        part_score(rows, pair.query_times, query),
        part_score(columns, pair.reference_times, reference),
    )


def _scores(pair: Comparison, match_score: float) -> str:
    there, back = (s >= match_score for s in (pair.score, pair.reverse_score))
    line = f"the match score {match_score:.2f}"
    scores = f"{pair.score:.2f} from query to reference and {pair.reverse_score:.2f} back"
    if there == back:
        side = "reach" if there else "stay below"
        return f"Both scores, {scores}, {side} {line}."
    way = "from query to reference" if there else "from reference to query"
    inner, outer = ("query", "reference") if there else ("reference", "query")
    return (
        f"The scores are {scores}: only {way} it reaches {line}, so the {inner} is contained and "
        f"the {outer} holds more besides."
    )


def _place(segment: Segment) -> str:
    text = (
        f"The longest plays {clock(segment.query_start)}–{clock(segment.query_end)} of the query "
        f"at {clock(segment.reference_start)}–{clock(segment.reference_end)} of the reference"
    )
    if segment.reversed:
        text += ", backwards"
    # Sampling once a second cannot tell smaller changes of speed from the rounding of frames.
    if abs(segment.speed - 1) >= 0.05:
        pace = "faster" if segment.speed > 1 else "slower"
        text += f", {pace} in the query (each second of it shows {segment.speed:.2f} s)"
    return text + "."


def _parts(
    pair: Comparison, query_end: float, reference_end: float, frame_level: float
) -> list[str]:
    """Order of the segments, and what of either side is in none."""
    symmetric = pair.symmetric
    told = [
        order(pair.segments),
        not_found(
            pair.segments,
            symmetric,
            pair.query_times,
            end=query_end,
            side="query",
            frame_level=frame_level,
        ),
        not_found(
            pair.segments,
            symmetric.T,
            pair.reference_times,
            end=reference_end,
            side="reference",
            frame_level=frame_level,
        ),
    ]
    return [sentence for sentence in told if sentence]


def _too_little(pair: Comparison, share: float) -> str:
    """Why stretches alike are no match."""
    if share < 0.5:
        return (
            f"A score averages over the whole video, and only {share:.0%} of the query lies in a"
            " segment."
        )
    return (
        "Most of the query lies in a segment, but its frames are too unlike for a match: alike"
        " scenes look so, and copies that were changed much."
    )


def _why_no_segment(pair: Comparison, frame_level: float) -> str:
    symmetric = pair.symmetric
    i, j = best_cell(symmetric)
    best = float(symmetric[i, j])
    where = (
        f"The closest two frames, {clock(pair.query_times[i])} of the query and "
        f"{clock(pair.reference_times[j])} of the reference, are {best:.2f} similar"
    )
    if best < frame_level:
        return f"{where}; it takes {frame_level:.2f} for two frames to count as the same."
    near = int((symmetric.max(1) >= frame_level).sum())
    return (
        f"{where}, and {near} of {_count(len(symmetric), 'query frame')} "
        f"{'has a partner' if near == 1 else 'have partners'} above {frame_level:.2f}, but not "
        "enough of them in a row and in order to make a segment."
    )


def _comparator(pair: Comparison) -> str:
    change = pair.score - pair.chamfer
    if abs(change) < 0.01:
        return (
            f"The comparator leaves the frames' Chamfer similarity, {pair.chamfer:.2f}, as it is."
        )
    verb = "raises" if change > 0 else "lowers"
    return (
        f"The comparator, which looks for frames that match in order, {verb} the Chamfer "
        f"similarity of the frames from {pair.chamfer:.2f} to {pair.score:.2f}."
    )


def duration(times: Array) -> float:
    """End of the last sampled frame's interval in seconds; a lone frame lasts one second."""
    gaps = np.diff(times)
    return float(times[-1] + (np.median(gaps) if len(gaps) else 1.0))


def best_cell(matrix: Array) -> tuple[int, int]:
    """Row and column of the largest value; the first of equals."""
    row, column = np.unravel_index(int(np.argmax(matrix)), matrix.shape)
    return int(row), int(column)


def first_look(pair: Comparison, matrix: Array) -> tuple[int, int]:
    """The cell worth showing before anybody chose one: the best of the best segment, or of all.

    `matrix` `[Tq, Tr]` is the map on show.
    """
    if not pair.segments:
        return best_cell(matrix)
    top = max(pair.segments, key=lambda s: s.score * (s.query_end - s.query_start))
    rows = _between(pair.query_times, top.query_start, top.query_end)
    columns = _between(pair.reference_times, top.reference_start, top.reference_end)
    i, j = best_cell(matrix[rows][:, columns])
    return int(rows[i]), int(columns[j])


def _between(times: Array, start: float, end: float) -> Array:
    """Frames of a segment; never none, as the segment was made of such frames."""
    return np.flatnonzero((times >= start - 1e-6) & (times < end - 1e-6))


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
        out: Array = self.similarity.max(1)
        return out

    @property
    def frame_similarity(self) -> float:
        """Chamfer over regions: what the frame-to-frame map holds for this cell."""
        return float(self.best_similarity.mean())

    @property
    def reverse_similarity(self) -> float:
        """The same, reference → query."""
        return float(self.similarity.max(0).mean())


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


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else clock(value)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _mean_score(found: Sequence[Segment]) -> float:
    lengths = np.array([max(s.query_end - s.query_start, 1e-9) for s in found])
    return float((np.array([s.score for s in found]) * lengths).sum() / lengths.sum())
