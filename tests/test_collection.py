"""Claims about the pairwise table, its order and its groups."""

import numpy as np
import pytest

from visil_dash.collection import group_order, groups, pair_table
from visil_dash.errors import Cancelled
from visil_dash.records import VideoFeatures
from visil_dash.similarity import chamfer, frame_to_frame


def features(seed, count=4):
    rng = np.random.default_rng(seed)
    made = {}
    for i in range(count):
        regions = rng.standard_normal((3 + i, 2, 5)).astype(np.float32)
        made[f"v{i}"] = VideoFeatures(f"v{i}", "x", regions, np.arange(3.0 + i))
    return made


def names(videos):
    return {v: v.upper() for v in videos}


def test_each_entry_is_the_score_of_row_in_column():
    videos = features(0)
    table = pair_table(videos, names(videos), compare=None)
    for i, a in enumerate(table.video_ids):
        for j, b in enumerate(table.video_ids):
            expected = chamfer(frame_to_frame(videos[a].regions, videos[b].regions))
            assert table.scores[i, j] == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(table.scores, table.scores.T)
    assert table.names == ("V0", "V1", "V2", "V3")


def test_known_pairs_are_not_computed_again():
    videos = features(1)
    kept = {}

    def keep(a, b, there, back):
        assert (a, b) not in kept
        kept[a, b], kept[b, a] = there, back

    first = pair_table(videos, names(videos), compare=None, on_pair=keep)
    again = pair_table(videos, names(videos), compare=None, known=kept, on_pair=keep)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_stopping_keeps_the_pairs_done_so_far():
    videos = features(2)
    kept = []
    with pytest.raises(Cancelled):
        pair_table(
            videos,
            names(videos),
            compare=None,
            on_pair=lambda *pair: kept.append(pair[:2]),
            cancelled=lambda: len(kept) == 3,
        )
    assert len(kept) == 3


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
