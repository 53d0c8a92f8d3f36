"""Numbers of the walkthrough: operation counts, explained variance, the most asymmetric pair.

An operation is a multiply–add: one multiplication with its addition.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visil_dash.media.decode import sample_frames
from visil_dash.records import WHOLE_PICTURE, Array, Box, PairTable, Preprocess
from visil_dash.settings import Settings

_SHOWN_FRAMES = 8  # of a clip, run through the model step by step
_FITTED_FRAMES = 2000  # of a library, used for the variance curve


def model_frames(
    path: Path, *, preprocess: Preprocess, box: Box | None = None, settings: Settings
) -> tuple[Array, Array]:
    """The first sampled frames as the model's input `[n, side, side, 3]`, and their times `[n]`.

    `box`: the part of the picture inside its borders, None for the whole. Raises MediaRefused.
    """
    with sample_frames(
        path,
        preprocess=preprocess,
        rate=settings.rate,
        box=box or WHOLE_PICTURE,
        settings=settings,
    ) as sampled:
        batch = next(iter(sampled))
    return batch.frames[:_SHOWN_FRAMES], batch.timestamps[:_SHOWN_FRAMES]


# ---- operations ----


def frame_map_operations(tq: int, tr: int, *, regions: int, dim: int) -> int:
    """Multiply–adds of one frame-to-frame matrix `[Tq, Tr]`: a dot product per pair of regions."""
    return tq * regions * tr * regions * dim


def comparator_operations(tq: int, tr: int) -> int:
    """Multiply–adds of the comparator on `[Tq, Tr]`: 3 × 3 convolutions 1→32→64→128, then 128→1,
    with a pooling by 2 after the first two. Sides under 4 are repeated to 4 or 6."""
    p, q = (_repeated(n) for n in (tq, tr))
    half, quarter = (p // 2) * (q // 2), (p // 4) * (q // 4)
    return p * q * 9 * 32 + half * 9 * 32 * 64 + quarter * (9 * 64 * 128 + 128)


def _repeated(side: int) -> int:
    while side < 4:
        side *= 2
    return side


def scan_operations(tq: int, frames: int, dim: int) -> int:
    """Multiply–adds of the distances of query frames to all library frames `[Tq, F]`."""
    return tq * frames * dim


@dataclass(frozen=True)
class SearchOperations:
    """Multiply–adds of one search.

    `brute`: comparing every video. `scan`: distances to every library frame, of which a graph
    computes fewer. `reranking`: comparing the candidates.
    """

    brute: int
    scan: int
    reranking: int
    videos: int
    candidates: int

    @property
    def hierarchical(self) -> int:
        return self.scan + self.reranking


def search_operations(
    tq: int,
    lengths: dict[str, int],
    candidates: set[str],
    *,
    regions: int,
    dim: int,
    index_dim: int,
    comparator: bool,
) -> SearchOperations:
    """Counts for a query of `tq` frames; `lengths`: number of frames by library video id.

    Both directions use the same products of regions, but the comparator runs once for each.
    """

    def compared(tr: int) -> int:
        cnn = comparator_operations(tq, tr) + comparator_operations(tr, tq) if comparator else 0
        return frame_map_operations(tq, tr, regions=regions, dim=dim) + cnn

    costs = {video: compared(tr) for video, tr in lengths.items()}
    return SearchOperations(
        brute=sum(costs.values()),
        scan=scan_operations(tq, sum(lengths.values()), index_dim),
        reranking=sum(cost for video, cost in costs.items() if video in candidates),
        videos=len(lengths),
        candidates=len(candidates & set(lengths)),
    )


# ---- vectors ----


def cosines(vectors: Array, *, most: int = 400) -> Array:
    """Cosines `[P]` of pairs of region vectors of `[N, R, D]`, at most `most` vectors of them."""
    flat = vectors.reshape(-1, vectors.shape[-1]).astype(np.float32)
    flat = flat[np.linspace(0, len(flat) - 1, min(most, len(flat))).astype(int)]
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    return np.asarray((flat @ flat.T)[np.triu_indices(len(flat), 1)])


def explained_variance(vectors: Array) -> Array:
    """Share of the variance of `[N, D]` that the first 1, 2, … principal directions explain."""
    if len(vectors) > _FITTED_FRAMES:
        vectors = vectors[np.linspace(0, len(vectors) - 1, _FITTED_FRAMES).astype(int)]
    centred = (vectors - vectors.mean(0)).astype(np.float64)
    if len(centred) < centred.shape[1]:
        variance = np.linalg.eigvalsh(centred @ centred.T)[::-1]
    else:
        variance = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    variance = np.maximum(variance, 0)
    total = variance.sum()
    return np.asarray(np.cumsum(variance) / total if total > 0 else np.ones(len(variance)))


def dims_for(shares: Array, wanted: float) -> int:
    """How many principal directions explain the `wanted` share of the variance."""
    return min(len(shares), int(np.searchsorted(shares, wanted - 1e-9)) + 1)


# ---- directions ----


@dataclass(frozen=True)
class Asymmetry:
    """The pair whose directions differ most; `there` (query → reference) is the larger score."""

    query: str
    reference: str
    there: float
    back: float


def most_asymmetric(table: PairTable) -> Asymmetry | None:
    """None for a table of fewer than two videos."""
    if len(table.video_ids) < 2:
        return None
    gap = table.scores - table.scores.T
    i, j = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return Asymmetry(
        table.video_ids[i],
        table.video_ids[j],
        float(table.scores[i, j]),
        float(table.scores[j, i]),
    )
