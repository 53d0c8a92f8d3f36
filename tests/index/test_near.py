"""Frames within a distance, by products, against differences in plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.index import near
from visil_dash.index.near import rows_within
from visil_dash.reduction.unit import unit_length


def plainly(vectors, queries, threshold, passed_over):
    distance = ((queries[:, None].astype(np.float64) - vectors[None]) ** 2).sum(-1)
    distance[:, passed_over] = np.inf
    query, row = np.nonzero(distance <= threshold)
    return set(zip(query.tolist(), row.tolist(), strict=True)), distance


@given(st.integers(1, 80), st.integers(1, 7), st.floats(0.0, 4.0), st.integers(0, 999))
def test_the_hits_are_those_of_plain_loops(frames, count, threshold, seed):
    random = np.random.default_rng(seed)
    vectors = unit_length(random.standard_normal((frames, 8)))
    queries = unit_length(vectors[random.integers(0, frames, count)] + random.normal(0, 0.4, 8))
    gone = random.random(frames) < 0.2
    norms = np.einsum("nd,nd->n", vectors, vectors)
    query, row, distance, nearest = rows_within(
        vectors, norms, queries, threshold, passed_over=gone
    )
    expected, plain = plainly(vectors, queries, threshold, gone)
    differ = expected ^ set(zip(query.tolist(), row.tolist(), strict=True))
    assert all(abs(plain[pair] - threshold) < 1e-6 for pair in differ)
    np.testing.assert_allclose(distance, plain[query, row], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(nearest, plain.min(1), rtol=1e-5)


def test_near_duplicates_keep_the_digits_of_their_distance():
    random = np.random.default_rng(0)
    vectors = unit_length(random.standard_normal((50, 64)))
    queries = vectors[:3] + np.float32(1e-4)
    norms = np.einsum("nd,nd->n", vectors, vectors)
    nobody = np.zeros(50, bool)
    query, row, distance, nearest = rows_within(vectors, norms, queries, 0.01, passed_over=nobody)
    assert row.tolist() == query.tolist() == [0, 1, 2]
    np.testing.assert_allclose(distance, 64e-8, rtol=1e-3)
    np.testing.assert_array_equal(nearest, distance)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(1)
    vectors, queries = (unit_length(random.standard_normal((n, 6))) for n in (40, 5))
    norms, gone = np.einsum("nd,nd->n", vectors, vectors), np.arange(40) % 7 == 0
    whole = rows_within(vectors, norms, queries, 1.7, passed_over=gone)
    monkeypatch.setattr(near, "BLOCK_CELLS", 15)
    parts = rows_within(vectors, norms, queries, 1.7, passed_over=gone)
    order = np.lexsort((parts[1], parts[0])), np.lexsort((whole[1], whole[0]))
    for mine, expected in zip(parts[:3], whole[:3], strict=True):
        np.testing.assert_allclose(mine[order[0]], expected[order[1]], atol=1e-6)
    np.testing.assert_allclose(parts[3], whole[3], atol=1e-6)
