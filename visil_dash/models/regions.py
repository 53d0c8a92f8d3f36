"""Region vectors out of convolutional maps (ViSiL section 3.1: R-MAC over a grid of regions)."""

import torch
import torch.nn.functional as F
from torch import Tensor

REGION_GRID = 3  # 3 x 3 = 9 regions a frame, as in the paper's ViSiL


def region_pool(maps: list[Tensor], grid: int = REGION_GRID) -> Tensor:
    """Maps `[N, C_i, H_i, W_i]` → region vectors `[N, grid², ΣC_i]`.

    Each map is max-pooled to the grid and L2-normalised over its channels before they are
    concatenated, so that no layer outweighs another.
    """
    pooled = [F.normalize(F.adaptive_max_pool2d(m, grid).float(), dim=1, eps=1e-6) for m in maps]
    return torch.cat(pooled, dim=1).flatten(2).transpose(1, 2)
