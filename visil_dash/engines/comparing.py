"""A search that compares all videos, in shards on an engine.

Processes read the features from the library's folder by themselves. What they cannot read is
compared by the caller, which also knows what to report of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from itertools import chain

from visil_dash.engines.ahead import Piece, Pool
from visil_dash.engines.shards import in_order
from visil_dash.engines.stored import ModelName, StoredFeatures, content_name, scorer_of
from visil_dash.framing.views import SuitsByShape
from visil_dash.library.store import Library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import ALIGN_TOP, ScoredVideo, compare_videos, ranked_matches
from visil_dash.matching.similarity import Scorer
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Candidate, Match, MediaInfo, VideoFeatures

_SHARD_FRAMES = 8192  # of the videos of a shard: about a second's work for a clip of a minute
_LEAST_FRAMES = 512  # which also small libraries are cut into, so that every process has some
_SHARDS_A_PLACE = 4  # so that the last ones end at about the same time


@dataclass(frozen=True)
class ComparedQuery:
    """What all shards of a search share: the query's features by view, and how it is compared."""

    views: Mapping[str, VideoFeatures]
    scorer: Scorer | ModelName
    options: AlignOptions
    align_top: int = ALIGN_TOP


@dataclass(frozen=True)
class _Videos:
    """One shard: its videos by view, and what of each the comparison needs."""

    videos: Mapping[str, Sequence[str]]
    names: Mapping[str, str]
    candidates: Mapping[str, Candidate]
    infos: Mapping[str, MediaInfo]
    features: StoredFeatures


_Compared = tuple[list[ScoredVideo], dict[str, str]]  # and why videos are missing, by id


def _compare_shard(*, query: ComparedQuery, shard: _Videos, least: float) -> _Compared | None:
    """`compare_videos` in a process of an engine; None where it cannot read all of its videos."""
    scored, skipped = _compared(query, shard, scorer_of(query.scorer), shard.features.load, least)
    return None if skipped else (scored, skipped)


def _compared(
    query: ComparedQuery,
    shard: _Videos,
    scorer: Scorer,
    load: Callable[[str], VideoFeatures],
    least: float,
    watch: Watch = UNWATCHED,
) -> _Compared:
    return compare_videos(
        query.views,
        shard.videos,
        load=load,
        names=shard.names,
        candidates=shard.candidates,
        scorer=scorer,
        options=query.options,
        suits=SuitsByShape(shard.infos),
        align_top=query.align_top,
        least=least,
        watch=watch,
    )


def rerank_on(
    pool: Pool,
    query: ComparedQuery,
    videos: Mapping[str, Sequence[str]],
    *,
    library: Library,
    scorer: Scorer,
    candidates: Mapping[str, Candidate],
    shard_frames: int = _SHARD_FRAMES,
    watch: Watch,
) -> tuple[tuple[Match, ...], dict[str, str]]:
    """As matching.rerank, in shards on a pool; `scorer`: for those that this process compares.

    Videos are compared in the order given, so the most promising belong first: the strongest match
    so far stands in what is reported. Raises Cancelled.
    """
    shards = _shards(videos, candidates, library, query, places=pool.places(), most=shard_frames)
    shared, name = pool.shared(query), content_name(query)
    scored: list[ScoredVideo] = []
    skipped: dict[str, str] = {}

    def piece(number: int) -> Piece:
        least = _least_aligned(scored, query.align_top)
        about = {"query": shared, "shard": shards[number], "least": least}
        return Piece(_compare_shard, about)

    def here(number: int) -> _Compared:
        shard, least = shards[number], _least_aligned(scored, query.align_top)
        load = partial(library.features, extractor=shard.features.extractor)
        return _compared(query, shard, scorer, load, least, watch.silent())

    keys = [content_name(name, sorted(shard.features.sha256.items())) for shard in shards]
    done, total = 0, sum(len(shard.names) for shard in shards)
    watch.count(f"Comparing by {pool.name}", done, total)
    results = in_order(pool, keys, piece=piece, here=here, watch=watch)
    for shard, (of_shard, lacking) in zip(shards, results, strict=True):
        scored += of_shard
        skipped |= lacking
        done += len(shard.names)
        watch.count(f"Comparing by {pool.name}{_best_so_far(scored)}", done, total)
    return ranked_matches(scored, align_top=query.align_top), skipped


def _shards(
    videos: Mapping[str, Sequence[str]],
    candidates: Mapping[str, Candidate],
    library: Library,
    query: ComparedQuery,
    *,
    places: int,
    most: int,
) -> list[_Videos]:
    """The videos in their order, in shards of about equal numbers of frames."""
    records = {video.video_id: video for video in library.videos()}
    extractor = next(iter(query.views.values())).extractor
    rows = {row.video_id: row for row in library.feature_rows(extractor)}
    order = [v for v in dict.fromkeys(chain.from_iterable(videos.values())) if v in records]
    frames = [rows[v].frames if v in rows else 1 for v in order]
    of_view = {key: frozenset(ids) for key, ids in videos.items()}

    def shard(part: Sequence[str]) -> _Videos:
        hashes = {v: rows[v].sha256 for v in part if v in rows}
        return _Videos(
            {key: [v for v in part if v in ids] for key, ids in of_view.items()},
            {v: records[v].name for v in part},
            {v: candidates[v] for v in part if v in candidates},
            {v: records[v].info for v in part},
            StoredFeatures.of(library, extractor, hashes),
        )

    return [shard(part) for part in _cut(order, frames, places=places, most=most)]


def _cut(order: Sequence[str], frames: Sequence[int], *, places: int, most: int) -> list[list[str]]:
    """The videos in shards of about equal numbers of frames, about `most` or fewer."""
    each = min(most, max(_LEAST_FRAMES, sum(frames) // (_SHARDS_A_PLACE * places)))
    parts: list[list[str]] = []
    room = 0
    for video_id, count in zip(order, frames, strict=True):
        if room <= 0:
            parts.append([])
            room = each
        parts[-1].append(video_id)
        room -= max(1, count)
    return parts


def _least_aligned(scored: Sequence[ScoredVideo], align_top: int) -> float:
    """The strength below which a video cannot be among the `align_top` any more."""
    best = nlargest(align_top, (video.by_scores.strength for video in scored))
    return best[-1] if len(best) == align_top else -float("inf")


def _best_so_far(scored: Sequence[ScoredVideo]) -> str:
    if not scored:
        return ""
    best = max((v.aligned or v.by_scores for v in scored), key=lambda match: match.strength)
    return f", best so far {best.strength:.2f} {best.name}"
