"""The bundled model's backbone: a small convolutional network with its own region head.

torchvision has the trunk too, with the same names of parameters; but importing torchvision takes
longer than importing torch, and nothing else of it is needed here.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visil_dash.models.regions import region_pool

COMPACT_DIM = 512  # channels of a raw region vector, before whitening
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# RegNetX-400MF (Radosavovic et al., Designing Network Design Spaces, CVPR 2020).
_STEM = 32
_WIDTHS = (32, 64, 160, 400)  # channels of the four stages, at strides 4, 8, 16 and 32
_DEPTHS = (1, 2, 7, 12)
_GROUP = 16  # channels of a group of the middle convolution


class CompactBackbone(nn.Module):
    """RegNetX-400MF trunk → region-pooled maps of its four stages → region vectors."""

    def __init__(self, dim: int = COMPACT_DIM, hidden: int = 768) -> None:
        super().__init__()
        self.stem = _regnet_stem()
        self.stages = _regnet_stages()
        self.head = nn.Sequential(
            nn.Linear(sum(_WIDTHS), hidden), nn.GELU(), nn.Linear(hidden, dim)
        )
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, frames: Tensor) -> Tensor:
        """RGB frames `[N, 3, H, W]` in 0..1 → L2-normalised region vectors `[N, 9, dim]`."""
        x = self.stem((frames - self.mean) / self.std)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return F.normalize(self.head(region_pool(maps)).float(), dim=-1)


def _conv(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.normal_(conv.weight, std=(2 / (kernel * kernel * outputs)) ** 0.5)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([nn.ReLU(inplace=True)] if relu else []))


class _Block(nn.Module):
    """A residual bottleneck of one width: 1×1, grouped 3×3, 1×1."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.proj = None
        if inputs != width or stride != 1:
            self.proj = _conv(inputs, width, 1, stride=stride, relu=False)
        self.f = nn.Sequential(
            OrderedDict(
                a=_conv(inputs, width, 1),
                b=_conv(width, width, 3, stride=stride, groups=width // _GROUP),
                c=_conv(width, width, 1, relu=False),
            )
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation((x if self.proj is None else self.proj(x)) + self.f(x))
        return out


def _regnet_stem() -> nn.Sequential:
    """RGB `[N, 3, H, W]` → `[N, 32, H/2, W/2]`."""
    return _conv(3, _STEM, 3, stride=2)


def _regnet_stages() -> nn.ModuleList:
    """The four stages; each halves the sides."""
    stages = nn.ModuleList()
    inputs = _STEM
    for number, (width, depth) in enumerate(zip(_WIDTHS, _DEPTHS, strict=True), start=1):
        blocks = OrderedDict[str, nn.Module]()
        for i in range(depth):
            blocks[f"block{number}-{i}"] = _Block(inputs, width, 1 if i else 2)
            inputs = width
        stages.append(nn.Sequential(blocks))
    return stages
