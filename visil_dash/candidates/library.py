"""Candidate generation in a library: its videos, its frame space, its frames set aside."""

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.generation import frames_within
from visil_dash.index.frames import FrameSpace
from visil_dash.library.store import Library
from visil_dash.records import FrameHits, VideoFeatures


def library_hits(
    query: VideoFeatures, threshold: float, *, library: Library, space: FrameSpace
) -> FrameHits:
    """Library frames within `threshold` of the query's; the query's own do not count."""
    videos = {v.ordinal: v.video_id for v in library.videos()}
    return frames_within(
        space,
        space.reduction(query.frame_vectors),
        threshold,
        videos=videos,
        exclude=query.video_id,
        aside=aside_ids(library, query.extractor, videos),
    )
