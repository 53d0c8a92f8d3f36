"""Frames within a distance, counted by video, against differences in plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.index import tally as tallying
from visil_dash.index.ids import frame_ids, split_ids
from visil_dash.index.tally import Hits, Rows, VideoCounts, tally, tally_of_hits
from visil_dash.reduction.unit import unit_length

COLUMNS = ("ordinals", "hits", "query_frames", "reference_frames", "nearest", "evidence", "in_step")


def rows_of(seed, lengths, dim=8):
    """Videos of these lengths, some frames of each missing as blank ones do."""
    random = np.random.default_rng(seed)
    ids = np.concatenate(
        [frame_ids(3 * o, n)[random.random(n) < 0.8] for o, n in enumerate(lengths)]
    )
    return Rows(ids, unit_length(random.standard_normal((len(ids), dim))))


def near(rows, seed, count):
    """Queries near some of the rows, and their frame numbers, of which some are missing."""
    random = np.random.default_rng(seed + 1)
    chosen = rows.vectors[random.integers(0, len(rows.ids), count)]
    queries = unit_length(chosen + random.normal(0, 0.4, chosen.shape))
    return queries.astype(np.float32), np.cumsum(random.integers(1, 3, count)) - 1


def distances(rows, queries):
    gaps = queries[:, None].astype(np.float64) - rows.vectors[None]
    return (gaps**2).sum(-1)


def plainly(apart, ids, numbers, threshold):
    ordinals, frames = split_ids(ids)
    found = []
    for ordinal in np.unique(ordinals):
        mine = ordinals == ordinal
        far, frame = apart[:, mine], frames[mine]
        inside = far <= threshold
        if inside.any():
            offsets = [int(frame[f] - numbers[q]) for q, f in np.argwhere(inside)]
            least = far.min(1)
            found.append(
                (
                    ordinal,
                    inside.sum(),
                    inside.any(1).sum(),
                    inside.any(0).sum(),
                    far.min(),
                    np.maximum(0.0, threshold - least).sum(),
                    max(offsets.count(o) for o in offsets),
                )
            )
    return found


def check(found: VideoCounts, expected):
    rows = np.array(list(zip(*(getattr(found, name) for name in COLUMNS), strict=True)), float)
    wanted = np.array(expected, float).reshape(-1, len(COLUMNS))
    np.testing.assert_allclose(rows.reshape(-1, len(COLUMNS)), wanted, rtol=1e-4, atol=1e-5)


def clear_of(threshold, apart):
    """The threshold, a little aside where a distance equals it: rounding would decide there."""
    near_it = np.abs(apart - threshold) < 1e-5
    return threshold + 3e-5 if near_it.any() else threshold


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.integers(1, 7),
    st.floats(0.0, 4.0),
    st.integers(0, 999),
)
def test_the_counts_are_those_of_plain_loops(lengths, count, threshold, seed):
    rows = rows_of(seed, lengths)
    if not len(rows.ids):
        return
    queries, numbers = near(rows, seed, count)
    gone = np.random.default_rng(seed).random(len(rows.ids)) < 0.2
    apart = distances(rows, queries)
    apart[:, gone] = np.inf
    threshold = clear_of(threshold, apart)
    found = tally(rows, queries, threshold, numbers, compared=np.arange(count), passed_over=gone)
    check(found, plainly(apart, rows.ids, numbers, threshold))


@given(st.integers(0, 999), st.floats(0.5, 3.0), st.lists(st.booleans(), min_size=5, max_size=5))
def test_hits_that_are_known_count_like_those_that_are_found(seed, threshold, known):
    rows = rows_of(seed, (9, 20, 4))
    queries, numbers = near(rows, seed, 5)
    apart = distances(rows, queries)
    threshold = clear_of(threshold, apart)
    query, row = np.nonzero((apart <= threshold) & np.array(known)[:, None])
    hits = Hits(query, rows.ids[row], apart[query, row].astype(np.float32))
    compared = np.flatnonzero(~np.array(known))
    expected = plainly(apart, rows.ids, numbers, threshold)
    check(tally(rows, queries, threshold, numbers, compared=compared, hits=hits), expected)
    if all(known):
        check(tally_of_hits(hits, threshold, numbers=numbers), expected)


def test_near_duplicates_keep_the_digits_of_their_distance():
    random = np.random.default_rng(0)
    rows = Rows(frame_ids(0, 50), unit_length(random.standard_normal((50, 64))))
    queries = rows.vectors[:3] + np.float32(1e-4)
    found = tally(rows, queries, 0.01, np.arange(3), compared=np.arange(3))
    assert (found.hits.tolist(), found.in_step.tolist()) == ([3], [3])
    np.testing.assert_allclose(found.nearest, 64e-8, rtol=1e-3)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    rows = rows_of(1, (17, 3, 40), dim=6)
    queries, numbers = near(rows, 1, 5)
    gone = np.arange(len(rows.ids)) % 7 == 0
    whole, parts = (None, None)
    for cells in (1 << 18, 15):
        monkeypatch.setattr(tallying, "BLOCK_CELLS", cells)
        parts, whole = (
            whole,
            tally(rows, queries, 1.7, numbers, compared=np.arange(5), passed_over=gone),
        )
    assert parts is not None
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name), atol=1e-6)
    assert len(whole.ordinals) == 3
