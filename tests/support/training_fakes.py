"""Photos and a teacher for training that takes seconds."""

import cv2
import numpy as np
import torch


def photos(count, seed=0, shape=(60, 80)):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        made.append(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC))
    return made


def constant_teacher(frames):
    """Stands for a teacher: 24 dims of coarse colour per region, no network."""
    pooled = torch.nn.functional.adaptive_avg_pool2d(frames.float(), (6, 6))
    parts = pooled.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5)
    x = parts.reshape(len(frames), 9, 12)
    return torch.cat([x, x**2], -1)


class Teacher:
    def __call__(self, frames):
        return constant_teacher(frames)

    regions = __call__

    def to_bfloat16(self):
        return self
