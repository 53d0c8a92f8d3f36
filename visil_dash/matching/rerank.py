"""Re-ranking: a query against reference videos, by video-to-video similarity and alignment."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np

from visil_dash.errors import NotFound, StoreError
from visil_dash.matching.alignment import AlignOptions, segments
from visil_dash.matching.similarity import (
    PairScores,
    Scorer,
    chamfer,
    frame_to_frame_both,
    pair_scores,
    pair_scores_many,
    part_score,
    signal,
)
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE, Array, Candidate, Comparison, Match, Segment, VideoFeatures

LOADED_BYTES = 16 * 1024**2  # of region vectors compared at once: 1,800 frames of 9 × 256
ALIGN_TOP = 50  # videos that are aligned: those that score best
MAP_BYTES = 128 * 1024**2  # of frame-to-frame maps kept until the best videos are aligned


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
        part_score=_segments_score(spans, query.timestamps, reference.timestamps, _Rows.of(pair)),
    )


def pair_segments(
    query: VideoFeatures, reference: VideoFeatures, options: AlignOptions
) -> tuple[Segment, ...]:
    """Matched segments, aligned on the symmetric frame-to-frame similarity."""
    matrix = _symmetric(query.regions, reference.regions)
    return segments(matrix, query.timestamps, reference.timestamps, options)


def _symmetric(query: Array, reference: Array) -> Array:
    forward, reverse = frame_to_frame_both(query, reference)
    return (forward + reverse.T) / 2


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
    spans: Sequence[Segment], query_times: Array, reference_times: Array, rows: _Rows
) -> float | None:
    """Score of the frames inside the segments alone, of the direction that scores higher.

    None without segments.
    """
    if not spans:
        return None
    there = [(s.query_start, s.query_end) for s in spans]
    back = [(s.reference_start, s.reference_end) for s in spans]
    return max(
        part_score(rows.best, rows.weights, query_times, there),
        part_score(rows.reverse_best, rows.reverse_weights, reference_times, back),
    )


@dataclass(frozen=True)
class _Scored:
    """A match of one view, without segments yet, and the reference's timestamps."""

    match: Match
    rows: _Rows
    times: Array


def rank(match: Match) -> tuple[float, float, str]:
    """Sort key: the strongest first; of equally strong ones what holds more of the query."""
    return -match.strength, -match.score, match.video_id


@dataclass(frozen=True)
class ScoredVideo:
    """One reference video's match by its scores alone, and as it is where it was `aligned`."""

    by_scores: Match
    aligned: Match | None = None


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
    align_top: int = ALIGN_TOP,
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
    scored, skipped = compare_videos(
        views,
        videos,
        load=load,
        names=names,
        candidates=candidates,
        scorer=scorer,
        options=options,
        suits=suits,
        align_top=align_top,
        watch=watch,
    )
    return ranked_matches(scored, align_top=align_top), skipped


def ranked_matches(
    scored: Iterable[ScoredVideo], *, align_top: int = ALIGN_TOP
) -> tuple[Match, ...]:
    """Matches by falling strength; only the `align_top` that score best have segments, so that
    the result is the same in whatever parts the videos were compared."""
    best_first = sorted(scored, key=lambda video: rank(video.by_scores))
    aligned = [video.aligned or video.by_scores for video in best_first[:align_top]]
    return tuple(sorted([*aligned, *(v.by_scores for v in best_first[align_top:])], key=rank))


def compare_videos(
    views: Mapping[str, VideoFeatures],
    videos: Mapping[str, Sequence[str]],
    *,
    load: Callable[[str], VideoFeatures],
    names: Mapping[str, str],
    candidates: Mapping[str, Candidate],
    scorer: Scorer,
    options: AlignOptions,
    suits: Callable[[str, VideoFeatures], bool] = lambda view, reference: True,
    align_top: int = ALIGN_TOP,
    least: float = -np.inf,
    watch: Watch = UNWATCHED,
) -> tuple[list[ScoredVideo], dict[str, str]]:
    """The comparisons of `rerank`, of all videos or of a part of them, by falling scores.

    Of the `align_top` first, those whose scores reach `least` are aligned. Raises Cancelled.
    """
    scored: list[list[_Scored]] = []  # of each video its views that may count, the best first
    skipped: dict[str, str] = {}
    maps = _BestMaps(align_top)
    compared = list(dict.fromkeys(chain.from_iterable(videos.values())))
    wanted = {key: frozenset(videos.get(key, ())) for key in views}
    for done, references in _loaded(compared, load, skipped):
        pairs: dict[_Place, PairScores] = {}
        for key, query in views.items():
            some = [r for r in references if r.video_id in wanted[key] and suits(key, r)]
            regions = [r.regions for r in some]
            scores = pair_scores_many(query.regions, regions, scorer, watch=watch.silent())
            pairs |= {(r.video_id, key): pair for r, pair in zip(some, scores, strict=True)}
        blanks = [_unscored(r.video_id, names, candidates) for r in references]
        of_views = map(partial(_of_views, keys=tuple(views), pairs=pairs), blanks, references)
        fresh = [_whole_and_best_part(found) for found in of_views if found]
        scored += fresh
        maps.keep(fresh, pairs)
        watch.count("Comparing", done, len(compared))
    scored.sort(key=lambda of_video: rank(of_video[0].match))
    result = []
    for place, of_video in enumerate(scored):
        first, aligned = of_video[0].match, None
        if place < align_top and first.strength >= least:
            watch.check()
            aligned = _aligned(of_video, views, maps, load, options)
        result.append(ScoredVideo(first, aligned))
    return result, skipped


