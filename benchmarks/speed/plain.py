"""The plain ways that the product's fast ones are measured against, and must agree with.

Each is written as a tutorial would write it, with numpy's and PyTorch's ordinary tools, and none is
slowed down.
"""

import numpy as np
import torch

from visil_dash.matching.paths import NEAR_STEPS, Steps
from visil_dash.models.comparator import VideoComparator
from visil_dash.records import Array


def path_scores(score: Array, gap: float, steps: Steps = NEAR_STEPS) -> tuple[Array, Array]:
    """`matching.paths.path_scores` along anti-diagonals, where all cells are independent."""
    p, q = score.shape
    edge = max(max(di, dj) for di, dj, _ in steps)
    best = np.zeros((p + edge, q + edge), np.float32)
    step = np.full((p, q), -1, np.int8)
    prices = np.array([price * gap for _, _, price in steps], np.float32)[:, None]
    matching = np.array([di > 0 and dj > 0 for di, dj, _ in steps])
    for diagonal in range(p + q - 1):
        i = np.arange(max(0, diagonal - q + 1), min(p, diagonal + 1))
        j = diagonal - i
        options = np.stack([best[i + edge - di, j + edge - dj] for di, dj, _ in steps])
        options -= prices
        gain = score[i, j]
        options[matching] += gain
        choice = options.argmax(axis=0)
        value = options[choice, np.arange(len(i))]
        start = (gain > 0) & (value <= gain)
        value = np.where(start, gain, value)
        dead = value <= 0
        best[i + edge, j + edge] = np.where(dead, 0, value)
        step[i, j] = np.where(start | dead, -1, choice)
    return best[edge:, edge:], step


def frame_to_frame_both(query: Array, reference: Array) -> tuple[Array, Array]:
    """`matching.similarity.frame_to_frame_both` by one product of all regions with all regions."""
    (tq, rq, dim), (tr, rr, _) = query.shape, reference.shape
    pairs = (query.reshape(-1, dim) @ reference.reshape(-1, dim).T).reshape(tq, rq, tr, rr)
    return pairs.max(axis=3).mean(axis=1), pairs.max(axis=1).mean(axis=2).T


@torch.inference_mode()
def visil_output(comparator: VideoComparator, frame_similarity: Array) -> Array:
    """`models.comparator.visil_output` by the module, on one matrix."""
    output = comparator(torch.from_numpy(frame_similarity)[None, None])[0, 0]
    return np.asarray(output.clamp(-1, 1).numpy())
