"""Re-ranking: a query against reference videos, by video-to-video similarity and alignment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from visil_dash.errors import StoreError
from visil_dash.matching.alignment import AlignOptions, segments
from visil_dash.matching.similarity import (
    PairScores,
    Scorer,
    chamfer,
    frame_to_frame_both,
    pair_scores,
    part_score,
    signal,
)
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE, Array, Candidate, Comparison, Match, Segment, VideoFeatures


def compare_pair(
    query: VideoFeatures,
    reference: VideoFeatures,
    *,
    scorer: Scorer,
    options: AlignOptions,
    watch: Watch = UNWATCHED,
) -> Comparison:
    """Maps, scores and segments of one pair. Raises Cancelled."""
    # Aligning takes the last quarter of the time.
    pair = pair_scores(query.regions, reference.regions, scorer, watch=watch.part(0.0, 0.75))
    watch.step("Aligning", 0.75)
    spans = segments(pair.symmetric, query.timestamps, reference.timestamps, options)
    return Comparison(
        query=query.video_id,
        reference=reference.video_id,
        query_times=query.timestamps,
        reference_times=reference.timestamps,
        frame_similarity=pair.forward,
        frame_similarity_reverse=pair.reverse,
        visil_output=pair.output,
        visil_output_reverse=pair.output_reverse,
        score=pair.score,
        reverse_score=pair.reverse_score,
        chamfer=chamfer(pair.forward, signal(query.shown, len(query))),
        chamfer_reverse=chamfer(pair.reverse, signal(reference.shown, len(reference))),
        segments=spans,
        part_score=_segments_score(spans, query, reference, _Rows.of(pair)),
    )


def pair_segments(
    query: VideoFeatures, reference: VideoFeatures, options: AlignOptions
) -> tuple[Segment, ...]:
    """Matched segments, aligned on the symmetric frame-to-frame similarity."""
    forward, reverse = frame_to_frame_both(query.regions, reference.regions)
    return segments((forward + reverse.T) / 2, query.timestamps, reference.timestamps, options)


@dataclass(frozen=True)
class _Rows:
    """Each row's best value and weight, in either direction (see PairScores)."""

    best: Array
    weights: Array
    reverse_best: Array
    reverse_weights: Array

    @classmethod
    def of(cls, pair: PairScores) -> "_Rows":
        return cls(pair.best, pair.weights, pair.reverse_best, pair.reverse_weights)


def _segments_score(
    spans: Sequence[Segment], query: VideoFeatures, reference: VideoFeatures, rows: _Rows
) -> float | None:
    """Score of the frames inside the segments alone, of the direction that scores higher.

    None without segments.
    """
    if not spans:
        return None
    there = [(s.query_start, s.query_end) for s in spans]
    back = [(s.reference_start, s.reference_end) for s in spans]
    return max(
        part_score(rows.best, rows.weights, query.timestamps, there),
        part_score(rows.reverse_best, rows.reverse_weights, reference.timestamps, back),
    )


@dataclass(frozen=True)
class _Scored:
    """A match of one view, without segments yet."""

    match: Match
    rows: _Rows


def rank(match: Match) -> tuple[float, float, str]:
    """Sort key: the strongest first; of equally strong ones what holds more of the query."""
    return -match.strength, -match.score, match.video_id


def rerank(
    views: Mapping[str, VideoFeatures],
    videos: Mapping[str, Sequence[str]],
    *,
    load: Callable[[str], VideoFeatures],
    names: Mapping[str, str],
    candidates: Mapping[str, Candidate],
    scorer: Scorer,
    options: AlignOptions,
    suits: Callable[[str, VideoFeatures], bool] = lambda view, reference: True,
    align_top: int = 50,
    watch: Watch = UNWATCHED,
) -> tuple[tuple[Match, ...], dict[str, str]]:
    """Matches by falling strength, and the videos left out with the reason.

    `views`: the query's features by the view's key, {WHOLE: …} for the whole picture alone.
    `videos`: those to compare with each view, where the view `suits` the reference. Segments are
    found for the `align_top` videos that score best in either direction; they may make a match
    stronger than its scores. Of a video's views the strongest counts, the whole picture among
    equals; a part of the picture that scores
    high never takes the place of the whole that matches better. A video whose features are missing
    or damaged is left out, not fatal: the others are still ranked. Raises Cancelled.
    """
    scored: list[list[_Scored]] = []  # of each video its views that may count, the best first
    skipped: dict[str, str] = {}
    compared = dict.fromkeys(chain.from_iterable(videos.values()))
    for done, video_id in enumerate(compared):
        try:
            reference = load(video_id)
        except StoreError as error:
            skipped[video_id] = str(error)
            continue
        of_views = []
        for key, query in views.items():
            watch.check()
            if video_id in videos.get(key, ()) and suits(key, reference):
                blank = _unscored(video_id, names[video_id], candidates.get(video_id), key)
                of_views.append(_score(blank, query, reference, scorer))
        if of_views:
            scored.append(_whole_and_best_part(of_views))
        watch.count("Comparing", done + 1, len(compared))
    scored.sort(key=lambda of_video: rank(of_video[0].match))
    # Matrices are made anew for the few that are shown: keeping all would not fit at scale.
    matches = []
    for number, of_video in enumerate(scored):
        if number >= align_top:
            matches.append(of_video[0].match)
            continue
        watch.check()
        reference = load(of_video[0].match.video_id)
        aligned = [_align(s, views[s.match.view], reference, options) for s in of_video]
        matches.append(min(aligned, key=lambda m: (rank(m), m.view != WHOLE)))
    return tuple(sorted(matches, key=rank)), skipped


def _whole_and_best_part(of_views: Sequence[_Scored]) -> list[_Scored]:
    """The whole picture and the part that scores highest, the stronger of the two first.

    Parts are compared by their scores alone: aligning each would take ten times as long.
    """
    whole = [s for s in of_views if s.match.view == WHOLE]
    parts = [s for s in of_views if s.match.view != WHOLE]
    best = [min(parts, key=lambda s: (-s.match.score, -s.match.reverse_score))] if parts else []
    return sorted([*whole, *best], key=lambda s: rank(s.match))


def _unscored(video_id: str, name: str, candidate: Candidate | None, view: str) -> Match:
    return Match(
        video_id=video_id,
        name=name,
        score=-1.0,
        reverse_score=-1.0,
        min_distance=None if candidate is None else candidate.min_distance,
        candidate_frames=0 if candidate is None else candidate.hits,
        segments=(),
        view=view,
    )


def _score(match: Match, query: VideoFeatures, reference: VideoFeatures, scorer: Scorer) -> _Scored:
    pair = pair_scores(query.regions, reference.regions, scorer)
    scored = replace(match, score=pair.score, reverse_score=pair.reverse_score)
    return _Scored(scored, _Rows.of(pair))


def _align(
    scored: _Scored, query: VideoFeatures, reference: VideoFeatures, options: AlignOptions
) -> Match:
    spans = pair_segments(query, reference, options)
    part = _segments_score(spans, query, reference, scored.rows)
    return replace(scored.match, segments=spans, part_score=part)
