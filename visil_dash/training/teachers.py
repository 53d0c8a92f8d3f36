"""Frozen ImageNet teachers, run from weight archives that the user supplies.

The archives (`.npz`, Gluon naming) come from the ONNX model zoo; none of their weights ends up
in a model of this project.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from visil_dash.models.compact import IMAGENET_MEAN, IMAGENET_STD
from visil_dash.models.regions import region_pool

Teacher = Callable[[Tensor], Tensor]

# MobileNetV2 of Gluon halves the resolution entering these bottlenecks.
_STRIDED = {1, 3, 10, 13}
_TAPS = (2, 6, 12)  # last bottleneck before each halving but one; the 1280-channel map is added


class MobileNetV2Teacher:
    """RGB frames `[N, 3, H, W]` in 0..1 → unwhitened region vectors `[N, 9, D]`."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            raw = {k: torch.from_numpy(archive[k].astype(np.float32)) for k in archive.files}
        self._folded: dict[str, tuple[Tensor, Tensor]] = {}
        for name in {
            k.removesuffix("_weight") for k in raw if "conv" in k and k.endswith("_weight")
        }:
            norm = name.replace("conv", "batchnorm")
            if f"{norm}_gamma" in raw:
                scale = raw[f"{norm}_gamma"] * torch.rsqrt(raw[f"{norm}_running_var"] + 1e-5)
                shift = raw[f"{norm}_beta"] - raw[f"{norm}_running_mean"] * scale
                self._folded[name] = (raw[f"{name}_weight"] * scale.view(-1, 1, 1, 1), shift)
        self._mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        self._std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def _conv(
        self, x: Tensor, name: str, *, stride: int = 1, padding: int = 0, groups: int = 1
    ) -> Tensor:
        weight, bias = self._folded[name]
        return F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), stride, padding, 1, groups)

    def to_bfloat16(self) -> "MobileNetV2Teacher":
        self._folded = {
            k: (w.bfloat16().contiguous(memory_format=torch.channels_last), b.bfloat16())
            for k, (w, b) in self._folded.items()
        }
        return self

    @torch.no_grad()
    def __call__(self, frames: Tensor) -> Tensor:
        return self.regions(frames)

    def regions(self, frames: Tensor) -> Tensor:
        x = ((frames - self._mean) / self._std).to(self._folded["conv0"][0].dtype)
        x = F.relu(self._conv(x, "conv0", stride=2, padding=1))
        maps = []
        for i in range(17):
            block = f"linearbottleneck{i}_"
            y = F.relu(self._conv(x, block + "conv0"))
            y = F.relu(
                self._conv(
                    y,
                    block + "conv1",
                    stride=2 if i in _STRIDED else 1,
                    padding=1,
                    groups=y.shape[1],
                )
            )
            y = self._conv(y, block + "conv2")
            x = x + y if y.shape == x.shape else y
            if i in _TAPS:
                maps.append(x)
        maps.append(F.relu(self._conv(x, "conv1")))
        return region_pool(maps)
