"""Vectors and videos of noise: what they hold does not matter for the time that they take."""

import numpy as np

from visil_dash.records import Array, VideoFeatures
from visil_dash.reduction.unit import unit_length

EXTRACTOR = "benchmark-00000000"


def unit_vectors(count: int, dim: int, seed: int) -> Array:
    return unit_length(np.random.default_rng(seed).standard_normal((count, dim), np.float32))


def region_vectors(frames: int, dim: int, seed: int) -> Array:
    return unit_vectors(frames * 9, dim, seed).reshape(frames, 9, dim)


def noise_video(name: str, frames: int, seed: int, *, dim: int = 256) -> VideoFeatures:
    times = np.arange(frames) * 1.0
    return VideoFeatures(name, EXTRACTOR, region_vectors(frames, dim, seed), times)
