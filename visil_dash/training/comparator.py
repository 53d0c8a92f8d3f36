"""Train the video comparator with the triplet loss of ViSiL (sections 3.3 and 3.4).

Clips are made of photos (see `clips`), so any folder of photos is enough. Features come from the
model's own backbone and stay fixed; only the comparator learns.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from visil_dash.models.comparator import VideoComparator
from visil_dash.records import Array
from visil_dash.similarity import chamfer, frame_to_frame_both
from visil_dash.training.clips import copy_in_time, make_clip, render

Extract = Callable[[Array], Array]


@dataclass(frozen=True)
class ComparatorOptions:
    """`margin`: of the triplet loss (γ in the paper); `excess`: weight of values beyond ±1."""

    clips: int = 400
    copies: int = 2
    frames: tuple[int, int] = (8, 40)
    steps: int = 900
    batch: int = 12
    rate: float = 1e-3
    margin: float = 0.5
    excess: float = 1.0  # with 0.1 scores stuck at ±1, and ties told nothing
    hard: int = 20
    size: int = 160
    seed: int = 0


@dataclass(frozen=True)
class Pair:
    """A copy and the clip that it was made of: region vectors `[T, R, D]` of both.

    `related`: other clips that are no negatives for it.
    """

    copy: Array
    clip: int
    related: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ClipSet:
    """Region vectors of clips `[T, R, D]` and of copies of them."""

    clips: tuple[Array, ...]
    copies: tuple[Pair, ...]


def make_set(photos: list[Array], extract: Extract, options: ComparatorOptions) -> ClipSet:
    """Clips and edited copies of them with features by `extract` (`[n, size, size, 3]` uint8)."""
    rng = np.random.default_rng(options.seed)
    stories = []
    for _ in range(options.clips):
        frames = int(rng.integers(*options.frames))
        shots = int(rng.integers(1, max(2, min(7, frames // 3))))
        chosen = rng.choice(len(photos), shots, replace=False).tolist()
        stories.append(make_clip(chosen, frames, rng))
    features = tuple(
        extract(render(s, photos, rng, size=options.size, edited=False)).astype(np.float16)
        for s in stories
    )
    copies = []
    for i, story in enumerate(stories):
        for _ in range(options.copies):
            frames = int(rng.integers(8, 30))
            foreign = make_clip(rng.choice(len(photos), 3, replace=False).tolist(), frames, rng)
            background = photos[int(rng.integers(len(photos)))]
            pictures = render(
                copy_in_time(story, foreign, rng),
                photos,
                rng,
                size=options.size,
                edited=True,
                background=background,
            )
            copies.append(Pair(extract(pictures).astype(np.float16), i))
    return ClipSet(features, tuple(copies))


def score_table(data: ClipSet, video_score: Callable[[Array], float]) -> Array:
    """`[copies, clips]` by a function of the frame-to-frame matrix."""
    table = np.zeros((len(data.copies), len(data.clips)), np.float32)
    for i, pair in enumerate(data.copies):
        for j, clip in enumerate(data.clips):
            table[i, j] = video_score(frame_to_frame_both(pair.copy, clip)[0])
    return table


def _padded(matrices: list[Array]) -> tuple[Tensor, Tensor]:
    """Matrices of different sizes as one batch `[N, 1, P, Q]` and the rows and columns of each."""
    sizes = torch.tensor([m.shape for m in matrices])
    p, q = (max(4, int(s)) for s in sizes.amax(0))
    batch = torch.zeros(len(matrices), 1, p, q)
    for i, m in enumerate(matrices):
        # Edge values, as the comparator's own replicate padding would continue them.
        batch[i, 0] = torch.from_numpy(
            np.pad(m, ((0, p - m.shape[0]), (0, q - m.shape[1])), mode="edge")
        )
    return batch, sizes


def _chamfer_of(output: Tensor, sizes: Tensor) -> Tensor:
    """Chamfer similarity of each `[P', Q']` map within its true size, `[N]`."""
    scores = []
    for map_, (p, q) in zip(output[:, 0], sizes.tolist(), strict=True):
        inner = map_[: max(1, p // 4), : max(1, q // 4)]
        scores.append(inner.clamp(-1, 1).amax(1).mean())
    return torch.stack(scores)


def train_comparator(
    data: ClipSet,
    options: ComparatorOptions,
    *,
    start: VideoComparator | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> VideoComparator:
    """Triplets (copy, its clip, a foreign clip); negatives are those of highest Chamfer.

    `start`: weights to go on from. Raises ValueError when a copy has no negative.
    """
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed + 1)
    hardness = score_table(data, chamfer)
    for i, pair in enumerate(data.copies):
        hardness[i, [pair.clip, *pair.related]] = -np.inf
    negatives = [
        row[np.isfinite(strength[row])][: options.hard]
        for row, strength in zip(np.argsort(-hardness, axis=1), hardness, strict=True)
    ]
    if any(not len(row) for row in negatives):
        raise ValueError("each copy needs a clip that it is no copy of")
    net = VideoComparator()
    if start is not None:
        net.load_state_dict(start.state_dict())
        net.train().requires_grad_()
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, options.steps)
    for step in range(options.steps):
        positive, negative = [], []
        for i in rng.integers(0, len(data.copies), options.batch).tolist():
            pair = data.copies[i]
            wrong = data.clips[int(rng.choice(negatives[i]))]
            there, back = frame_to_frame_both(pair.copy, data.clips[pair.clip])
            wrong_there, wrong_back = frame_to_frame_both(pair.copy, wrong)
            forward = rng.random() < 0.5
            positive.append(there if forward else back)
            negative.append(wrong_there if forward else wrong_back)
        matrices, sizes = _padded(positive + negative)
        output = net(matrices)
        scores = _chamfer_of(output, sizes)
        p, n = scores.chunk(2)
        triplet = (n - p + options.margin).clamp_min(0).mean()
        excess = ((output - 1).clamp_min(0) + (-1 - output).clamp_min(0)).mean()
        loss = triplet + options.excess * excess
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if on_step is not None:
            on_step(step, float(loss.detach()))
    return net.eval()
