"""Two more linear reductions beside PCA: random projection, and one that keeps neighbourhoods.

random: Gaussian, after Johnson and Lindenstrauss (1984) in the form of Dasgupta and Gupta (2003);
it needs no fitting and keeps squared distances on average, so single ones come out longer or
shorter. lpp: Locality Preserving Projections, He and Niyogi (NIPS 2003), fitted on the library;
its subspace in an orthonormal basis, so that it never lengthens a distance, as PCA's does not.
"""

from typing import Any

import numpy as np

from visil_dash.records import Array
from visil_dash.reduction.pca import FRAMES_PER_DIM, Reduction, fit_pca, fitted_reduction

SEED = 0
_LPP_NEIGHBOURS = 8  # edges of a frame in the neighbourhood graph
# PCA first, He and Niyogi's way round singularity, keeps so many components for each dimension:
# on the demo library more lost neighbours (recall@10 of 64 dimensions 0.77 with 6, 0.81 with 2).
_LPP_RANK = 2
_LPP_RIDGE = 1e-6  # share of the mean eigenvalue added where frames hardly vary


def random_projection(input_dim: int, dim: int, *, seed: int = SEED) -> Reduction:
    """`[N, input_dim]` → `[N, dim]` by independent normals of variance 1/dim.

    The expected squared distance of a projected pair is that of the pair. Not scikit-learn's: it
    draws the same distribution from another generator, and no matrix would be the one that a
    library knows by its id. Raises ValueError for dim outside 1..input_dim.
    """
    if not 0 < dim <= input_dim:
        raise ValueError(f"random projection: expected 1 to {input_dim} dimensions, got {dim}")
    matrix = np.random.default_rng(seed).standard_normal((input_dim, dim)) / np.sqrt(dim)
    return fitted_reduction(f"random{dim}", np.zeros(input_dim, np.float32), matrix)


def fit_lpp(vectors: Array, dim: int) -> Reduction:
    """The `dim` directions along which neighbouring frames of `vectors` `[N, D]` differ least,
    measured against how much all frames differ along them.

    Minimises Σ W_ij (aᵀx_i − aᵀx_j)² under aᵀX D Xᵀa = 1, W a heat kernel on the graph of
    nearest frames. Raises ValueError as `fit_pca` does.
    """
    from scipy.linalg import eigh

    count, input_dim = vectors.shape
    first = fit_pca(vectors, max(dim, min(_LPP_RANK * dim, count // FRAMES_PER_DIM, input_dim)))
    mean, leading = first.mean, first.matrix
    if mean is None or leading is None:
        raise ValueError("PCA gave no matrix")
    inside = first.projected(vectors).astype(np.float64)
    weights = neighbour_graph(inside.astype(np.float32), _LPP_NEIGHBOURS)
    spread = inside.T @ (inside * weights.sum(1)[:, None])
    local = spread - inside.T @ (weights @ inside)
    floor = _LPP_RIDGE * max(float(np.trace(spread)) / len(spread), np.finfo(np.float64).tiny)
    spread.flat[:: len(spread) + 1] += floor
    turned = eigh((local + local.T) / 2, spread, subset_by_index=(0, dim - 1))[1]
    basis = np.linalg.qr(turned / np.linalg.norm(turned, axis=0))[0]
    matrix = leading.astype(np.float64) @ basis
    return fitted_reduction(f"lpp{dim}", mean, np.linalg.qr(matrix)[0])


def neighbour_graph(vectors: Array, neighbours: int) -> Any:
    """The symmetric graph of nearest vectors `[N, D]`: heat-kernel weights `[N, N]`, CSR.

    An edge stands where either end counts the other among its `neighbours` nearest. The kernel's
    width is the mean squared distance along the edges.
    """
    from scipy.sparse import csr_array
    from sklearn.neighbors import kneighbors_graph

    graph = csr_array(kneighbors_graph(vectors, min(neighbours, len(vectors) - 1)))
    graph = graph.maximum(graph.T).tocsr()
    rows, columns = graph.nonzero()
    far = ((vectors[rows].astype(np.float64) - vectors[columns]) ** 2).sum(1)
    width = max(float(far.mean()), float(np.finfo(np.float32).tiny))
    graph.data = np.exp(-far / width)
    return graph
