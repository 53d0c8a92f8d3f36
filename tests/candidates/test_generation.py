"""Claims about candidate generation, against exact search in plain loops."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.candidates.generation import candidates_within, merged
from visil_dash.index.ids import frame_ids
from visil_dash.index.tally import Hits, tally_of_hits
from visil_dash.records import Candidate

EMPTY = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)


class PlainSpace:
    """Exact search over videos given as {ordinal: vectors}."""

    def __init__(self, videos):
        self.videos = videos
        self.ids = np.concatenate([frame_ids(o, len(v)) for o, v in videos.items()])
        self.vectors = np.concatenate(list(videos.values()))

    def within(self, queries, threshold, *, passed_over, numbers=None, only=None):
        hits = []
        for q, query in enumerate(queries):
            for frame, vector in zip(self.ids, self.vectors, strict=True):
                distance = ((query - vector) ** 2).sum()
                if distance <= threshold and not passed_over(np.array([frame]))[0]:
                    hits.append((q, frame, distance))
        query, ids, distance = (np.array(c) for c in zip(*hits, strict=True)) if hits else EMPTY
        numbers = np.arange(len(queries)) if numbers is None else numbers
        return tally_of_hits(Hits(query, ids, distance), threshold, numbers=numbers)


def library(seed, videos=5, frames=12, dim=3):
    rng = np.random.default_rng(seed)
    return {3 * o: rng.random((frames, dim), dtype=np.float32) for o in range(videos)}


def ids(videos):
    return {o: f"video{o}" for o in videos}


def test_the_query_itself_and_unknown_videos_do_not_count():
    videos = library(1)
    known = ids(videos)
    del known[12]
    found = candidates_within(PlainSpace(videos), videos[3], 99.0, videos=known, exclude="video3")
    assert {c.video_id for c in found} == {"video0", "video6", "video9"}
    # The nearest frame that counts is another video's, not the query's own at distance 0.
    assert all(c.min_distance > 0 for c in found)


def test_frames_set_aside_do_not_count():
    videos = library(1)
    some = frame_ids(6, 12)[:5]
    for aside, frames in ((None, 12), (some, 7)):
        found = candidates_within(
            PlainSpace(videos), videos[3], 99.0, videos=ids(videos), aside=aside
        )
        assert {c.video_id: c.reference_frames for c in found}["video6"] == frames


def test_an_empty_library_has_no_candidates():
    class Empty(PlainSpace):
        def __init__(self):
            self.ids, self.vectors = np.empty(0, np.int64), np.empty((0, 4))

    assert candidates_within(Empty(), np.zeros((3, 4), np.float32), 4.0, videos={}) == ()


def test_evidence_adds_up_over_query_frames():
    far, near = np.array([[0.4, 0]]), np.array([[0.1, 0]])
    videos = {0: near.astype(np.float32), 1: np.repeat(far, 2, 0).astype(np.float32)}
    queries = np.array([[0.0, 0], [0.6, 0]], np.float32)
    often, once = candidates_within(
        PlainSpace(videos), queries, 0.2, videos={0: "near", 1: "often"}
    )
    assert (often.video_id, often.query_frames, often.reference_frames, often.hits) == (
        "often",
        2,
        2,
        4,
    )
    assert (once.video_id, once.query_frames) == ("near", 1)
    np.testing.assert_allclose([often.min_distance, once.min_distance], [0.04, 0.01], atol=1e-6)
    np.testing.assert_allclose([often.evidence, once.evidence], [0.04 + 0.16, 0.19], atol=1e-6)
    assert (often.frames_in_step, once.frames_in_step) == (2, 1)
    tighter = candidates_within(PlainSpace(videos), queries, 0.17, videos={0: "near", 1: "often"})
    assert [c.video_id for c in tighter] == ["near", "often"]


@given(st.integers(0, 500), st.floats(0.01, 2.0))
def test_candidates_and_their_order_are_those_of_plain_loops(seed, limit):
    videos = library(seed)
    queries = np.random.default_rng(seed + 1).random((4, 3), dtype=np.float32)
    found = candidates_within(PlainSpace(videos), queries, limit, videos=ids(videos))
    expected = {}
    for ordinal, vectors in videos.items():
        apart = ((queries[:, None] - vectors[None]) ** 2).sum(-1)
        inside = apart <= limit
        if inside.any():
            offsets = [int(f) - int(q) for q, f in np.argwhere(inside)]
            expected[f"video{ordinal}"] = (
                np.maximum(0.0, limit - apart.min(1).astype(float)).sum(),
                apart.min(),
                inside.sum(),
                inside.any(1).sum(),
                inside.any(0).sum(),
                max(offsets.count(o) for o in offsets),
            )
    assert {c.video_id for c in found} == set(expected)
    for c in found:
        got = (
            c.evidence,
            c.min_distance,
            c.hits,
            c.query_frames,
            c.reference_frames,
            c.frames_in_step,
        )
        np.testing.assert_allclose(got, expected[c.video_id], rtol=1e-4, atol=1e-5)
    assert all(a.evidence >= b.evidence - 1e-6 for a, b in pairwise(found))


def test_of_several_views_the_one_of_most_evidence_speaks_for_a_video():
    one = (Candidate("a", 0.3, 1, 1, 1, 0.4), Candidate("b", 0.1, 1, 1, 1, 0.3))
    other = (Candidate("b", 0.2, 5, 3, 2, 0.9), Candidate("a", 0.1, 1, 1, 1, 0.1))
    assert merged([one, other]) == (other[0], one[0])
