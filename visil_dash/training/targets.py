"""What the student is to say: a teacher's whitened region vectors of fixed pairs of views.

A teacher costs as much as the student's own training step. Each photo has a few fixed pairs of
views instead, whose targets are computed once; only what degrades the student's view is new each
time.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from visil_dash.models.regions import REGION_GRID
from visil_dash.models.whitening import Whitening, fit_whitening
from visil_dash.records import Array
from visil_dash.training.augment import clean_pair
from visil_dash.training.teachers import Teacher


def to_frames(images: list[Array]) -> Tensor:
    """uint8 `[N, H, W, 3]` → float `[N, 3, H, W]` in 0..1, channels last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div_(255)


def square(image: Array, size: int) -> Array:
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def squares(photos: list[Array], size: int) -> Iterator[list[Array]]:
    """All photos as squares, 64 at a time: a network's batch, and no more of them in memory."""
    for i in range(0, len(photos), 64):
        yield [square(photo, size) for photo in photos[i : i + 64]]


def fit_teacher_whitening(teacher: Teacher, photos: list[Array], size: int, dim: int) -> Whitening:
    chunks = [teacher(to_frames(s)).flatten(0, 1).float() for s in squares(photos, size)]
    return fit_whitening(torch.cat(chunks), dim)


def fixed_pair(photos: list[Array], photo: int, variant: int, size: int) -> tuple[Array, Array]:
    """Two views of a photo before degradation: the same at every call, and at every size."""
    rng = np.random.default_rng([photo, variant])
    # What hides a picture is any other photo, mostly outside its batch: inside, it would be no
    # true negative.
    background = photos[int(rng.integers(len(photos)))]
    return clean_pair(photos[photo], background, rng, size=size)


def teacher_targets(
    photos: list[Array],
    imitate: Teacher,
    path: Path,
    *,
    dim: int,
    variants: int,
    size: int,
    made_with: str,
) -> Array:
    """Whitened region vectors of every fixed pair, `[N, variants, 2, R, D]` float16.

    Saved to `path` while they are computed, so an interrupted run resumes. `made_with`: what else
    the values depend on; targets made with something else are computed again.
    """
    done_path = path.with_suffix(".json")
    shape = (len(photos), variants, 2, REGION_GRID**2, dim)
    known = {"shape": shape, "made_with": made_with}
    done = 0
    if path.exists() and done_path.exists():
        kept = json.loads(done_path.read_text())
        if (kept["shape"], kept.get("made_with")) == (list(shape), made_with):
            done = int(kept["done"])
    mode: Literal["r+", "w+"] = "r+" if done else "w+"
    targets = np.lib.format.open_memmap(path, mode=mode, dtype=np.float16, shape=shape)
    step = 32
    with ThreadPoolExecutor(1) as pool:

        def views(start: int) -> Tensor:
            chosen = range(start, min(start + step, len(photos)))
            pairs = [fixed_pair(photos, i, v, size) for i in chosen for v in range(variants)]
            return to_frames([picture for pair in pairs for picture in pair])

        ahead = pool.submit(views, done)
        for start in range(done, len(photos), step):
            frames = ahead.result()
            ahead = pool.submit(views, min(start + step, len(photos) - 1))
            vectors = torch.cat([imitate(part) for part in frames.split(64)])
            rows = targets[start : start + step]
            rows[:] = vectors.half().numpy().reshape(rows.shape)
            if start % 2048 < step:
                targets.flush()
                done_path.write_text(json.dumps(known | {"done": start + step}))
    targets.flush()
    done_path.write_text(json.dumps(known | {"done": len(photos)}))
    return targets
