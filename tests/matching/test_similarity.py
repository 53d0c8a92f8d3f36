"""Claims about frame-to-frame and video-to-video similarity, against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.speed import plain
from visil_dash.matching import products
from visil_dash.matching.products import frame_to_frame_many
from visil_dash.matching.similarity import (
    Scorer,
    chamfer,
    frame_to_frame,
    frame_to_frame_both,
    pair_scores,
    pair_scores_many,
    signal,
)


def loop_frame_to_frame(query, reference):
    out = np.zeros((len(query), len(reference)))
    for i, q in enumerate(query):
        for j, r in enumerate(reference):
            out[i, j] = np.mean([max(float(a @ b) for b in r) for a in q])
    return out


def videos(max_frames=5, regions=3, dim=4):
    floats = st.floats(-1, 1, width=32)
    shape = st.integers(1, max_frames).map(lambda t: (t, regions, dim))
    return shape.flatmap(lambda s: arrays(np.float32, s, elements=floats))


@given(videos(), videos())
def test_both_directions_equal_the_plain_loops(query, reference):
    forward, reverse = frame_to_frame_both(query, reference)
    np.testing.assert_allclose(forward, loop_frame_to_frame(query, reference), atol=1e-5)
    np.testing.assert_allclose(reverse, loop_frame_to_frame(reference, query), atol=1e-5)


@pytest.mark.parametrize("frames", [7, 130])
@pytest.mark.parametrize("rows", [1, 2, 5, 20, 128])
def test_tiles_across_the_borders_of_videos_do_not_change_the_result(monkeypatch, rows, frames):
    rng = np.random.default_rng(0)
    query = rng.standard_normal((frames, 9, 8), dtype=np.float32)
    references = [rng.standard_normal((t, 9, 8), dtype=np.float32) for t in (5, 1, 1, 12, 2)]
    monkeypatch.setattr(products, "TILE_ROWS", rows)
    found = frame_to_frame_many(query, references)
    for both, reference in zip(found, references, strict=True):
        for mine, plainly in zip(both, plain.frame_to_frame_both(query, reference), strict=True):
            np.testing.assert_allclose(mine, plainly, atol=1e-5)


def test_a_hand_worked_pair():
    # Query: one frame whose regions look along x and y. Reference: frames "both along x" and
    # "x and y". The best matches are (1, 0) and (1, 1), averaged over the query's regions.
    x, y = [1.0, 0.0], [0.0, 1.0]
    query = np.array([[x, y]], np.float32)
    reference = np.array([[x, x], [x, y]], np.float32)
    np.testing.assert_allclose(frame_to_frame(query, reference), [[0.5, 1.0]])
    # The other way round both reference regions of the first frame find x: not commutative.
    np.testing.assert_allclose(frame_to_frame(reference, query), [[1.0], [1.0]])


def test_chamfer_is_the_share_of_the_rows_found():
    # Rows 0 and 1 are found in full, rows 2 and 3 not at all: half of the query.
    matrix = np.zeros((4, 6))
    matrix[0, 3] = matrix[1, 4] = 1.0
    assert chamfer(matrix) == 0.5
    assert chamfer(matrix.T) == pytest.approx(2 / 6)


@given(videos(), st.integers(0, 2**16))
def test_the_order_of_regions_does_not_matter(video, seed):
    shuffled = video[:, np.random.default_rng(seed).permutation(video.shape[1])]
    np.testing.assert_allclose(
        frame_to_frame(video, video), frame_to_frame(shuffled, shuffled), atol=1e-5
    )


def test_shapes_that_do_not_fit_are_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"expected .* got \(2, 9, 4\) and \(2, 9, 5\)"):
        frame_to_frame(np.zeros((2, 9, 4)), np.zeros((2, 9, 5)))
    with pytest.raises(ValueError, match="non-empty"):
        chamfer(np.zeros((0, 3)))


def test_a_symmetric_comparator_reads_the_mean_of_both_directions():
    rng = np.random.default_rng(3)
    query, reference = rng.standard_normal((4, 9, 6)), rng.standard_normal((5, 9, 6))
    read = []

    def compare(matrix):
        read.append(matrix)
        return matrix

    forward, reverse = frame_to_frame_both(query, reference)
    plain = pair_scores(query, reference, Scorer(compare))
    np.testing.assert_array_equal(read[0], forward)
    np.testing.assert_array_equal(read[1], reverse)
    assert plain.score == chamfer(forward)
    both = pair_scores(query, reference, Scorer(compare, symmetric=True))
    assert len(read) == 3, "one output for both directions"
    mean = (forward + reverse.T) / 2
    np.testing.assert_allclose(read[2], mean)
    # ViSiL_sym: the mean of the row and column Chamfer similarity of one output.
    published = (mean.max(1).mean() + mean.max(0).mean()) / 2
    assert both.score == both.reverse_score == pytest.approx(published)
    np.testing.assert_array_equal(both.output_reverse, both.output.T)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_frames_without_signal_weigh_nothing(shown, black, seed):
    """Black frames, wherever they stand, leave both scores as they are without a comparator."""
    rng = np.random.default_rng(seed)
    query, reference = rng.standard_normal((shown, 4, 6)), rng.standard_normal((9, 4, 6))
    places = np.sort(rng.integers(0, shown + 1, black))
    padded = np.insert(query, places, 0.0, axis=0)
    plain, with_black = pair_scores(query, reference), pair_scores(padded, reference)
    assert with_black.score == pytest.approx(plain.score)
    swapped, black_swapped = pair_scores(reference, query), pair_scores(reference, padded)
    assert black_swapped.reverse_score == pytest.approx(swapped.reverse_score)


def test_a_pooled_row_counts_by_its_share_of_frames_with_signal():
    shown = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], bool)
    np.testing.assert_allclose(signal(shown, 12), shown)
    np.testing.assert_allclose(signal(shown, 3), [1, 0.25, 0])
    matrix = np.array([[0.8], [0.4], [-0.9]])
    assert chamfer(matrix, signal(shown, 3)) == pytest.approx((0.8 + 0.25 * 0.4) / 1.25)
    assert chamfer(matrix, np.zeros(3)) == -1, "a video that shows nothing matches nothing"


@pytest.mark.parametrize("symmetric", [False, True])
def test_several_references_at_once_have_the_scores_that_each_has_alone(symmetric):
    rng = np.random.default_rng(4)
    query = rng.standard_normal((6, 9, 6), dtype=np.float32)
    references = [rng.standard_normal((t, 9, 6), dtype=np.float32) for t in (5, 6, 1, 5)]
    scorer = Scorer(lambda matrix: matrix[::2], symmetric)
    for pair, reference in zip(
        pair_scores_many(query, references, scorer), references, strict=True
    ):
        alone = pair_scores(query, reference, scorer)
        assert pair.score == pytest.approx(alone.score, abs=1e-6)
        assert pair.reverse_score == pytest.approx(alone.reverse_score, abs=1e-6)
        np.testing.assert_allclose(pair.output, alone.output, atol=1e-6)
