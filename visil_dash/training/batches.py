"""Batches for distillation: hard ones, in which many photos look alike, prepared ahead."""

import queue
import threading
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visil_dash.records import Array
from visil_dash.training.augment import GENTLE, STRONG, degrade
from visil_dash.training.targets import fixed_pair, squares, to_frames


@torch.inference_mode()
def similar_photos(student: nn.Module, photos: list[Array]) -> Array:
    """For each photo the 40 others that the student finds most alike, `[N, 40]`."""
    student.eval()
    with torch.autocast("cpu", torch.bfloat16):
        whole = torch.cat(
            [student(to_frames(chunk)).float().mean(1) for chunk in squares(photos, 112)]
        )
    student.train()
    return nearest_others(whole, count=40)


def nearest_others(pictures: Tensor, *, count: int) -> Array:
    """For each of the vectors `[N, D]` the `count` others of the highest cosine, nearest first,
    `[N, count]`; the mean of all is taken off first."""
    unit = F.normalize(pictures - pictures.mean(0), dim=-1)
    nearest = []
    for first, rows in enumerate(unit.split(512)):
        cosine = rows @ unit.T
        own = torch.arange(len(rows))
        cosine[own, own + 512 * first] = -torch.inf
        nearest.append(cosine.topk(min(count, len(pictures) - 1)).indices)
    return torch.cat(nearest).numpy()


def draw(
    photos: int, alike: Array, rng: np.random.Generator, *, batch: int, group: int, grouped: float
) -> Array:
    """Indices of one batch without repetition: groups of look-alikes, then any."""
    chosen: dict[int, None] = {}
    while len(chosen) < batch * grouped:
        seed = int(rng.integers(photos))
        near = rng.choice(alike[seed], min(group - 1, alike.shape[1]), replace=False)
        chosen |= dict.fromkeys([seed, *near.tolist()])
    while len(chosen) < batch:
        chosen |= dict.fromkeys(rng.integers(photos, size=batch - len(chosen)).tolist())
    return np.array(list(chosen))[:batch]


def batches(
    photos: list[Array],
    targets: Array,
    alike: Array,
    *,
    batch: int,
    group: int,
    grouped: float,
    size: int,
    seed: int,
    stop: threading.Event,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches until `stop`, prepared ahead: gently and strongly edited `[B, H, W, 3]` uint8, and
    the targets of both `[2, B, R, D]`.

    `grouped`: share of a batch drawn in groups of `group` photos that look alike.
    """
    ready: queue.Queue[tuple[Tensor, Tensor, Tensor]] = queue.Queue(3)
    rng = np.random.default_rng(seed)

    def fill() -> None:
        while not stop.is_set():
            chosen = draw(len(photos), alike, rng, batch=batch, group=group, grouped=grouped)
            variants = rng.integers(targets.shape[1], size=len(chosen))
            gentle, strong = [], []
            for photo, variant in zip(chosen.tolist(), variants.tolist(), strict=True):
                first, second = fixed_pair(photos, photo, variant, size)
                gentle.append(degrade(first, rng, GENTLE))
                strong.append(degrade(second, rng, STRONG))
            wanted = torch.from_numpy(targets[chosen, variants].swapaxes(0, 1).astype(np.float32))
            ready.put(
                (torch.from_numpy(np.stack(gentle)), torch.from_numpy(np.stack(strong)), wanted)
            )

    threading.Thread(target=fill, daemon=True).start()
    while not stop.is_set():
        yield ready.get()
    while not ready.empty():  # frees a producer that waits for room
        ready.get()
