"""The dimension study's numbers against plain loops and what linear algebra promises."""

from functools import partial

import numpy as np
import pytest

from visil_dash.errors import Cancelled
from visil_dash.index.exact import nearest_rows
from visil_dash.index.fitted import fit_reduction
from visil_dash.index.hnsw import GraphOptions
from visil_dash.laboratory.dimensions.geometry import (
    LEADING,
    NOISE,
    concentration,
    graph_study,
    spectrum,
)
from visil_dash.laboratory.dimensions.rows import smallest_space
from visil_dash.laboratory.dimensions.study import (
    FrameSample,
    SpaceResult,
    compare_spaces,
    exact_results,
    possible_dims,
    sample_of,
)
from visil_dash.progress import Watch
from visil_dash.records import Array
from visil_dash.reduction.pca import fit_pca
from visil_dash.reduction.projections import fit_lpp, neighbour_graph, random_projection
from visil_dash.reduction.quantisation import (
    Precision,
    bytes_per_frame,
    code_distances,
    decode,
    encode,
)


def videos(count: int = 12, frames: int = 20, dim: int = 48, seed: int = 0) -> tuple[Array, Array]:
    """Slow walks, of which every third video repeats a part of the one before, a little changed."""
    random = np.random.default_rng(seed)
    walks = random.normal(size=(count, 1, dim)) + 0.2 * random.normal(
        size=(count, frames, dim)
    ).cumsum(1)
    for video in range(2, count, 3):
        part = walks[video - 1, frames // 4 :]
        walks[video, : len(part)] = part + 0.05 * random.normal(size=part.shape)
    return walks.reshape(-1, dim).astype(np.float32), np.repeat(np.arange(count), frames)


@pytest.fixture(scope="module")
def sample() -> FrameSample:
    vectors, owners = videos()
    return sample_of(vectors, owners, total=len(vectors), seed=1)


# -- precisions -------------------------------------------------------------------------------


def test_codes_stand_for_their_vectors_within_half_a_step() -> None:
    vectors, _ = videos()
    assert np.array_equal(decode(encode(vectors, Precision.FP32)), vectors)
    np.testing.assert_allclose(decode(encode(vectors, Precision.FP16)), vectors, rtol=1e-3)
    codes = encode(vectors, Precision.INT8)
    half = (vectors.max(0) - vectors.min(0)) / 255 / 2
    assert (np.abs(decode(codes) - vectors) <= half * 1.001 + 1e-6).all()
    with pytest.raises(ValueError, match="binary"):
        decode(encode(vectors, Precision.BINARY))


def test_distances_of_codes_are_those_of_plain_loops() -> None:
    vectors, _ = videos(4, 6)
    queries = vectors[::5] + 0.1
    for precision in (Precision.FP32, Precision.FP16, Precision.INT8):
        codes = encode(vectors, precision)
        plain = [[((q - v) ** 2).sum() for v in decode(codes).astype(float)] for q in queries]
        np.testing.assert_allclose(code_distances(queries, codes), plain, rtol=1e-3, atol=1e-3)
    middle = vectors.mean(0)
    bits = [[((q > middle) != (v > middle)).sum() for v in vectors] for q in queries]
    assert np.array_equal(code_distances(queries, encode(vectors, Precision.BINARY)), bits)


def test_bytes_are_those_of_the_stored_codes() -> None:
    vectors, _ = videos(4, 6, dim=45)
    for precision in Precision:
        stored = encode(vectors, precision).data
        assert stored.nbytes == bytes_per_frame(precision, 45) * len(vectors)


# -- reductions -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pca16", "lpp16"])
def test_fitted_reductions_are_orthonormal_and_repeatable(method: str) -> None:
    vectors, _ = videos()
    found = fit_reduction(method, vectors)
    assert found.matrix is not None
    np.testing.assert_allclose(found.matrix.T @ found.matrix, np.eye(16), atol=1e-5)
    assert fit_reduction(method, vectors).reduction_id == found.reduction_id
    assert (found.method, found.dim, found.input_dim) == (method, 16, 48)


def test_random_projection_keeps_squared_distances_on_average_and_within_the_jl_bound() -> None:
    """Dasgupta and Gupta 2003: off by more than ε with odds at most 2·exp(−d(ε²/2 − ε³/3)/2)."""
    random = np.random.default_rng(5)
    pairs = random.normal(size=(400, 300)).astype(np.float32)
    lengths = (pairs**2).sum(1)
    ratios, off = [], 0.0
    dim, epsilon = 128, 0.4
    for seed in range(5):
        found = random_projection(300, dim, seed=seed)
        ratio = (found.projected(pairs) ** 2).sum(1) / lengths
        ratios.append(ratio.mean())
        off += float((np.abs(ratio - 1) > epsilon).mean()) / 5
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    assert off <= 2 * np.exp(-dim * (epsilon**2 / 2 - epsilon**3 / 3) / 2)
    with pytest.raises(ValueError, match="dimensions"):
        random_projection(10, 11)


def test_lpp_keeps_the_neighbours_on_a_curve_that_pca_loses_in_noise() -> None:
    """A closed curve in two small dimensions beside three of large noise: PCA keeps the noise.

    LPP's objective, the local scatter against the whole, is the smallest of all projections.
    """
    random = np.random.default_rng(6)
    angle = np.sort(random.random(400)) * 2 * np.pi
    curve = np.stack([np.cos(angle), np.sin(angle)], 1)
    # Noise in jumps: equal for neighbours on the graph, so that it is wide but says nothing.
    noise = 3 * random.choice([-1.0, 1.0], size=(400, 1)) + 0.01 * random.normal(size=(400, 3))
    vectors = np.concatenate([curve, noise, 0.01 * random.normal(size=(400, 5))], 1)
    vectors = vectors.astype(np.float32)

    def objective(projected: Array) -> float:
        graph = neighbour_graph(vectors, 8).tocoo()
        rows, columns, weights = graph.row, graph.col, graph.data
        y = projected.astype(float) - projected.mean(0)
        degree = np.bincount(rows, weights, minlength=len(y))
        local = (
            sum(
                w * np.outer(y[i] - y[j], y[i] - y[j])
                for i, j, w in zip(rows, columns, weights, strict=True)
            )
            / 2
        )
        whole = y.T @ (y * degree[:, None])
        return float(np.trace(np.linalg.solve(whole, local)))

    for dim in (1, 2):
        assert objective(fit_lpp(vectors, dim).projected(vectors)) <= objective(
            fit_pca(vectors, dim).projected(vectors)
        ) * (1 + 1e-3)


# -- the experiment ---------------------------------------------------------------------------


def test_queries_are_of_videos_that_nothing_is_fitted_on(sample: FrameSample) -> None:
    asking = set(sample.owners[sample.queries])
    assert len(asking) == 4
    assert len(sample.fitting) == 8 * 20
    assert possible_dims(sample, (16, 32, 64, 128)) == (16, 32)
    with pytest.raises(ValueError, match="two videos"):
        sample_of(sample.vectors, np.zeros(len(sample.vectors), int), total=1, seed=0)


def score(query: int, reference: int) -> float:
    """Copies score 1, others by their numbers, the same each time."""
    together = {query, reference}
    return 1.0 if any(together == {v - 1, v} for v in range(2, 12, 3)) else 0.1 / (1 + reference)


def test_rows_are_those_of_plain_loops(sample: FrameSample) -> None:
    vectors, owners = sample.vectors, sample.owners
    queries = [int(row) for row in sample.queries]
    plain = {
        (i, j): float(((vectors[i].astype(float) - vectors[j]) ** 2).sum())
        for i in queries
        for j in range(len(vectors))
        if owners[i] != owners[j]
    }
    threshold = float(np.quantile(list(plain.values()), 0.05))
    rows = compare_spaces(
        sample, dims=(16,), k=5, threshold=threshold, match_score=0.5, score=score
    )
    assert [(r.method, r.dim) for r in rows[::4]] == [
        ("full", 48),
        ("pca", 16),
        ("random", 16),
        ("lpp", 16),
    ]
    full = rows[0]
    assert (full.recall, full.candidate_recall, full.overlap, full.mean_ap) == (1, 1, 1, 1)
    assert full.threshold == threshold
    pairs = {(owners[i], owners[j]) for (i, j), d in plain.items() if d <= threshold}
    assert full.candidates == pytest.approx(len(pairs) / 4)

    reduction = fit_reduction("pca16", sample.fitting)
    low = reduction(vectors)
    near = {(i, j): float(((low[i].astype(float) - low[j]) ** 2).sum()) for i, j in plain}
    kept = 0
    for i in queries:
        truth = sorted((d, j) for (q, j), d in plain.items() if q == i)[:5]
        found = sorted((d, j) for (q, j), d in near.items() if q == i)[:5]
        kept += len({j for _, j in truth} & {j for _, j in found})
    pca = rows[4]
    assert pca.recall == pytest.approx(kept / (5 * len(queries)))
    assert pca.threshold is not None
    again = {(owners[i], owners[j]) for (i, j), d in near.items() if d <= pca.threshold + 1e-4}
    assert pca.candidate_recall == pytest.approx(len(pairs & again) / len(pairs))
    assert pca.candidates == pytest.approx(len(again) / 4)


def test_a_lost_match_lowers_map_and_overlap(sample: FrameSample) -> None:
    vectors, owners = sample.vectors, sample.owners
    measure = partial(compare_spaces, sample, dims=(), k=5, match_score=-1.0, score=score)
    near = exact_results(sample, k=5, threshold=1e9, score=score)
    assert near.candidates.sum() == 4 * 11, "every other video at a threshold beyond all"
    row = measure(threshold=1e9)[0]
    assert row.candidates == 11
    assert vectors.shape[0] == len(owners)
    none = measure(threshold=-1.0)[0]
    assert none.candidates == 0
    assert none.candidate_recall is None
    assert none.mean_ap is None


def test_it_stops_when_told(sample: FrameSample) -> None:
    with pytest.raises(Cancelled):
        compare_spaces(
            sample,
            dims=(16,),
            k=5,
            threshold=1.0,
            match_score=0.5,
            score=score,
            watch=Watch(stopped=lambda: True),
        )


# -- geometry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(30, 60), (60, 30)])
def test_the_spectrum_is_that_of_the_singular_values(shape: tuple[int, int]) -> None:
    vectors = np.random.default_rng(7).normal(size=shape).astype(np.float32)
    found = spectrum(vectors)
    singular = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False) ** 2 / (shape[0] - 1)
    kept = len(found.variance)
    assert kept == min(shape[0] - 1, shape[1])
    np.testing.assert_allclose(found.variance, singular[:kept], rtol=1e-4)
    np.testing.assert_allclose(found.directions.T @ found.directions, np.eye(kept), atol=1e-6)
    assert found.cumulative[-1] == pytest.approx(1)
    assert found.cumulative[found.dims_for(0.9) - 1] >= 0.9 - 1e-9
    assert found.cumulative[found.dims_for(0.9) - 2] < 0.9
    assert 1 <= found.effective <= kept


