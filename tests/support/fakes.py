"""A tiny deterministic model: no torch, no weights, fast; alike pictures get alike vectors."""

import hashlib
from typing import Any

import numpy as np

from visil_dash.models.load import Model
from visil_dash.records import Array, Preprocess

FAKE_SIDE = 48
FAKE_DIM = 32
_GRID = 3
_PART = 4  # a region is described by the mean colour of its 4 × 4 parts


def fake_regions(frames: Array, *, dim: int = FAKE_DIM) -> Array:
    """uint8 RGB `[n, side, side, 3]` → unit region vectors `[n, 9, dim]` float32.

    Colours of 4 × 4 parts of each region, less the region's own mean, so that brightness matters
    little and layout much; projected by a fixed random matrix.
    """
    n, side = frames.shape[:2]
    step = side // (_GRID * _PART)
    x = frames.astype(np.float64)[:, : step * 12, : step * 12] / 255
    x = x.reshape(n, _GRID, _PART, step, _GRID, _PART, step, 3).mean((3, 6))
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(n, _GRID * _GRID, -1)
    mean = x.mean(-1, keepdims=True)
    # A flat region has no layout; a little of its brightness keeps the vector from vanishing.
    x = np.concatenate([x - mean, 0.05 * (mean - 0.5), np.full_like(mean, 0.01)], -1)
    basis = np.random.default_rng(7).standard_normal((x.shape[-1], dim))
    vectors = x @ basis
    out: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return out.astype(np.float32)


def fake_compare(similarity: Array) -> Array:
    """`[Tq, Tr]` → `[Tq // 4, Tr // 4]` block means, in -1..1: a comparator's shapes, no CNN."""
    rows, columns = (max(4, s) for s in similarity.shape)
    padded = np.pad(
        similarity,
        ((0, rows - similarity.shape[0]), (0, columns - similarity.shape[1])),
        mode="edge",
    )
    p, q = rows // 4, columns // 4
    blocks = padded[: p * 4, : q * 4].reshape(p, 4, q, 4)
    out: Array = np.clip(2 * blocks.mean((1, 3)) - 1, -1, 1).astype(np.float32)
    return out


def fake_model(*, with_comparator: bool = False, dim: int = FAKE_DIM, **changes: Any) -> Model:
    """A Model like any other. `changes` replaces fields, such as `name` or `verified`."""
    digest = hashlib.sha256(f"fake {dim}".encode()).hexdigest()
    fields: dict[str, Any] = {
        "name": "fake",
        "title": "Fake (tests)",
        "extractor": f"fake-{digest[:8]}",
        "preprocess": Preprocess(side=FAKE_SIDE),
        "dim": dim,
        "regions": _GRID * _GRID,
        "weights_sha256": digest,
        "verified": True,
        "threshold_share": 0.5,
        "unrelated_distance": 18.0,
        "frame_level": 0.7,
        "default_match_score": 0.6,
        "extract": lambda frames: fake_regions(frames, dim=dim),
        "compare": fake_compare if with_comparator else None,
    }
    return Model(**(fields | changes))
