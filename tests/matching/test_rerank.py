"""The score of the segments alone: the same mean as the whole score, of fewer rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import fake_compare
from visil_dash.matching import rerank as rerank_module
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import CHAMFER, Scorer, pair_scores, part_score
from visil_dash.records import WHOLE, Match, VideoFeatures


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_a_row_counts_when_one_of_its_frames_lies_in_a_span(
    frames: int, starts: list[tuple[int, int]], seed: int
) -> None:
    pooled = max(1, frames // 4)
    best = np.random.default_rng(seed).uniform(-1, 1, pooled)
    spans = [(float(start), float(start + length)) for start, length in starts]
    inside = [any(a <= t < b for a, b in spans) for t in range(frames)]
    rows = {t * pooled // frames for t in range(frames) if inside[t]}
    expected = np.mean([best[row] for row in rows]) if rows else -1.0
    ones = np.ones(pooled)
    assert part_score(best, ones, np.arange(frames) * 1.0, spans) == pytest.approx(expected)


def test_the_whole_video_taken_alone_is_the_score_itself() -> None:
    random = np.random.default_rng(0)
    query, reference = (random.standard_normal((n, 3, 8)).astype(np.float32) for n in (24, 40))
    for compare in (None, fake_compare):
        pair = pair_scores(query, reference, Scorer(compare))
        times = np.arange(24.0)
        assert part_score(pair.best, pair.weights, times, [(0, 24)]) == pytest.approx(
            pair.score, abs=1e-6
        )
        back = part_score(pair.reverse_best, pair.reverse_weights, np.arange(40.0), [(0, 40)])
        assert back == pytest.approx(pair.reverse_score, abs=1e-6)


def video(name: str, *parts: int, length: int = 16) -> VideoFeatures:
    """Stretches of frames by seed: equal numbers are the same footage."""
    made = [np.random.default_rng(part).standard_normal((length, 4, 32)) for part in parts]
    regions = np.concatenate(made)
    regions /= np.linalg.norm(regions, axis=-1, keepdims=True)
    times = np.arange(len(regions)) * 1.0
    return VideoFeatures(name, "x", regions.astype(np.float32), times)


def ranked(query: VideoFeatures, *videos: VideoFeatures, align_top: int = 50) -> list[Match]:
    named = {v.video_id: v for v in videos}
    found, _ = rerank(
        {WHOLE: query},
        {WHOLE: tuple(named)},
        load=named.__getitem__,
        names={name: name for name in named},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.7),
        align_top=align_top,
    )
    return list(found)


def test_a_view_is_compared_only_where_it_suits_the_reference() -> None:
    views = {WHOLE: video("q", 1), "in-wide": video("q", 2)}
    videos = {name: video(name, 2) for name in ("wide", "upright")}
    found, _ = rerank(
        views,
        dict.fromkeys(views, tuple(videos)),
        load=videos.__getitem__,
        names={name: name for name in videos},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.7),
        suits=lambda view, reference: view == WHOLE or reference.video_id == "wide",
    )
    assert {m.video_id: m.view for m in found} == {"wide": "in-wide", "upright": WHOLE}


def test_a_small_part_scores_like_a_match_where_the_whole_does_not() -> None:
    query = video("q", 1, 2, 3, 4, 5, 6)
    found = ranked(query, video("shares", 7, 8, 3, 9, 10, 11), video("other", 12, 13, 14))
    told = {m.video_id: m for m in found}
    assert told["shares"].part_score == pytest.approx(1.0, abs=0.1)
    assert told["shares"].score < 0.5
    assert len(told["shares"].segments) == 1
    assert told["other"].segments == ()
    assert told["other"].part_score is None


def test_the_strongest_comes_first_whichever_of_its_scores_is_the_best() -> None:
    query = video("q", 1, 2, 3, 4, 5, 6)
    half = video("half", 1, 2, 3, 7, 8, 9)  # the highest score, and strong by what lines up
    inside = video("inside", 5)  # all of it is in the query, which holds much more
    shares = video("shares", 10, 11, 3, 12, 13, 14)  # strong only by what lines up
    strange = video("strange", 20, 21)
    found = ranked(query, strange, shares, inside, half)
    assert [m.strength for m in found] == sorted((m.strength for m in found), reverse=True)
    assert {m.name for m in found[:3]} == {"half", "inside", "shares"}
    assert found[-1].name == "strange"
    by_name = {m.name: m for m in found}
    assert by_name["inside"].score < 0.5 < by_name["inside"].reverse_score
    assert max(by_name["shares"].score, by_name["shares"].reverse_score) < 0.5


def test_what_scores_well_either_way_is_aligned_before_the_others() -> None:
    query = video("q", 1, 2, 3, 4, 5, 6)
    inside, part = video("inside", 5), video("part", 1, 7, 8)
    found = ranked(query, part, inside, align_top=1)
    assert part.video_id in [m.video_id for m in found if not m.segments]
    assert found[0].name == "inside"
    assert found[0].segments


def test_maps_made_anew_and_videos_loaded_one_by_one_give_the_same_matches(monkeypatch) -> None:
    query = video("q", 1, 2, 3, 4)
    videos = [
        video(f"v{i}", *parts) for i, parts in enumerate([(1, 2), (3,), (9,), (4, 8), (7, 6)])
    ]
    at_once = ranked(query, *videos)
    monkeypatch.setattr(rerank_module, "MAP_BYTES", 0)
    monkeypatch.setattr(rerank_module, "LOADED_BYTES", 1)
    for one, other in zip(at_once, ranked(query, *videos), strict=True):
        assert (one.video_id, one.segments) == (other.video_id, other.segments)
        assert one.score == pytest.approx(other.score, abs=1e-6)


def test_each_video_is_loaded_once() -> None:
    videos = {name: video(name, seed) for seed, name in enumerate("abcdef")}
    loaded = []

    def load(name: str) -> VideoFeatures:
        loaded.append(name)
        return videos[name]

    rerank(
        {WHOLE: video("q", 0)},
        {WHOLE: tuple(videos)},
        load=load,
        names={name: name for name in videos},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.7),
    )
    assert loaded == list(videos)
