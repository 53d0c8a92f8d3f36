"""The nearest frames and videos, held to plain loops over everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.candidates import nearest
from visil_dash.candidates.nearest import nearest_frames
from visil_dash.index.ids import frame_ids

VIDEOS = {3: "a", 4: "b", 9: "c", 20: "d"}


def world(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    ids = np.concatenate([frame_ids(ordinal, frames) for ordinal in VIDEOS])
    return ids, random.normal(size=(len(ids), 5)).astype(np.float32)


def plain(
    vectors: np.ndarray, queries: np.ndarray, frames: int, most: int, per_video: int, exclude: str
) -> list[tuple[str, list[float]]]:
    """Per video its nearest distances, nearest video first, by loops in double precision."""
    found = []
    for position, name in enumerate(VIDEOS.values()):
        mine = vectors[position * frames : (position + 1) * frames].astype(np.float64)
        best = [min(float(((v - q) ** 2).sum()) for q in queries.astype(np.float64)) for v in mine]
        if name != exclude:
            found.append((name, sorted(best)[:per_video]))
    return sorted(found, key=lambda f: f[1][0])[:most]


@given(
    st.integers(0, 1000),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from(["", "b"]),
)
def test_they_are_those_of_a_plain_search(
    seed: int, frames: int, count: int, most: int, per_video: int, exclude: str
) -> None:
    ids, vectors = world(seed, frames)
    queries = np.random.default_rng(seed + 1).normal(size=(count, 5)).astype(np.float32)
    found = nearest_frames(
        ids, vectors, queries, videos=VIDEOS, most=most, per_video=per_video, exclude=exclude
    )
    got: dict[str, list[float]] = {}
    for frame in found:
        got.setdefault(frame.video_id, []).append(frame.distance)
    wanted = plain(vectors, queries, frames, most, per_video, exclude)
    assert list(got) == [name for name, _ in wanted]
    for name, distances in wanted:
        assert got[name] == pytest.approx(distances, rel=1e-5)
    assert len({(f.video_id, f.frame) for f in found}) == len(found)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, vectors = world(5, 30)
    queries = vectors[[7, 40]] + np.float32(0.01)
    whole = nearest_frames(ids, vectors, queries, videos=VIDEOS, most=3, per_video=4)
    monkeypatch.setattr(nearest, "CELLS", 14)
    assert nearest_frames(ids, vectors, queries, videos=VIDEOS, most=3, per_video=4) == whole


def test_an_empty_side_has_no_nearest() -> None:
    ids, vectors = world(1, 2)
    assert nearest_frames(ids[:0], vectors[:0], vectors, videos=VIDEOS, most=3) == ()
    assert nearest_frames(ids, vectors, vectors[:0], videos=VIDEOS, most=3) == ()


def test_the_same_frame_is_at_no_distance_and_names_its_query_frame() -> None:
    ids, vectors = world(2, 3)
    found = nearest_frames(ids, vectors, vectors[[1, 4]], videos=VIDEOS, most=2)
    assert [(f.video_id, f.frame, f.query_frame, f.distance) for f in found] == [
        ("a", 1, 0, 0.0),
        ("b", 1, 1, 0.0),
    ]