def _aligned(
    of_video: Sequence[_Scored],
    views: Mapping[str, VideoFeatures],
    maps: "_BestMaps",
    load: Callable[[str], VideoFeatures],
    options: AlignOptions,
) -> Match:
    """The strongest of a video's views that may count, once these are aligned."""
    each = [_align(s, views[s.match.view], maps, load, options) for s in of_video]
    return min(each, key=lambda m: (rank(m), m.view != WHOLE))


def _loaded(
    video_ids: Sequence[str], load: Callable[[str], VideoFeatures], skipped: dict[str, str]
) -> Iterator[tuple[int, list[VideoFeatures]]]:
    """The videos in the order given, as many at once as fit into LOADED_BYTES, each time with the
    number of those before; adds to `skipped` those that cannot be loaded."""
    some: list[VideoFeatures] = []
    loaded = 0  # bytes
    for done, video_id in enumerate(video_ids):
        try:
            some.append(load(video_id))
        except NotFound:  # removed meanwhile
            continue
        except StoreError as error:
            skipped[video_id] = str(error)
            continue
        loaded += some[-1].regions.nbytes
        if loaded >= LOADED_BYTES:
            yield done + 1, some
            some, loaded = [], 0
    yield len(video_ids), some


_Place = tuple[str, str]  # video id and view


class _BestMaps:
    """Frame-to-frame maps of the videos that rank first, which are aligned in the end: at most
    `most`, and those within MAP_BYTES; keeping all would not fit at scale."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._best: list[list[_Scored]] = []
        self._maps: dict[_Place, Array] = {}

    def keep(self, scored: Sequence[list[_Scored]], pairs: Mapping[_Place, PairScores]) -> None:
        """Takes in newly scored videos, in place of earlier ones that rank behind them."""
        ranked = sorted([*self._best, *scored], key=lambda of_video: rank(of_video[0].match))
        self._best = ranked[: self._most]
        kept: dict[_Place, Array] = {}
        room = MAP_BYTES
        for place in ((s.match.video_id, s.match.view) for of in self._best for s in of):
            known = self._maps.get(place)
            found = known if known is not None or place not in pairs else pairs[place].symmetric
            room -= 0 if found is None else found.nbytes
            if found is not None and room >= 0:
                kept[place] = found
        self._maps = kept

    def get(self, place: _Place) -> Array | None:
        """The symmetric map `[Tq, Tr]`, None where it was not kept."""
        return self._maps.get(place)


def _whole_and_best_part(of_views: Sequence[_Scored]) -> list[_Scored]:
    """The whole picture and the part that scores highest, the stronger of the two first.

    Parts are compared by their scores alone: aligning each would take ten times as long.
    """
    whole = [s for s in of_views if s.match.view == WHOLE]
    parts = [s for s in of_views if s.match.view != WHOLE]
    best = [min(parts, key=lambda s: (-s.match.score, -s.match.reverse_score))] if parts else []
    return sorted([*whole, *best], key=lambda s: rank(s.match))


def _unscored(
    video_id: str, names: Mapping[str, str], candidates: Mapping[str, Candidate]
) -> Match:
    candidate = candidates.get(video_id)
    return Match(
        video_id=video_id,
        name=names[video_id],
        score=-1.0,
        reverse_score=-1.0,
        min_distance=None if candidate is None else candidate.min_distance,
        candidate_frames=0 if candidate is None else candidate.hits,
        segments=(),
    )


def _of_views(
    blank: Match,
    reference: VideoFeatures,
    *,
    keys: Sequence[str],
    pairs: Mapping[_Place, PairScores],
) -> list[_Scored]:
    """The match of each view that was compared with the reference."""
    compared = [(key, pairs[blank.video_id, key]) for key in keys if (blank.video_id, key) in pairs]
    return [
        _Scored(
            replace(blank, score=pair.score, reverse_score=pair.reverse_score, view=key),
            _Rows.of(pair),
            reference.timestamps,
        )
        for key, pair in compared
    ]


def _align(
    scored: _Scored,
    query: VideoFeatures,
    maps: _BestMaps,
    load: Callable[[str], VideoFeatures],
    options: AlignOptions,
) -> Match:
    match = scored.match
    matrix = maps.get((match.video_id, match.view))
    if matrix is None:
        try:
            matrix = _symmetric(query.regions, load(match.video_id).regions)
        except NotFound:  # removed meanwhile
            return match
    spans = segments(matrix, query.timestamps, scored.times, options)
    part = _segments_score(spans, query.timestamps, scored.times, scored.rows)
    return replace(match, segments=spans, part_score=part)
