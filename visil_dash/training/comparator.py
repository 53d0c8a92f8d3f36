"""Train the video comparator with the triplet loss of ViSiL (sections 3.3 and 3.4).

Clips are made of photos (see `clips`), so any folder of photos is enough; the hardest negatives are
other takes of the same clip. Features come from the
model's own backbone and stay fixed; only the comparator learns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from visil_dash.matching.similarity import chamfer, frame_to_frame, frame_to_frame_both
from visil_dash.models.comparator import VideoComparator
from visil_dash.records import Array
from visil_dash.training.batches import nearest_others
from visil_dash.training.clips import act, copy_in_time, make_clip, other_take, render
from visil_dash.training.targets import squares

Extract = Callable[[Array], Array]


@dataclass(frozen=True)
class ComparatorOptions:
    """`margin`: of the triplet loss (γ in the paper); `excess`: weight of values beyond ±1.
    `across`: share of the triplet loss in which each negative is held against every positive of
    the batch, so that the scores of all queries share one scale; the rest holds it against its own.

    `clips`: how many are made, and as many other takes of them; `played`: share of them with actors
    before the camera; `copies`: of each clip. `hard`: how many of the hardest negatives are used.
    """

    clips: int = 400
    played: float = 0.6
    copies: int = 2
    frames: tuple[int, int] = (8, 40)
    steps: int = 1000
    batch: int = 12
    rate: float = 1e-3
    margin: float = 0.5
    across: float = 0.5
    excess: float = 1.0  # with 0.1 scores stuck at ±1, and ties told nothing
    hard: int = 20
    size: int = 160
    seed: int = 0


@dataclass(frozen=True)
class TrainingPair:
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
    copies: tuple[TrainingPair, ...]

    @property
    def truth(self) -> Array:
        """Which clip each copy was made of, bool `[copies, clips]`."""
        out: Array = np.array([p.clip for p in self.copies])[:, None] == np.arange(len(self.clips))
        return out


def make_set(photos: list[Array], extract: Extract, options: ComparatorOptions) -> ClipSet:
    """Clips, another take of each after them, and edited copies of the clips, with features by
    `extract` (`[n, size, size, 3]` uint8)."""
    rng = np.random.default_rng(options.seed)
    size = options.size
    whole = [torch.from_numpy(extract(np.stack(chunk))) for chunk in squares(photos, size)]
    alike = nearest_others(torch.cat(whole).mean(1), count=8)
    stories, takes = [], []
    for _ in range(options.clips):
        frames = int(rng.integers(*options.frames))
        shots = int(rng.integers(1, max(2, min(7, frames // 3))))
        story = make_clip(rng.choice(len(photos), shots, replace=False).tolist(), frames, rng)
        cast = rng.choice(len(photos), 6).tolist()
        if rng.random() < options.played:
            story = act(story, cast[:3], rng)
        stories.append(story)
        takes.append(other_take(story, alike, cast[3:], rng))
    features = [
        extract(render(clip, photos, rng, size=size, edited=False, relit=relit))
        for clip, relit in [
            *((story, False) for story in stories),
            *((take, bool(rng.random() < 0.5)) for take in takes),
        ]
    ]
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
                size=size,
                edited=True,
                background=background,
            )
            copies.append(TrainingPair(extract(pictures), i))
    return ClipSet(tuple(features), tuple(copies))


def score_tables(
    data: ClipSet, video_scores: Mapping[str, Callable[[Array], float]]
) -> dict[str, Array]:
    """`[copies, clips]` by each function of the frame-to-frame matrix, which is made once."""
    tables = {
        way: np.zeros((len(data.copies), len(data.clips)), np.float32) for way in video_scores
    }
    for i, pair in enumerate(data.copies):
        for j, clip in enumerate(data.clips):
            matrix = frame_to_frame(pair.copy, clip)
            for way, score in video_scores.items():
                tables[way][i, j] = score(matrix)
    return tables


def score_table(data: ClipSet, video_score: Callable[[Array], float]) -> Array:
    return score_tables(data, {"": video_score})[""]


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


@torch.no_grad()
def with_direct_input(net: VideoComparator, share: float) -> VideoComparator:
    """A comparator whose output is `share` (0..1) of its input, passed on by `direct`, plus the
    remaining share of the output of `net`.

    Raises ValueError when `net` has no direct connection.
    """
    if net.direct is None:
        raise ValueError("expected a comparator with a direct connection from its input")
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for name in ("fconv.weight", "fconv.bias", "direct"):
        state[name] *= 1 - share
    state["direct"] += share
    out = VideoComparator(direct=True)
    out.load_state_dict(state)
    return out.eval()


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
    net = VideoComparator(direct=start is None or start.direct is not None)
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
        lacking = (n[None] - p[:, None] + options.margin).clamp_min(0)  # [positives, negatives]
        triplet = options.across * lacking.mean() + (1 - options.across) * lacking.diag().mean()
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
