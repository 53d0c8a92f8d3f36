"""Why two videos match or do not: the measured parts of a comparison, put into plain sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.clock import clock
from visil_dash.matching.maps import best_cell, duration
from visil_dash.matching.reason_parts import faint, not_found, order
from visil_dash.matching.verdict import reaches
from visil_dash.records import Comparison, Relation, Segment, Verdict, VideoFeatures

_TITLES = {
    Relation.NEAR_DUPLICATE: "The two videos are near duplicates",
    Relation.CONTAINS: "The reference contains the query",
    Relation.CONTAINED_IN: "The query contains the reference",
    Relation.PARTIAL: "The two videos share a part",
    Relation.LOOK_ALIKE: "Similar segments, but not a match",
    Relation.NONE: "No shared footage found",
}
_ANY_OFFSET = "Alike at any time offset: perhaps the same view at another time"
_DOUBT = "The two videos may share footage"
_NO_SEGMENT = "Alike as a whole, but no segment matches"


@dataclass(frozen=True)
class Explanation:
    """A verdict and its reasons.

    `covered_query`, `covered_reference`: seconds inside a segment. `sentences`: the reasons, most
    telling first, in plain text.
    """

    verdict: Verdict
    title: str
    sentences: tuple[str, ...]
    covered_query: float
    covered_reference: float


def explain(
    pair: Comparison,
    verdict: Verdict,
    *,
    match_score: float,
    frame_level: float,
    query: VideoFeatures | None = None,
    reference: VideoFeatures | None = None,
    query_seconds: float = 0.0,
    reference_seconds: float = 0.0,
) -> Explanation:
    """The reasons for a verdict on this pair.

    `match_score`: by which the verdict was made; `frame_level`: frame-to-frame similarity from
    which two frames count as the same. `query`, `reference`: their features, to name flat frames.
    `query_seconds`, `reference_seconds`: how long the videos are, 0 where that is unknown: then
    they end with their last sampled frame.
    """
    query_end = query_seconds or duration(pair.query_times)
    reference_end = reference_seconds or duration(pair.reference_times)
    covered_query = verdict.coverage.query * query_end
    covered_reference = verdict.coverage.reference * reference_end
    sentences = [_scores(pair, match_score)]
    if verdict.any_offset:
        sentences.append(
            "Nothing in the matched segments distinguishes one time offset from another: a still"
            " picture, or the same view at another time. Only what moves can show whether it is"
            " one recording."
        )
    if verdict.is_match and not _whole_reaches(pair, match_score):
        sentences.append(
            f"The matched segments alone score {pair.part_score or 0:.2f} and reach it: that"
            " part is the same, and the rest is not."
        )
    if pair.segments:
        sentences.append(
            _cover(pair.segments, covered_query, query_end, covered_reference, reference_end)
            + f" have a mean similarity of {_mean_score(pair.segments):.2f}; two frames count as"
            f" the same from {frame_level:.2f}."
        )
        sentences.append(_place(max(pair.segments, key=lambda s: s.query_end - s.query_start)))
        sentences += _parts(pair, query_end, reference_end, frame_level)
        if verdict.relation is Relation.LOOK_ALIKE:
            sentences.append(_too_little(verdict.coverage.query))
    else:
        sentences.append(_why_no_segment(pair, frame_level))
    for features, side in ((query, "query"), (reference, "reference")):
        flat = features and faint(features, side=side, frame_level=frame_level)
        sentences += [flat] if flat else []
    if pair.visil_output is not None:
        sentences.append(_comparator(pair))
    return Explanation(
        verdict=verdict,
        title=_title(verdict, bool(pair.segments)),
        sentences=tuple(sentences),
        covered_query=covered_query,
        covered_reference=covered_reference,
    )


def _title(verdict: Verdict, has_segments: bool) -> str:
    if verdict.is_doubt:
        return _ANY_OFFSET if verdict.any_offset else _DOUBT
    if verdict.relation is Relation.LOOK_ALIKE and not has_segments:
        return _NO_SEGMENT
    return _TITLES[verdict.relation]


def _whole_reaches(pair: Comparison, match_score: float) -> bool:
    return reaches(pair.score, match_score) or reaches(pair.reverse_score, match_score)


def _cover(
    segments: Sequence[Segment],
    query: float,
    query_end: float,
    reference: float,
    reference_end: float,
) -> str:
    one = len(segments) == 1
    return (
        f"{_count(len(segments), 'segment')} cover{'s' if one else ''} {_seconds(query)} of the"
        f" query's {_seconds(query_end)} and {_seconds(reference)} of the reference's"
        f" {_seconds(reference_end)}; along {'it' if one else 'them'} the frames"
    )


def _scores(pair: Comparison, match_score: float) -> str:
    there, back = (reaches(s, match_score) for s in (pair.score, pair.reverse_score))
    line = f"the match score {match_score:.2f}"
    scores = f"{pair.score:.2f} from query to reference and {pair.reverse_score:.2f} in reverse"
    if there == back:
        side = "reach" if there else "stay below"
        return f"Both scores, {scores}, {side} {line}."
    way = "from query to reference" if there else "from reference to query"
    inner, outer = ("query", "reference") if there else ("reference", "query")
    return (
        f"The scores are {scores}: only {way} it reaches {line}, so the {inner} is contained and "
        f"the {outer} has more footage."
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
    sentences = [
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
    return [sentence for sentence in sentences if sentence]


def _too_little(share: float) -> str:
    """Why similar segments are no match."""
    if share < 0.5:
        return (
            f"A score averages over the whole video, and only {share:.0%} of the query lies in a"
            " segment."
        )
    return (
        "Most of the query lies in a segment, but its frames are too different for a match, as in"
        " similar scenes and heavily edited copies."
    )


def _why_no_segment(pair: Comparison, frame_level: float) -> str:
    symmetric = pair.symmetric
    i, j = best_cell(symmetric)
    best = float(symmetric[i, j])
    where = (
        f"The closest two frames, {clock(pair.query_times[i])} of the query and "
        f"{clock(pair.reference_times[j])} of the reference, have a similarity of {best:.2f}"
    )
    if best < frame_level:
        return f"{where}; two frames count as the same from {frame_level:.2f}."
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


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else clock(value)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _mean_score(found: Sequence[Segment]) -> float:
    lengths = np.array([max(s.query_end - s.query_start, 1e-9) for s in found])
    return float((np.array([s.score for s in found]) * lengths).sum() / lengths.sum())
