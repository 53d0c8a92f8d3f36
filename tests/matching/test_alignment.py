"""Claims about matched segments, on matrices whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.speed import plain
from visil_dash.matching.alignment import AlignOptions, align, in_step, likeliest_offset, segments
from visil_dash.matching.paths import FAR_STEPS, NEAR_STEPS, path_scores

OPTIONS = AlignOptions(frame_level=0.4)


def matrix_with(tq, tr, cells, *, high=0.8, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    matrix = 0.15 + noise * rng.standard_normal((tq, tr))
    for i, j in cells:
        matrix[i, j] = high
    return matrix


def only(matrix):
    found = segments(matrix, np.arange(matrix.shape[0]), np.arange(matrix.shape[1]), OPTIONS)
    assert len(found) == 1
    return found[0]


@settings(max_examples=40)
@given(st.integers(4, 15), st.integers(0, 10), st.integers(0, 20), st.integers(0, 99))
def test_a_copied_interval_is_found_exactly(length, query_at, reference_at, seed):
    cells = [(query_at + i, reference_at + i) for i in range(length)]
    found = only(matrix_with(30, 45, cells, seed=seed))
    assert (found.query_start, found.query_end) == (query_at, query_at + length)
    assert (found.reference_start, found.reference_end) == (reference_at, reference_at + length)
    assert found.speed == pytest.approx(1, abs=0.01)
    assert not found.reversed


def test_a_copy_that_plays_backwards_is_called_reversed():
    found = only(matrix_with(20, 30, [(5 + i, 22 - i) for i in range(10)]))
    assert found.reversed
    assert (found.query_start, found.query_end) == (5, 15)
    assert (found.reference_start, found.reference_end) == (13, 23)


@pytest.mark.parametrize(
    ("cells", "speed"),
    [
        ([(4 + i, 3 + 2 * i) for i in range(9)], 2.0),
        ([(4 + 2 * i, 3 + i) for i in range(9)], 0.5),
        ([(i, 3 * i) for i in range(8)], 3.0),
        ([(i, 4 * i) for i in range(6)], 4.0),
        ([(4 * i, i) for i in range(6)], 0.25),
    ],
)
def test_another_playing_speed_is_measured(cells, speed):
    rows, columns = np.array(cells).max(0)
    found = only(matrix_with(rows + 2, columns + 2, cells))
    assert found.speed == pytest.approx(speed, rel=0.1)


def test_two_excerpts_in_swapped_order_are_two_segments():
    cells = [(i, 20 + i) for i in range(8)] + [(10 + i, 2 + i) for i in range(8)]
    found = segments(matrix_with(20, 30, cells), np.arange(20), np.arange(30), OPTIONS)
    spans = [(s.query_start, s.query_end, s.reference_start) for s in found]
    assert spans == [(0, 8, 20), (10, 18, 2)]


@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (1, 1), (2, 60), (60, 2), (3, 60)])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_segment_rests_on_several_frames_and_a_single_frame_has_one_place(shape, seed):
    """A still picture (all alike) and pairs that agree here and there."""
    matrix = np.ones(shape) if seed is None else np.random.default_rng(seed).random(shape)
    paths = align(matrix, AlignOptions(frame_level=0.3))
    if 1 in shape:
        assert len(paths) <= 1
        assert all(
            cells == [(i, j)] and matrix[i, j] == matrix.max()
            for cells, _ in paths
            for i, j in cells
        )
    for cells, _ in paths:
        for side in zip(*cells, strict=True):
            assert len(set(side)) >= min(2, *shape)


def test_one_bad_frame_does_not_break_a_copy():
    cells = [(3 + i, 5 + i) for i in range(12) if i != 6]
    found = only(matrix_with(20, 25, cells))
    assert (found.query_start, found.query_end) == (3, 15)


@given(st.integers(0, 200))
@settings(max_examples=20)
def test_unrelated_videos_have_no_segment(seed):
    assert align(matrix_with(25, 40, [], seed=seed), OPTIONS) == []


def test_a_still_picture_is_called_forward_not_reversed():
    found = segments(np.full((6, 6), 0.9), np.arange(6), np.arange(6), OPTIONS)
    assert len(found) == 1
    assert not found[0].reversed


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 999), st.booleans())
def test_in_step_is_the_share_of_other_frames_that_agree_less_by_plain_loops(p, q, seed, coarse):
    rng = np.random.default_rng(seed)
    matrix = rng.random((p, q))
    if coarse:
        matrix = matrix.round(1)  # many ties
    cells = [(k, k) for k in range(min(p, q))]

    def share(lines):  # of each path value against the others of its line
        won = [1.0 if v < own else 0.5 if v == own else 0.0 for own, rest in lines for v in rest]
        return sum(won) / len(won)

    across = [(matrix[i, j], np.delete(matrix[i], j)) for i, j in cells]
    down = [(matrix[i, j], np.delete(matrix[:, j], i)) for i, j in cells]
    expected = [share(lines) for lines, length in ((across, q), (down, p)) if length > 1]
    rows, columns = np.array(cells).T
    assert in_step(matrix, rows, columns) == pytest.approx(np.mean(expected) if expected else 1)


def test_a_copy_runs_in_step_and_a_still_picture_does_not():
    assert only(matrix_with(20, 30, [(5 + i, 8 + i) for i in range(10)])).in_step > 0.95
    (still,) = segments(np.full((6, 6), 0.9), np.arange(6), np.arange(6), OPTIONS)
    assert still.in_step == 0.5
    rng = np.random.default_rng(1)
    takes = 0.8 + 0.02 * rng.standard_normal((15, 15))  # a camera that stands still, twice
    found = segments(takes, np.arange(15), np.arange(15), OPTIONS)
    assert all(s.in_step < 0.7 for s in found)


def test_times_come_from_the_timestamps_and_end_with_the_last_frame():
    matrix = matrix_with(10, 10, [(i, i) for i in range(2, 8)])
    found = segments(matrix, np.arange(10) * 0.5, 100 + np.arange(10) * 0.5, OPTIONS)
    assert (found[0].query_start, found[0].query_end) == (1.0, 4.0)
    assert (found[0].reference_start, found[0].reference_end) == (101.0, 104.0)


def loop_best(score, gap):
    """The same recurrence, one cell at a time."""
    p, q = score.shape
    best = np.zeros((p, q))

    def at(i, j):
        return best[i, j] if i >= 0 and j >= 0 else 0.0

    for i in range(p):
        for j in range(q):
            matched = max(at(i - 1, j - 1), at(i - 1, j - 2) - gap / 2, at(i - 2, j - 1) - gap / 2)
            carried = max(at(i, j - 1), at(i - 1, j)) - gap
            best[i, j] = max(0.0, score[i, j] + max(matched, 0.0), carried)
    return best


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_a_table_of_scores_is_that_of_plain_loops(p, q, seed):
    score = np.random.default_rng(seed).normal(-0.1, 1, (p, q)).astype(np.float32)
    np.testing.assert_allclose(path_scores(score, 0.6)[0], loop_best(score, 0.6), atol=1e-5)


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 999),
    st.booleans(),
    st.sampled_from([NEAR_STEPS, FAR_STEPS]),
)
def test_compiled_scores_and_steps_are_bit_for_bit_those_of_numpy(p, q, seed, coarse, steps):
    score = np.random.default_rng(seed).normal(-0.1, 1, (p, q)).astype(np.float32)
    if coarse:
        score = score.round(1)  # many ties
    for mine, theirs in zip(
        path_scores(score, 0.6, steps), plain.path_scores(score, 0.6, steps), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=40)
@given(st.integers(5, 12), st.integers(0, 40), st.integers(0, 99), st.booleans())
def test_the_likeliest_offset_is_where_frames_agree_however_little(length, longer, seed, swapped):
    rng = np.random.default_rng(seed)
    matrix = 0.1 + rng.uniform(0, 0.02, (length, length + longer))
    start = int(rng.integers(0, longer + 1))
    matrix[np.arange(length), start + np.arange(length)] += 0.05
    assert segments(matrix, np.arange(length), np.arange(length + longer), OPTIONS) == ()
    query, reference = (0, length), (start, start + length)
    if swapped:
        matrix, query, reference = matrix.T, reference, query
    found = likeliest_offset(matrix, *map(np.arange, matrix.shape))
    assert (found.query_start, found.query_end) == query
    assert (found.reference_start, found.reference_end) == reference
