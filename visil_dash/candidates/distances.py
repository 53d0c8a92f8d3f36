"""Frame distances, for the threshold's instruments: of one query, and of all labelled queries."""

from collections.abc import Sequence

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.generation import shown_numbers
from visil_dash.candidates.thresholds import DistanceLevels, QueryDistances
from visil_dash.index.frames import FrameSpace
from visil_dash.index.ids import split_ids
from visil_dash.library.store import Library
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, VideoFeatures, VideoRecord
from visil_dash.reduction.distances import squared_distances

_MOST_DISTANCES = 50_000_000  # float32 kept for one query: 200 MB
_BLOCK_FLOATS = 8_000_000  # distances held at once: 32 MB of float32


def distances_of(
    query: VideoFeatures, *, library: Library, space: FrameSpace, levels: DistanceLevels
) -> QueryDistances:
    """Exact distances, in the space that the index searches; the query's own frames are left out.

    A query too long for that at once is thinned to evenly spaced frames (`query_times` names
    them); frames that show nothing and library frames set aside take no part.
    """
    ids, vectors = space.snapshot()
    ordinals, frames = split_ids(ids)
    videos = [v for v in library.videos() if v.video_id != query.video_id]
    position = {v.ordinal: i for i, v in enumerate(videos)}
    owner = np.array([position.get(o, -1) for o in ordinals.tolist()], np.int64)
    aside = aside_ids(library, query.extractor, {v.ordinal: v.video_id for v in videos})
    mine = (owner >= 0) & ~np.isin(ids, aside)
    vectors, owner, frames = vectors[mine], owner[mine], frames[mine]
    keep = shown_numbers(query)
    most = max(1, _MOST_DISTANCES // max(1, len(vectors)))
    if len(keep) > most:
        keep = keep[np.linspace(0, len(keep) - 1, most).round().astype(int)]
    times = np.zeros(len(owner))
    for i, video in enumerate(videos):
        rows = owner == i
        if rows.any():
            stored = library.features(video.video_id, extractor=query.extractor)
            times[rows] = stored.timestamps[frames[rows]]
    return QueryDistances(
        video_ids=tuple(v.video_id for v in videos),
        names=tuple(v.name for v in videos),
        distances=squared_distances(space.reduction(query.frame_vectors[keep]), vectors),
        video=owner,
        frame=frames,
        times=times,
        query_times=query.timestamps[keep],
        levels=levels,
    )


def nearest_by_video(
    queries: Sequence[str],
    videos: Sequence[VideoRecord],
    ids: Array,
    vectors: Array,
    *,
    watch: Watch = UNWATCHED,
) -> Array:
    """Smallest squared L2 distance of any two frames, `[Q, V]` float32; inf without frames.

    `ids` `[N]` and reduced `vectors` `[N, d]` as FrameSpace.snapshot gives them; `queries` are ids
    of `videos`. Raises Cancelled.
    """
    ordinals, _ = split_ids(ids)
    order = np.argsort(ordinals, kind="stable")
    ordinals, vectors = ordinals[order], vectors[order].astype(np.float32)
    first = {v.video_id: np.searchsorted(ordinals, v.ordinal, side="left") for v in videos}
    last = {v.video_id: np.searchsorted(ordinals, v.ordinal, side="right") for v in videos}
    there = [v.video_id for v in videos if last[v.video_id] > first[v.video_id]]
    there.sort(key=lambda v: first[v])
    column = {v.video_id: i for i, v in enumerate(videos)}
    out = np.full((len(queries), len(videos)), np.inf, np.float32)
    if not there:
        return out
    columns = np.array([column[v] for v in there])
    starts = np.array([first[v] for v in there])
    step = max(1, _BLOCK_FLOATS // len(vectors))
    for done, query in enumerate(queries):
        watch.count("Measuring distances", done, len(queries))
        frames = vectors[first[query] : last[query]]
        for at in range(0, len(frames), step):
            watch.check()
            nearest = squared_distances(frames[at : at + step], vectors).min(0)
            # Frames of videos that were just removed lie between those asked for.
            ends = [last[v] for v in there]
            found = [nearest[a:b].min() for a, b in zip(starts, ends, strict=True)]
            out[done, columns] = np.minimum(out[done, columns], found)
    return out
