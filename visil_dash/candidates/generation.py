"""Candidate generation: frames of the library near a query's frames, mapped to videos."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.thresholds import by_evidence
from visil_dash.index.near import Near
from visil_dash.index.snapshot import Snapshot, split_ids
from visil_dash.library.store import Library
from visil_dash.records import Array, Candidate, FrameHits, VideoFeatures

_MOST_IN_TABLE = 10_000_000  # ordinals; beyond, they are looked up in order
_KEY_BITS = 22  # frame numbers have 20


class FrameSearcher(Protocol):
    """The frames of a library, by squared L2 distance."""

    def within(
        self, queries: Array, threshold: float, *, passed_over: Callable[[Array], Array]
    ) -> Near:
        """Frames within `threshold` of `[Q, D]`, but those of which `passed_over` is True."""
        ...


def frames_within(
    space: FrameSearcher,
    queries: Array,
    threshold: float,
    *,
    videos: Mapping[int, str],
    exclude: str = "",
    aside: Array | None = None,
) -> FrameHits:
    """Library frames within `threshold` (squared L2) of the query's frame vectors `[Tq, D]`.

    `videos` maps ordinals to video ids; frames of other ordinals, of the video `exclude` (the
    query itself, when it is in the library) and the frame ids `aside` do not count.
    """
    video_of = _positions(videos, exclude)

    def passed_over(ids: Array) -> Array:
        gone: Array = video_of(split_ids(ids)[0]) < 0
        return gone if aside is None or not len(aside) else gone | np.isin(ids, aside)

    near = space.within(queries, threshold, passed_over=passed_over)
    ordinals, frames = split_ids(near.ids)
    order = np.argsort(near.distance, kind="stable")
    return FrameHits(
        video_ids=tuple(videos.values()),
        query_frame=near.query[order],
        video=video_of(ordinals)[order],
        reference_frame=frames[order],
        distance=near.distance[order],
        nearest=near.nearest,
        threshold=threshold,
    )


def _positions(videos: Mapping[int, str], exclude: str) -> Callable[[Array], Array]:
    """Position in `videos` by ordinal; -1 for ordinals that are not in it, and for `exclude`."""
    known = np.array(sorted(videos), np.int64)
    place = {video_id: i for i, video_id in enumerate(videos.values())}
    position = np.array(
        [-1 if videos[o] == exclude else place[videos[o]] for o in known.tolist()] + [-1]
    )
    if len(known) and known[-1] < _MOST_IN_TABLE:
        table = np.full(int(known[-1]) + 2, -1)
        table[known] = position[:-1]
        return lambda ordinals: np.asarray(table[np.minimum(ordinals, len(table) - 1)])

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
    of_frame = _first_of_each(video, hits.query_frame)
    room = np.maximum(0.0, hits.threshold - hits.distance[of_frame].astype(np.float64))
    evidence = np.bincount(video[of_frame], room, minlength=len(positions))
    query_frames = np.bincount(video[of_frame], minlength=len(positions))
    of_reference = _first_of_each(video, hits.reference_frame)
    reference_frames = np.bincount(video[of_reference], minlength=len(positions))
    nearest = np.full(len(positions), np.inf, np.float32)
    np.minimum.at(nearest, video, hits.distance)
    offsets = _keys(video, hits.reference_frame - hits.query_frame)
    offset, in_step = np.unique(offsets, return_counts=True)
    most_in_step = np.zeros(len(positions), np.int64)
    np.maximum.at(most_in_step, offset >> _KEY_BITS, in_step)
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


def _keys(video: Array, frame: Array) -> Array:
    """One number for each pair of a video's position and a frame number or a difference of two."""
    return (video.astype(np.int64) << _KEY_BITS) + frame + (1 << (_KEY_BITS - 1))


def _first_of_each(video: Array, frame: Array) -> Array:
    """Place of the first hit of each video and frame, in the order of both."""
    return np.asarray(np.unique(_keys(video, frame), return_index=True)[1])


def merged(proposals: Iterable[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Candidates of several views of one query as one list: of each video its best proposal."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(chain.from_iterable(proposals), key=by_evidence):
        best.setdefault(candidate.video_id, candidate)
    return tuple(best.values())
