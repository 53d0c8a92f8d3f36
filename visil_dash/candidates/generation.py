"""Candidate generation: frames of the library near a query's frames, mapped to videos."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import Protocol

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.thresholds import by_evidence
from visil_dash.index.ids import split_ids
from visil_dash.index.snapshot import Snapshot
from visil_dash.index.tally import VideoCounts
from visil_dash.library.store import Library
from visil_dash.records import Array, Candidate, VideoFeatures, VideoRecord

_MOST_IN_TABLE = 10_000_000  # ordinals; beyond, they are looked up in order


class FrameSearcher(Protocol):
    """The frames of a library, by squared L2 distance."""

    def within(
        self,
        queries: Array,
        threshold: float,
        *,
        passed_over: Callable[[Array], Array],
        numbers: Array | None = None,
        only: Collection[int] | None = None,
    ) -> VideoCounts:
        """Frames within `threshold` of `[Q, D]` by video, but those of which `passed_over` is True;
        `numbers` `[Q]` are the frame numbers of the queries, None: their places. `only`: ordinals
        of which alone frames can count, so that others need not be looked for."""
        ...


def candidates_within(
    space: FrameSearcher,
    queries: Array,
    threshold: float,
    *,
    videos: Mapping[int, str],
    exclude: str = "",
    aside: Array | None = None,
    numbers: Array | None = None,
    few: bool = False,
) -> tuple[Candidate, ...]:
    """Videos with a frame within `threshold` (squared L2) of one of the query's frame vectors
    `[Tq, D]`, by falling evidence.

    `videos` maps ordinals to video ids; frames of other ordinals, of the video `exclude` (the
    query itself, when it is in the library) and the frame ids `aside` do not count. `numbers`
    `[Tq]`: frame numbers of the vectors, ascending; None: their places. `few`: `videos` are not all
    of the space's, so that looking for these alone pays.

    Hits at one offset in time are counted too, but order nothing: that was measured, and found no
    more copies among as many videos (docs/decisions/0008-candidates-that-narrow.md).
    """
    counts_not = _others(videos, exclude)

    def passed_over(ids: Array) -> Array:
        gone = counts_not(split_ids(ids)[0])
        return gone if aside is None or not len(aside) else gone | np.isin(ids, aside)

    found = space.within(
        queries, threshold, passed_over=passed_over, numbers=numbers, only=videos if few else None
    )
    columns = zip(*(column.tolist() for column in vars(found).values()), strict=True)
    candidates = [
        Candidate(
            video_id=videos[ordinal],
            min_distance=nearest,
            hits=hits,
            query_frames=query_frames,
            reference_frames=reference_frames,
            evidence=evidence,
            frames_in_step=in_step,
        )
        for ordinal, hits, query_frames, reference_frames, nearest, evidence, in_step in columns
    ]
    return tuple(sorted(candidates, key=by_evidence))


def _others(videos: Mapping[int, str], exclude: str) -> Callable[[Array], Array]:
    """Which ordinals are not in `videos`, or of the video `exclude`; bool."""
    known = np.array(sorted(o for o, video_id in videos.items() if video_id != exclude), np.int64)
    if len(known) and known[-1] < _MOST_IN_TABLE:
        table = np.ones(int(known[-1]) + 2, bool)
        table[known] = False
        return lambda ordinals: np.asarray(table[np.minimum(ordinals, len(table) - 1)])
    return lambda ordinals: np.isin(ordinals, known, invert=True)


def tagged(videos: Iterable[VideoRecord], tags: Collection[str]) -> tuple[VideoRecord, ...]:
    """Those that have all of the tags."""
    wanted = set(tags)
    return tuple(video for video in videos if wanted.issubset(video.tags))


def library_candidates(
    query: VideoFeatures,
    threshold: float,
    *,
    library: Library,
    view: Snapshot,
    tags: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """Videos with all `tags` and with frames within `threshold` of the query's, whose own do not
    count.

    Frames of the query that show nothing find nothing: a zero vector is near every faint one.
    """
    videos = {v.ordinal: v.video_id for v in tagged(library.videos(), tags)}
    shown = shown_numbers(query)
    return candidates_within(
        view,
        view.reduction(query.frame_vectors[shown]),
        threshold,
        videos=videos,
        exclude=query.video_id,
        aside=aside_ids(library, query.extractor, videos),
        numbers=shown,
        few=bool(tags),
    )


def shown_numbers(query: VideoFeatures) -> Array:
    """Numbers of the frames that show something; flat ones have no direction."""
    return np.flatnonzero(query.shown)


def merged(proposals: Iterable[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Candidates of several views of one query as one list: of each video its best proposal."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(chain.from_iterable(proposals), key=by_evidence):
        best.setdefault(candidate.video_id, candidate)
    return tuple(best.values())
