"""Re-ranking: a query against reference videos, by video-to-video similarity and alignment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from visil_dash.errors import StoreError
from visil_dash.matching.alignment import AlignOptions, segments
from visil_dash.matching.similarity import (
    Scorer,
    chamfer,
    frame_to_frame_both,
    pair_scores,
    part_score,
)
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import (
    Array,
    Candidate,
    Comparison,
    Match,
    Segment,
    VideoFeatures,
)


def compare_pair(
    query: VideoFeatures,
    reference: VideoFeatures,
    *,
    scorer: Scorer,
    options: AlignOptions,
    watch: Watch = UNWATCHED,
) -> Comparison:
    """Everything that the method says of one pair. Raises Cancelled."""
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
        chamfer=chamfer(pair.forward),
        chamfer_reverse=chamfer(pair.reverse),
        segments=spans,
        part_score=_segments_score(spans, query, reference, pair.best, pair.reverse_best),
    )


def pair_segments(
    query: VideoFeatures, reference: VideoFeatures, options: AlignOptions
) -> tuple[Segment, ...]:
    """Matched segments, aligned on the symmetric frame-to-frame similarity."""
    forward, reverse = frame_to_frame_both(query.regions, reference.regions)
    return segments((forward + reverse.T) / 2, query.timestamps, reference.timestamps, options)


def _segments_score(
    spans: Sequence[Segment],
    query: VideoFeatures,
    reference: VideoFeatures,
    best: Array,
    reverse_best: Array,
) -> float | None:
    """Score of the frames inside the segments alone, of the direction that scores higher.

    `best`, `reverse_best`: each row's best value of either direction (see PairScores). None without
    segments.
    """
    if not spans:
        return None
    there = [(s.query_start, s.query_end) for s in spans]
    back = [(s.reference_start, s.reference_end) for s in spans]
    return max(
        part_score(best, query.timestamps, there),
        part_score(reverse_best, reference.timestamps, back),
    )


@dataclass(frozen=True)
class _Scored:
    """A match of one view; `best`, `reverse_best`: each row's best value in either direction."""

    match: Match
    best: Array
    reverse_best: Array


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
    align_top: int = 50,
    watch: Watch = UNWATCHED,
) -> tuple[tuple[Match, ...], dict[str, str]]:
    """Matches by falling strength, and the videos left out with the reason.

    `views`: the query's features by the view's key, {WHOLE: …} for the whole picture alone.
    `videos`: those to compare with each view. Of each video the view that scores highest counts, of
    equal ones the first. Segments are found for the `align_top` that score best in either
    direction; they may make a match stronger than its scores. A video whose features are missing
    or damaged is left out, not fatal: the others are still ranked. Raises Cancelled.
    """
    scored: list[_Scored] = []
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
            if video_id in videos.get(key, ()):
                blank = _unscored(video_id, names[video_id], candidates.get(video_id), key)
                of_views.append(_score(blank, query, reference, scorer))
        scored.append(min(of_views, key=lambda s: (-s.match.score, -s.match.reverse_score)))
        watch.count("Comparing", done + 1, len(compared))
    scored.sort(key=lambda s: rank(s.match))
    # Matrices are made anew for the few that are shown: keeping all would not fit at scale.
    aligned = [
        _align(s, views[s.match.view], load(s.match.video_id), options) for s in scored[:align_top]
    ]
    matches = [*aligned, *(s.match for s in scored[align_top:])]
    return tuple(sorted(matches, key=rank)), skipped


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
    return _Scored(scored, pair.best, pair.reverse_best)


def _align(
    scored: _Scored, query: VideoFeatures, reference: VideoFeatures, options: AlignOptions
) -> Match:
    spans = pair_segments(query, reference, options)
    part = _segments_score(spans, query, reference, scored.best, scored.reverse_best)
    return replace(scored.match, segments=spans, part_score=part)
