"""Claims about the search that always answers: the nearest videos, whatever the threshold."""

import numpy as np
import pytest

from tests.test_services import bench, clips, fill, settings  # noqa: F401 fixtures
from visil_dash.frames_aside import set_frames_aside, take_frames_back
from visil_dash.index.frames import split_ids
from visil_dash.queries import search_nearest
from visil_dash.thresholds import pairwise_distances


@pytest.fixture
def query(bench, clips):  # noqa: F811
    return bench.open_clip(clips["query.mp4"]).query_id


def by_plain_loop(bench, query_id, aside=()):  # noqa: F811
    """Videos in the order of their nearest frame to any query frame."""
    view = bench.space.view()
    vectors = view.reduction(bench.clip(query_id).features.frame_vectors)
    ordinals, frames = split_ids(view.ids)
    nearest: dict[str, float] = {}
    names = {v.ordinal: v.video_id for v in bench.videos()}
    distances = pairwise_distances(vectors, view.vectors).min(0)
    for ordinal, frame, distance in zip(ordinals, frames, distances, strict=True):
        video = names[int(ordinal)]
        if (video, int(frame)) not in aside:
            nearest[video] = min(nearest.get(video, np.inf), float(distance))
    return sorted(nearest, key=lambda v: nearest[v])


def test_the_nearest_videos_answer_where_the_threshold_admits_nothing(bench, query):  # noqa: F811
    result = search_nearest(bench, query, most=2, threshold=0.0)
    assert {c.video_id for c in result.candidates} == set(by_plain_loop(bench, query)[:2])
    assert "Nothing lies within the distance threshold" in result.notices[0]
    assert len(result.matches) == 2


def test_frames_set_aside_make_no_video_near(bench, query):  # noqa: F811
    first = by_plain_loop(bench, query)[0]
    count = next(v.frames for v in bench.videos() if v.video_id == first)
    set_frames_aside(bench.library, bench.extractor, {first: range(count)})
    try:
        result = search_nearest(bench, query, most=10, threshold=1e9)
        assert first not in {c.video_id for c in result.candidates}
        assert len(result.candidates) == len(bench.videos()) - 1
    finally:
        take_frames_back(bench.library, bench.extractor)
    again = search_nearest(bench, query, most=10, threshold=1e9)
    assert first in {c.video_id for c in again.candidates}
