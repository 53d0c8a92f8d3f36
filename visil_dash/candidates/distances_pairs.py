"""Smallest frame distance of every labelled query to every video: what the threshold decides by."""

from collections.abc import Sequence

import numpy as np

from visil_dash.candidates.thresholds import pairwise_distances
from visil_dash.index.frames import split_ids
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, VideoRecord

BLOCK_FLOATS = 8_000_000  # distances held at once: 32 MB of float32


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
    step = max(1, BLOCK_FLOATS // len(vectors))
    for done, query in enumerate(queries):
        watch.count("Measuring distances", done, len(queries))
        frames = vectors[first[query] : last[query]]
        for at in range(0, len(frames), step):
            watch.check()
            nearest = pairwise_distances(frames[at : at + step], vectors).min(0)
            # Frames of videos that were just removed lie between those asked for.
            ends = [last[v] for v in there]
            found = [nearest[a:b].min() for a, b in zip(starts, ends, strict=True)]
            out[done, columns] = np.minimum(out[done, columns], found)
    return out
