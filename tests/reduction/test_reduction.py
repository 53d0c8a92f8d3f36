"""Reductions see directions alone, are reproducible and refuse what they were not made for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from visil_dash.errors import StoreDamaged, StoreMismatch
from visil_dash.index.fitted import fit_reduction
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import fit_pca, identity, load_reduction, save_reduction
from visil_dash.reduction.unit import MOST_DISTANCE, cosine_of, unit_length


def cloud(count: int, dim: int, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, dim)) * np.linspace(3, 0.1, dim)
    return (mixed @ np.linalg.qr(random.normal(size=(dim, dim)))[0] + 1).astype(np.float32)


@pytest.mark.parametrize(("count", "dim"), [(300, 20), (60, 90)])
def test_pca_keeps_the_variance_that_the_svd_says(count: int, dim: int) -> None:
    vectors = cloud(count, dim)
    reduced = fit_pca(vectors, 12).projected(vectors)
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    truth = np.linalg.svd(centred, compute_uv=False)[:12] ** 2
    np.testing.assert_allclose((reduced.astype(np.float64) ** 2).sum(0), truth, rtol=1e-3)


@pytest.mark.parametrize(("count", "dim"), [(300, 20), (60, 90), (640, 560)])
def test_directions_are_those_of_scikit_learn(count: int, dim: int) -> None:
    vectors = cloud(count, dim)
    ours = fit_pca(vectors, 12)
    theirs = PCA(12, svd_solver="covariance_eigh").fit(vectors)
    np.testing.assert_allclose(ours.mean, theirs.mean_, atol=1e-5)
    same = np.abs(ours.matrix.T.astype(np.float64) @ theirs.components_.T)
    np.testing.assert_allclose(same, np.eye(12), atol=1e-4)
    np.testing.assert_allclose(np.diag(same), 1, atol=1e-6)


@given(seed=st.integers(0, 10_000), dim=st.integers(1, 12))
def test_the_projection_lets_no_distance_grow(seed: int, dim: int) -> None:
    fitted = fit_pca(cloud(40, 16, seed), dim)
    a, b = cloud(30, 16, seed + 1), cloud(30, 16, seed + 2)
    full = ((a - b) ** 2).sum(1)
    reduced = ((fitted.projected(a) - fitted.projected(b)) ** 2).sum(1)
    assert (reduced <= full * (1 + 1e-4) + 1e-4).all()


def test_a_projection_to_all_dimensions_keeps_every_distance() -> None:
    vectors = cloud(64, 16)
    reduced = fit_pca(vectors, 16).projected(vectors)
    full = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    np.testing.assert_allclose(
        ((reduced[:, None] - reduced[None]) ** 2).sum(-1), full, rtol=1e-3, atol=1e-3
    )


def test_directions_are_orthonormal_even_where_the_vectors_span_less() -> None:
    flat = cloud(64, 5) @ np.random.default_rng(1).normal(size=(5, 30))
    matrix = fit_pca(flat, 10).matrix
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(10), atol=1e-5)


def test_the_same_vectors_give_the_same_reduction_and_others_another_id() -> None:
    one, two = fit_pca(cloud(80, 20), 8), fit_pca(cloud(80, 20), 8)
    assert one.reduction_id == two.reduction_id
    np.testing.assert_array_equal(one.matrix, two.matrix)
    assert one.reduction_id.startswith("pca8-")
    assert fit_pca(cloud(80, 20, seed=1), 8).reduction_id != one.reduction_id


def test_too_few_vectors_or_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 16 vectors"):
        fit_pca(cloud(15, 20), 8)
    with pytest.raises(ValueError, match="needs 42 vectors of at least 21"):
        fit_pca(cloud(80, 20), 21)
    vectors = cloud(80, 20)
    vectors[3, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit_pca(vectors, 8)


def test_full_keeps_every_direction_and_refuses_other_dimensions() -> None:
    vectors = cloud(10, 20)
    np.testing.assert_array_equal(identity(20).projected(vectors), vectors)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(identity(20)(vectors), vectors / lengths, rtol=1e-6)
    with pytest.raises(ValueError, match=r"expected \[N, 20\], got \[10, 19\]"):
        identity(20)(vectors[:, 1:])


def test_a_saved_reduction_comes_back_whole(tmp_path: Path) -> None:
    fitted, path = fit_pca(cloud(80, 20), 8), tmp_path / "x" / "r.safetensors"
    sha256 = save_reduction(fitted, path, extractor="compact-1")
    again = load_reduction(path, extractor="compact-1", sha256=sha256)
    assert (again.reduction_id, again.method, again.input_dim, again.dim) == (
        fitted.reduction_id,
        "pca8",
        20,
        8,
    )
    np.testing.assert_array_equal(again(cloud(5, 20)), fitted(cloud(5, 20)))
    with pytest.raises(StoreMismatch, match="compact-1, not of compact-2"):
        load_reduction(path, extractor="compact-2", sha256=sha256)


@pytest.mark.parametrize("place", [0, 4, 100, -1])
def test_one_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    path = tmp_path / "r.safetensors"
    sha256 = save_reduction(fit_pca(cloud(80, 20), 8), path, extractor="compact-1")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        load_reduction(path, extractor="compact-1", sha256=sha256)


@given(
    seed=st.integers(0, 10_000),
    method=st.sampled_from(["full", "pca4", "random4", "lpp4"]),
    exponent=st.integers(-12, 12),
)
def test_scaling_vectors_changes_nothing(seed: int, method: str, exponent: int) -> None:
    """Attention makes a vector longer or shorter; its place in the space stays."""
    fitting, vectors = cloud(60, 16, seed), cloud(20, 16, seed + 1)
    fitted = identity(16) if method == "full" else fit_reduction(method, fitting)
    scales = np.float32(10.0) ** np.float32(exponent) * np.linspace(1, 3, 20, dtype=np.float32)
    placed = fitted(vectors)
    np.testing.assert_allclose(fitted(vectors * scales[:, None]), placed, atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)
    if method != "full":
        again = fit_reduction(method, fitting * np.linspace(1, 3, 60, dtype=np.float32)[:, None])
        np.testing.assert_allclose(again.projected(vectors), fitted.projected(vectors), atol=1e-2)


def test_vectors_that_show_nothing_stay_zero() -> None:
    vectors = np.zeros((3, 16), np.float32)
    assert not unit_length(vectors).any()
    assert not identity(16)(vectors).any()


@given(angle=st.floats(0, np.pi))
def test_squared_distance_of_unit_vectors_tells_their_cosine(angle: float) -> None:
    a = np.array([[1.0, 0.0]], np.float32)
    b = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
    distance = float(squared_distances(a, b)[0, 0])
    assert 0 <= distance <= MOST_DISTANCE + 1e-5
    assert cosine_of(distance) == pytest.approx(np.cos(angle), abs=1e-5)
