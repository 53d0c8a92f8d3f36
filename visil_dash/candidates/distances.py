"""All distances of one query's frames to a library's frames, for the threshold's instruments."""

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.thresholds import DistanceLevels, QueryDistances, pairwise_distances
from visil_dash.index.frames import FrameSpace, split_ids
from visil_dash.library.store import Library
from visil_dash.records import VideoFeatures

MOST_DISTANCES = 50_000_000  # float32 kept for one query: 200 MB


def distances_of(
    query: VideoFeatures, *, library: Library, space: FrameSpace, levels: DistanceLevels
) -> QueryDistances:
    """Exact distances, in the space that the index searches; the query's own frames are left out.

    A query too long for that at once is thinned to evenly spaced frames (`query_times` says
    which); frames that show nothing and library frames set aside take no part.
    """
    ids, vectors = space.snapshot()
    ordinals, frames = split_ids(ids)
    videos = [v for v in library.videos() if v.video_id != query.video_id]
    position = {v.ordinal: i for i, v in enumerate(videos)}
    owner = np.array([position.get(o, -1) for o in ordinals.tolist()], np.int64)
    aside = aside_ids(library, query.extractor, {v.ordinal: v.video_id for v in videos})
    mine = (owner >= 0) & ~np.isin(ids, aside)
    vectors, owner, frames = vectors[mine], owner[mine], frames[mine]
    keep = np.flatnonzero(query.regions.any((1, 2)))
    most = max(1, MOST_DISTANCES // max(1, len(vectors)))
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
        distances=pairwise_distances(space.reduction(query.frame_vectors[keep]), vectors),
        video=owner,
        frame=frames,
        times=times,
        query_times=query.timestamps[keep],
        levels=levels,
    )
