"""A threshold carried from one space to another keeps what it says it keeps."""

import numpy as np
import pytest

from visil_dash.reduction.transfer import transfer


def plain_carried(source, target, threshold, recall):  # type: ignore[no-untyped-def]
    """The smallest target distance that admits the wanted share again, by trying them all."""
    pairs = [
        float(target[i, j])
        for i in range(source.shape[0])
        for j in range(source.shape[1])
        if source[i, j] <= threshold
    ]
    for value in sorted(pairs):
        if sum(p <= value for p in pairs) >= recall * len(pairs) - 1e-9:
            return value, len(pairs)
    raise AssertionError


@pytest.mark.parametrize("recall", [0.5, 0.9, 1.0])
def test_it_admits_the_share_again_and_no_refused_pair_more_than_it_must(recall: float) -> None:
    random = np.random.default_rng(1)
    source = random.random((12, 30)).astype(np.float32)
    target = (source * 3 + random.random((12, 30))).astype(np.float32)
    found = transfer(source, target, 0.3, recall=recall)
    assert found is not None
    expected, admitted = plain_carried(source, target, 0.3, recall)
    # As far as the gap before the next refused pair lets it, which admits no further pair.
    assert found.threshold >= expected - 1e-6
    refused = target[source > 0.3]
    assert not ((refused > expected) & (refused <= found.threshold)).any()
    assert found.admitted == admitted
    inside, now = source <= 0.3, target <= np.float32(found.threshold)
    assert found.recall == pytest.approx((inside & now).sum() / inside.sum())
    assert found.extra == pytest.approx((now & ~inside).sum() / inside.sum())
    assert found.low <= found.threshold <= found.high


def test_a_scaled_space_carries_it_exactly_and_admits_the_same_pairs() -> None:
    source = np.random.default_rng(2).random((10, 40)).astype(np.float32)
    found = transfer(source, 4 * source, 0.5, recall=1.0)
    assert found is not None
    assert found.threshold == pytest.approx(2.0, rel=1e-3)
    back = transfer(4 * source, source, found.threshold, recall=1.0)
    assert back is not None
    assert back.threshold == pytest.approx(0.5, rel=1e-3), "carried back, it is where it was"
    assert (found.recall, found.extra) == (1.0, 0.0)


def test_pairs_that_do_not_count_change_nothing() -> None:
    random = np.random.default_rng(3)
    source, target = random.random((2, 8, 20)).astype(np.float32)
    valid = random.random((8, 20)) < 0.6
    found = transfer(source, target, 0.4, valid=valid, recall=0.8)
    alone = transfer(
        np.where(valid, source, 9).astype(np.float32),
        np.where(valid, target, 9).astype(np.float32),
        0.4,
        recall=0.8,
    )
    assert found == alone


def test_the_interval_holds_the_threshold_of_all_frames_about_as_often_as_it_says() -> None:
    """Samples of a population whose own threshold is known: 95 % intervals hold it mostly."""
    random = np.random.default_rng(4)
    source = random.random((4000, 10)).astype(np.float32)
    target = (source + 0.3 * random.random((4000, 10))).astype(np.float32)
    truth = transfer(source, target, 0.5, recall=0.9, resamples=1)
    assert truth is not None
    held = 0
    for draw in range(40):
        rows = np.random.default_rng(draw).integers(0, 4000, 80)
        found = transfer(source[rows], target[rows], 0.5, recall=0.9, seed=draw)
        assert found is not None
        held += found.low <= truth.threshold <= found.high
        assert found.unseen_recall == pytest.approx(0.9, abs=0.05)
    assert held >= 33  # 38 expected; 33 or fewer of 40 have odds below 1 in 200


def test_nothing_within_the_threshold_cannot_be_carried() -> None:
    assert transfer(np.ones((3, 4)), np.ones((3, 4)), 0.5) is None
    with pytest.raises(ValueError, match="same"):
        transfer(np.ones((3, 4)), np.ones((4, 3)), 0.5)
    with pytest.raises(ValueError, match="recall"):
        transfer(np.ones((3, 4)), np.ones((3, 4)), 2.0, recall=0.0)
