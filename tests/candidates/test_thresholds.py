"""The fast answers behind the threshold slider are the slow ones, at every threshold."""

import sys
import time
from types import FrameType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.candidates.thresholds import (
    DistanceLevels,
    QueryDistances,
    admit,
    admitted_counts,
    candidates_at,
    distance_profile,
    histogram,
    nearest_of_rows,
)
from visil_dash.records import Array


def make_view(distances: Array, video: Array, videos: int) -> QueryDistances:
    return QueryDistances(
        video_ids=tuple(f"video{v}" for v in range(videos)),
        names=tuple(f"{v}.mp4" for v in range(videos)),
        distances=distances.astype(np.float32),
        video=video,
        frame=np.arange(len(video)),
        times=np.arange(len(video), dtype=float),
        query_times=np.arange(len(distances), dtype=float),
        levels=DistanceLevels(18.0, 12.0),
    )


@st.composite
def views(draw: st.DrawFn) -> QueryDistances:
    """Small integer distances, so that many are equal to each other and to the threshold."""
    videos = draw(st.integers(1, 4))
    video = np.array(draw(st.lists(st.integers(0, videos - 1), min_size=0, max_size=9)), np.int64)
    rows = draw(st.integers(0, 4))
    cells = draw(
        st.lists(st.integers(0, 6), min_size=rows * len(video), max_size=rows * len(video))
    )
    return make_view(np.array(cells, float).reshape(rows, len(video)), video, videos)


@given(views())
def test_the_counts_of_many_thresholds_are_those_of_each(view: QueryDistances) -> None:
    thresholds = np.arange(-1.0, 7.0, 0.5)
    one_by_one = [admit(view.profile, float(t)) for t in thresholds]
    expected = [(a.candidates, a.pairs, a.query_frames, a.reference_frames) for a in one_by_one]
    counted = np.transpose(admitted_counts(view.profile, thresholds))
    np.testing.assert_array_equal(counted, np.array(expected))
    some = view.profile.counts_up_to(6.0, 12)
    np.testing.assert_array_equal(np.transpose(some), np.array(expected)[2:15])


@given(views(), st.integers(-2, 14).map(lambda t: t / 2))
def test_binary_search_admits_what_counting_admits(view: QueryDistances, threshold: float) -> None:
    fast, inside = admit(view.profile, threshold), view.distances <= threshold
    assert fast.pairs == inside.sum()
    assert fast.query_frames == inside.any(1).sum()
    assert fast.reference_frames == inside.any(0).sum()
    of_video = [view.video == v for v in range(len(view.video_ids))]
    hits = [int(inside[:, own].sum()) for own in of_video]
    np.testing.assert_array_equal(fast.hits, hits)
    assert fast.candidates == sum(count > 0 for count in hits)
    np.testing.assert_array_equal(
        fast.nearest, [view.distances[:, own].min(initial=np.inf) for own in of_video]
    )


@given(views(), st.integers(-2, 14).map(lambda t: t / 2))
def test_candidates_are_those_of_plain_loops(view: QueryDistances, threshold: float) -> None:
    expected = []
    for v, video_id in enumerate(view.video_ids):
        hits = [
            (q, n, float(view.distances[q, n]))
            for q in range(len(view.query_times))
            for n in range(len(view.video))
            if view.video[n] == v and view.distances[q, n] <= threshold
        ]
        if hits:
            queries, references = {q for q, _, _ in hits}, {n for _, n, _ in hits}
            nearest = min(d for _, _, d in hits)
            evidence = sum(threshold - min(d for q, _, d in hits if q == mine) for mine in queries)
            expected.append(
                (video_id, nearest, len(hits), len(queries), len(references), round(evidence, 6))
            )
    expected.sort(key=lambda c: (-c[5], c[1], c[0]))
    found = [
        (
            c.video_id,
            c.min_distance,
            c.hits,
            c.query_frames,
            c.reference_frames,
            round(c.evidence, 6),
        )
        for c in candidates_at(view.profile, threshold)
    ]
    assert found == expected


@given(views(), st.integers(1, 9))
def test_every_distance_is_in_its_bin(view: QueryDistances, bins: int) -> None:
    edges, counts = histogram(view.profile, bins=bins)
    assert len(counts) == bins
    assert counts.sum() == view.distances.size
    for b in range(bins):
        inside = (view.distances >= edges[b]) & (view.distances < edges[b + 1])
        if b == bins - 1:
            inside |= view.distances >= edges[b + 1]
        assert counts[b] == inside.sum()


@given(views(), st.integers(1, 12))
def test_neighbours_are_the_smallest_of_each_row(view: QueryDistances, count: int) -> None:
    rows = range(len(view.query_times))
    columns, distances = nearest_of_rows(view, rows, count=count)
    for i in rows:
        np.testing.assert_array_equal(distances[i], np.sort(view.distances[i])[:count])
        np.testing.assert_array_equal(view.distances[i, columns[i]], distances[i])


def steps_of_a_move(view: QueryDistances, threshold: float) -> int:
    """Functions called, Python's and C's, from a threshold to all that the page shows of it."""
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    profile = view.profile
    _ = profile.counted
    sys.setprofile(count)
    try:
        admit(profile, threshold)
        candidates_at(profile, threshold)
        nearest_of_rows(view, range(10))
        _ = profile.counted
    finally:
        sys.setprofile(None)
    return steps


def test_a_move_takes_no_more_steps_when_there_are_more_frames() -> None:
    rng = np.random.default_rng(0)

    def view(videos: int, frames: int) -> QueryDistances:
        distances = rng.uniform(1, 2, (10, videos * frames))
        return make_view(distances, np.repeat(np.arange(videos), frames), videos)

    few = steps_of_a_move(view(20, 20), 3.0)
    assert steps_of_a_move(view(20, 200), 3.0) == few
    assert steps_of_a_move(view(200, 20), 3.0) < 11 * few


@pytest.fixture(scope="module")
def large() -> QueryDistances:
    rng = np.random.default_rng(0)
    distances = rng.normal(12, 1.5, (60, 100_000)).clip(0, None)
    return make_view(distances, np.sort(rng.integers(0, 1000, 100_000)), 1000)


def test_a_hundred_thousand_frames_answer_in_a_twentieth_of_a_second(large: QueryDistances) -> None:
    profile = distance_profile(large)
    took = []
    for threshold in np.linspace(5, 15, 9):
        start = time.perf_counter()
        candidates_at(profile, float(threshold))
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05
