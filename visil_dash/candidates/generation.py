"""Candidate generation: frames of the library near a query's frames, mapped to videos.

The index answers only k nearest neighbours, and misses some. So k grows until the distance
threshold is passed, and distances are exact: the searcher re-scores them from stored vectors.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.thresholds import by_evidence
from visil_dash.index.snapshot import Snapshot, split_ids
from visil_dash.library.store import Library
from visil_dash.records import Array, Candidate, FrameHits, VideoFeatures

_FIRST_K = 32


class FrameSearcher(Protocol):
    """Nearest frames of a library, distances squared L2 and exact, nearest first."""

    def __len__(self) -> int: ...

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """`[Q, D]` → frame ids `[Q, k]` int64 and distances `[Q, k]`, k at most `len(self)`."""
        ...


def frames_within(
    space: FrameSearcher,
    queries: Array,
    threshold: float,
    *,
    videos: Mapping[int, str],
    first_k: int = _FIRST_K,
    exclude: str = "",
    aside: Array | None = None,
) -> FrameHits:
    """Library frames within `threshold` (squared L2) of the query's frame vectors `[Tq, D]`.

    `videos` maps ordinals to video ids; frames of other ordinals, of the video `exclude` (the
    query itself, when it is in the library) and the frame ids `aside` do not count. k doubles for
    the query frames whose farthest neighbour is still within the threshold, until it is passed
    or the library ends.
    """
    found = _grown(space, queries, threshold, first_k)
    video_of = _positions(videos, exclude)
    columns: list[tuple[Array, Array, Array, Array]] = []
    nearest = np.full(len(queries), np.inf, np.float32)
    for query in sorted(found):
        ids, distances = found[query]
        ordinals, frames = split_ids(ids)
        video = video_of(ordinals)
        counts = (video >= 0) & ~np.isin(ids, [] if aside is None else aside)
        if counts.any():
            nearest[query] = distances[counts].min()
        hit = counts & (distances <= threshold)
        columns.append((np.full(hit.sum(), query), video[hit], frames[hit], distances[hit]))
    if columns:
        q, v, f, d = (np.concatenate(c) for c in zip(*columns, strict=True))
    else:
        q = v = f = np.empty(0, np.int64)
        d = np.empty(0, np.float32)
    order = np.argsort(d, kind="stable")
    return FrameHits(
        video_ids=tuple(videos.values()),
        query_frame=q[order],
        video=v[order],
        reference_frame=f[order],
        distance=d[order],
        nearest=nearest,
        threshold=threshold,
    )


def _grown(
    space: FrameSearcher, queries: Array, threshold: float, first_k: int
) -> dict[int, tuple[Array, Array]]:
    """Ids and distances of each query frame's neighbours until the threshold is passed."""
    total = len(space)
    found: dict[int, tuple[Array, Array]] = {}
    pending = np.arange(len(queries))
    k = min(first_k, total)
    while len(pending) and total:
        ids, distances = space.search(queries[pending], k)
        for row, query in enumerate(pending.tolist()):
            found[query] = ids[row], distances[row]
        if k >= total:
            break
        pending = pending[distances[:, -1] <= threshold]
        k = min(2 * k, total)
    return found


def _positions(videos: Mapping[int, str], exclude: str) -> Callable[[Array], Array]:
    """Position in `videos` by ordinal; -1 for ordinals that are not in it, and for `exclude`."""
    known = np.array(sorted(videos), np.int64)
    place = {video_id: i for i, video_id in enumerate(videos.values())}
    position = np.array(
        [-1 if videos[o] == exclude else place[videos[o]] for o in known.tolist()] + [-1]
    )

    def of(ordinals: Array) -> Array:
        slot = np.searchsorted(known, ordinals)
        met = np.append(known, -1)[slot] == ordinals
        return np.asarray(position[np.where(met, slot, len(known))])

    return of


def library_hits(
    query: VideoFeatures, threshold: float, *, library: Library, view: Snapshot
) -> FrameHits:
    """Library frames within `threshold` of the query's; the query's own do not count.

    Frames of the query that show nothing find nothing: a zero vector is near every faint one.
    """
    videos = {v.ordinal: v.video_id for v in library.videos()}
    shown = shown_numbers(query)
    hits = frames_within(
        view,
        view.reduction(query.frame_vectors[shown]),
        threshold,
        videos=videos,
        exclude=query.video_id,
        aside=aside_ids(library, query.extractor, videos),
    )
    nearest = np.full(len(query), np.inf, np.float32)
    nearest[shown] = hits.nearest
    return replace(hits, query_frame=shown[hits.query_frame], nearest=nearest)


def shown_numbers(query: VideoFeatures) -> Array:
    """Numbers of the frames that show something; flat ones have no direction."""
    return np.flatnonzero(query.shown)


def candidate_videos(hits: FrameHits) -> tuple[Candidate, ...]:
    """Videos with at least one hit, by falling evidence.

    Hits at one offset in time are counted too, but order nothing: that was measured, and found no
    more copies among as many videos (docs/decisions/0008-candidates-that-narrow.md).
    """
    positions, video = np.unique(hits.video, return_inverse=True)
    # Hits come nearest first, so the first of a video and a query frame is its nearest.
    of_frame = np.unique(np.stack([video, hits.query_frame]), axis=1, return_index=True)[1]
    room = np.maximum(0.0, hits.threshold - hits.distance[of_frame].astype(np.float64))
    evidence = np.bincount(video[of_frame], room, minlength=len(positions))
    query_frames = np.bincount(video[of_frame], minlength=len(positions))
    of_reference = np.unique(np.stack([video, hits.reference_frame]), axis=1)[0]
    reference_frames = np.bincount(of_reference, minlength=len(positions))
    nearest = np.full(len(positions), np.inf, np.float32)
    np.minimum.at(nearest, video, hits.distance)
    offsets = np.stack([video, hits.reference_frame - hits.query_frame])
    (owner, _), in_step = np.unique(offsets, axis=1, return_counts=True)
    most_in_step = np.zeros(len(positions), np.int64)
    np.maximum.at(most_in_step, owner, in_step)
    candidates = [
        Candidate(
            video_id=hits.video_ids[position],
            min_distance=float(nearest[i]),
            hits=count,
            query_frames=int(query_frames[i]),
            reference_frames=int(reference_frames[i]),
            evidence=float(evidence[i]),
            frames_in_step=int(most_in_step[i]),
        )
        for i, (position, count) in enumerate(
            zip(positions.tolist(), np.bincount(video).tolist(), strict=True)
        )
    ]
    return tuple(sorted(candidates, key=by_evidence))


def merged(proposals: Iterable[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Candidates of several views of one query as one list: of each video its best proposal."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(chain.from_iterable(proposals), key=by_evidence):
        best.setdefault(candidate.video_id, candidate)
    return tuple(best.values())
