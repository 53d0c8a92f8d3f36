"""Two more linear reductions beside PCA: random projection, and one that keeps neighbourhoods.

random: Gaussian, after Johnson and Lindenstrauss (1984) in the form of Dasgupta and Gupta (2003);
it needs no fitting and keeps squared distances on average, so single ones come out longer or
shorter. lpp: Locality Preserving Projections, He and Niyogi (NIPS 2003), fitted on the library;
its subspace in an orthonormal basis, so that it never lengthens a distance, as PCA's does not.
"""

import numpy as np

from visil_dash.records import Array
from visil_dash.reduction.pca import FRAMES_PER_DIM, Reduction, fit_pca, fitted_reduction

SEED = 0
LPP_NEIGHBOURS = 8  # edges of a frame in the neighbourhood graph
# PCA first, He and Niyogi's way round singularity, keeps so many components for each dimension:
# on the demo library more lost neighbours (recall@10 of 64 dimensions 0.77 with 6, 0.81 with 2).
LPP_RANK = 2
ROWS_AT_ONCE = 1024
LPP_RIDGE = 1e-6  # share of the mean eigenvalue added where frames hardly vary


def random_projection(input_dim: int, dim: int, *, seed: int = SEED) -> Reduction:
    """`[N, input_dim]` → `[N, dim]` by independent normals of variance 1/dim.

    The expected squared distance of a projected pair is that of the pair. Raises ValueError for
    dim outside 1..input_dim.
    """
    if not 0 < dim <= input_dim:
        raise ValueError(f"random projection: expected 1 to {input_dim} dimensions, got {dim}")
    matrix = np.random.default_rng(seed).standard_normal((input_dim, dim)) / np.sqrt(dim)
    return fitted_reduction(f"random{dim}", np.zeros(input_dim, np.float32), matrix)


def fit_lpp(vectors: Array, dim: int, *, neighbours: int = LPP_NEIGHBOURS) -> Reduction:
    """The `dim` directions along which neighbouring frames of `vectors` `[N, D]` differ least,
    measured against how much all frames differ along them.

    Minimises Σ W_ij (aᵀx_i − aᵀx_j)² under aᵀX D Xᵀa = 1, W a heat kernel on the graph of
    `neighbours` nearest frames. Raises ValueError as `fit_pca` does.
    """
    count, input_dim = vectors.shape
    first = fit_pca(vectors, max(dim, min(LPP_RANK * dim, count // FRAMES_PER_DIM, input_dim)))
    mean, leading = first.mean, first.matrix
    if mean is None or leading is None:
        raise ValueError("PCA gave no matrix")
    inside = first(vectors).astype(np.float64)
    weights = neighbour_graph(inside.astype(np.float32), neighbours)
    degree = np.bincount(weights[0], weights[2], minlength=count)
    spread = inside.T @ (inside * degree[:, None])
    crossed = np.zeros_like(inside)
    np.add.at(crossed, weights[0], weights[2][:, None] * inside[weights[1]])
    local = spread - inside.T @ crossed
    # Whitened by `spread`, the generalised problem is an ordinary one.
    values, axes = np.linalg.eigh(spread)
    floor = LPP_RIDGE * max(float(values.mean()), np.finfo(np.float64).tiny)
    whiten = axes / np.sqrt(np.maximum(values, 0) + floor)
    flat = whiten.T @ local @ whiten
    turned = whiten @ np.linalg.eigh((flat + flat.T) / 2)[1][:, :dim]
    basis = np.linalg.qr(turned / np.linalg.norm(turned, axis=0))[0]
    matrix = leading.astype(np.float64) @ basis
    return fitted_reduction(f"lpp{dim}", mean, np.linalg.qr(matrix)[0])


def neighbour_graph(vectors: Array, neighbours: int) -> tuple[Array, Array, Array]:
    """The symmetric graph of nearest vectors `[N, D]`: rows, columns and heat-kernel weights.

    An edge stands where either end counts the other among its `neighbours` nearest. The kernel's
    width is the mean squared distance along the edges.
    """
    count = len(vectors)
    near = min(neighbours, count - 1)
    norms = np.einsum("nd,nd->n", vectors, vectors)
    found = np.empty((count, near), np.int64)
    for start in range(0, count, ROWS_AT_ONCE):
        part = np.arange(start, min(count, start + ROWS_AT_ONCE))
        rough = norms - 2 * (vectors[part] @ vectors.T)
        rough[np.arange(len(part)), part] = np.inf
        found[part] = np.argpartition(rough, near - 1, axis=1)[:, :near]
    edges = np.stack([np.repeat(np.arange(count), near), found.reshape(-1)], 1)
    rows, columns = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0).T
    far = ((vectors[rows].astype(np.float64) - vectors[columns]) ** 2).sum(1)
    width = max(float(far.mean()), float(np.finfo(np.float32).tiny))
    return rows, columns, np.exp(-far / width)
