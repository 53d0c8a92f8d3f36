"""Published models with random weights: as fast as with theirs, so they can be timed beforehand."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from visil_dash.models.extraction import best_device, extraction, fold_batch_norm, running
from visil_dash.models.published import MODEL_FILES, PCA_LAYOUT
from visil_dash.models.successors import SSCDBackbone
from visil_dash.models.variants import VARIANTS
from visil_dash.models.visil import ViSiLBackbone
from visil_dash.records import Array, Preprocess
from visil_dash.settings import Settings


@dataclass(frozen=True)
class Untrained:
    """`extract` as of Model: uint8 RGB `[n, side, side, 3]` → `[n, R, D]`; its values mean nothing.

    The attention is left out: it is one product a region.
    """

    preprocess: Preprocess
    extract: Callable[[Array], Array]


def untrained(name: str, *, settings: Settings) -> Untrained:
    """Raises KeyError for a model that nobody published."""
    variant = VARIANTS[name]
    whitened = any(file.key == "pca" for file in MODEL_FILES[name])
    backbone: nn.Module = ViSiLBackbone() if whitened else SSCDBackbone()
    backbone = backbone.eval().requires_grad_(False)
    fold_batch_norm(backbone)
    device = best_device()
    run = running(backbone, side=variant.preprocess.side, device=device, settings=settings)
    directions = torch.zeros(PCA_LAYOUT["V"][0], variant.dim, device=device)

    def regions_of(frames: Tensor) -> Tensor:
        regions = run(frames)
        return regions @ directions if whitened else regions

    return Untrained(
        variant.preprocess,
        extraction(
            regions_of,
            side=variant.preprocess.side,
            shape=(variant.regions, variant.dim),
            device=device,
        ),
    )
