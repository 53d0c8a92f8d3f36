"""The bundled model's backbone: a small convolutional network with its own region head."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visil_dash.models.regions import region_pool
from visil_dash.models.regnet import WIDTHS, regnet_stages, regnet_stem

COMPACT_DIM = 512  # channels of a raw region vector, before whitening
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class CompactBackbone(nn.Module):
    """RegNetX-400MF trunk → region-pooled maps of its four stages → region vectors."""

    def __init__(self, dim: int = COMPACT_DIM, hidden: int = 768) -> None:
        super().__init__()
        self.stem = regnet_stem()
        self.stages = regnet_stages()
        self.head = nn.Sequential(nn.Linear(sum(WIDTHS), hidden), nn.GELU(), nn.Linear(hidden, dim))
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
