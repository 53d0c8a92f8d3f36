"""Claims about the pairwise table, its order and its groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.collection import table as collection
from visil_dash.collection.table import KnownPairs, group_order, groups, pair_table
from visil_dash.errors import Cancelled
from visil_dash.matching.similarity import CHAMFER, chamfer, frame_to_frame
from visil_dash.progress import Watch
from visil_dash.records import VideoFeatures


def features(seed, count=4):
    rng = np.random.default_rng(seed)
    made = {}
    for i in range(count):
        regions = rng.standard_normal((3 + i, 2, 5)).astype(np.float32)
        made[f"v{i}"] = VideoFeatures(f"v{i}", "x", regions, np.arange(3.0 + i))
    return made


def names(videos):
    return {v: v.upper() for v in videos}


def table_of(videos, pairs=None, **options):
    given = {"load": videos.__getitem__, "extractor": "x", "scorer": CHAMFER} | options
    return pair_table(names(videos), pairs, **given)


def test_each_entry_is_the_score_of_row_in_column():
    videos = features(0)
    table = table_of(videos)
    for i, a in enumerate(table.video_ids):
        for j, b in enumerate(table.video_ids):
            expected = chamfer(frame_to_frame(videos[a].regions, videos[b].regions))
            assert table.scores[i, j] == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(table.scores, table.scores.T)
    assert table.names == ("V0", "V1", "V2", "V3")


def never(video_id):
    raise AssertionError(f"{video_id} was compared before")


def test_known_pairs_are_not_computed_again():
    videos, known = features(1), KnownPairs()
    first = table_of(videos, known=known)
    assert len(known) == len(videos) ** 2
    again = table_of(videos, known=known, load=never)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_stopping_keeps_the_pairs_done_so_far():
    videos, known = features(2), KnownPairs()
    seen = []
    with pytest.raises(Cancelled, match="the pairs done so far are kept"):
        table_of(
            videos,
            known=known,
            watch=Watch(seen.append, lambda: len(seen) == 3),
        )
    assert [(p.done, p.total) for p in seen] == [(1, 10), (2, 10), (3, 10)]
    assert [known.get("v0", v) is not None for v in videos] == [True, True, True, False]


def test_pairs_that_were_not_asked_for_have_no_score_and_the_others_their_own():
    videos = features(3, 5)
    whole, known = table_of(videos), KnownPairs()
    some = table_of(videos, [("v3", "v1"), ("v0", "v4"), ("v1", "v3"), ("v0", "gone")], known=known)
    scored = {(1, 3), (3, 1), (0, 4), (4, 0)}
    for i, j in np.ndindex(5, 5):
        if (i, j) in scored:
            assert some.scores[i, j] == whole.scores[i, j]
        else:
            assert np.isnan(some.scores[i, j])
    assert len(known) == 4
    assert table_of({}).scores.shape == (0, 0)


@pytest.mark.parametrize("tile", [1, 2, 3, 64])
def test_features_of_two_tiles_at_most_are_held(tile, monkeypatch):
    """Every pair is compared once, and a video is loaded about once for every tile."""
    monkeypatch.setattr(collection, "TILE", tile)
    videos, loads, done = features(4, 11), [], []

    def load(video_id):
        loads.append(video_id)
        return videos[video_id]

    table = table_of(videos, load=load, watch=Watch(done.append))
    np.testing.assert_array_equal(table.scores, table_of(videos).scores)
    assert [(p.done, p.total) for p in done] == [(at, 66) for at in range(1, 67)]
    tiles = -(-len(videos) // tile)
    assert len(loads) <= len(videos) * (tiles + 1)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.booleans()), max_size=40
    )
)
def test_known_pairs_are_a_dictionary_of_pairs(steps):
    known, plain = KnownPairs(), {}
    for at, (a, b, forget) in enumerate(steps):
        if forget:
            known.forget(a)
            plain = {pair: score for pair, score in plain.items() if a not in pair}
        else:
            known.keep(a, b, at, at + 0.5)
            plain[a, b], plain[b, a] = at, at + 0.5
    assert len(known) == len(plain)
    for a in "abcdefg":
        for b in "abcdefg":
            expected = (plain[a, b], plain[b, a]) if (a, b) in plain else None
            if a == b and expected is not None:
                continue  # one number a video, and a video with itself has but one
            assert known.get(a, b) == expected


def test_groups_chain_pairs_above_the_threshold_in_either_direction():
    scores = np.zeros((6, 6))
    scores[0, 2] = 0.8  # one way is enough
    scores[4, 2] = 0.7  # joins through 2
    scores[1, 5] = 0.5
    assert list(groups(scores, 0.6)) == [(0, 2, 4)]
    assert list(groups(scores, 0.5)) == [(0, 2, 4), (1, 5)]
    assert list(groups(scores, 0.9)) == []


def test_the_order_puts_groups_side_by_side():
    member = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    scores = np.where(member[:, None] == member[None], 0.9, 0.1)
    order = group_order(scores)
    assert sorted(order) == list(range(9))
    assert (np.diff(member[order]) != 0).sum() == 2
    assert group_order(np.zeros((0, 0))) == []