def test_concentration_is_that_of_plain_loops_and_noise_draws_together() -> None:
    vectors, owners = videos(6, 10)
    found = concentration(vectors, owners, (2, 16, 48))
    every = {(c.space, c.dim): c for c in found}
    noise = [every[NOISE, dim] for dim in (2, 16, 48)]
    assert noise[0].variation > noise[1].variation > noise[2].variation
    assert noise[0].contrast > noise[1].contrast > noise[2].contrast > 1
    # All leading directions together are the full space turned: distances as they were.
    distances = [[np.sqrt(((a.astype(float) - b) ** 2).sum()) for b in vectors] for a in vectors]
    other = owners[:, None] != owners[None]
    plain = np.array(distances)
    values = plain[other]
    closest = np.where(other, plain, np.inf).min(1)
    assert every[LEADING, 48].variation == pytest.approx(values.std() / values.mean(), rel=1e-3)
    assert every[LEADING, 48].contrast == pytest.approx(values.mean() / closest.mean(), rel=1e-3)


def test_the_graph_is_exact_where_ef_covers_all_and_never_better_than_exact() -> None:
    random = np.random.default_rng(8)
    base = random.normal(size=(600, 24)).astype(np.float32)
    queries = random.normal(size=(40, 24)).astype(np.float32)
    found = graph_study(base, queries, GraphOptions(4, 16), efs=(5, 20, 600), k=5)
    assert [p.ef for p in found.points] == [5, 20, 600]
    recalls = [p.recall for p in found.points]
    assert recalls[0] < recalls[2] == pytest.approx(1, abs=0.02)
    assert max(recalls) <= 1
    truth, _ = nearest_rows(base, queries, 5)
    assert truth.shape == (40, 5)
    with pytest.raises(ValueError, match="expected frames"):
        graph_study(base[:0], queries, GraphOptions(), efs=(5,), k=5)


def space(method: str, dim: int, kept: float | None, candidates: float | None) -> SpaceResult:
    same = (1.0, 1.0, 1.0, 1.0)
    return SpaceResult(
        method, dim, Precision.FP32, 1.0, kept, candidates, kept, *same, 4 * dim, 0.0, 0.0
    )


def test_the_smallest_space_keeps_candidates_and_matches_without_many_more_to_compare() -> None:
    rows = [
        space("full", 512, 1.0, 10.0),
        space("pca", 16, 1.0, 14.0),  # keeps them, but compares nearly half as many again
        space("pca", 32, 0.9, 10.0),  # loses some
        space("pca", 64, 0.995, 10.9),
        space("pca", 128, 1.0, 10.1),
    ]
    assert smallest_space(rows, least=0.99, more=1.1) == rows[3]
    assert smallest_space(rows[:3], least=0.99, more=1.1) == rows[0]
    assert smallest_space([space("full", 512, None, None)], least=0.99, more=1.1) is None
