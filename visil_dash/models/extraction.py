"""Frames of pixels → region vectors, on arrays: the loop around a backbone."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from visil_dash.records import Array

_BATCH = 32  # frames that go through a backbone at once; more is not faster on a CPU


def extraction(
    regions_of: Callable[[Tensor], Tensor],
    *,
    side: int,
    shape: tuple[int, int],
    device: torch.device,
) -> Callable[[Array], Array]:
    """Function of uint8 RGB `[n, side, side, 3]` → `[n, R, D]` float32, `shape` being (R, D).

    `regions_of` takes RGB frames `[N, 3, side, side]` in 0..1 on `device`. The function raises
    ValueError on frames of another shape or type.
    """

    def extract(frames: Array) -> Array:
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (side, side, 3):
            raise ValueError(
                f"frames: expected uint8 [n, {side}, {side}, 3], got {frames.dtype} {frames.shape}"
            )
        if not len(frames):
            raise ValueError("frames: expected at least one, got none")
        out = np.empty((len(frames), *shape), np.float32)
        # Inference mode belongs to the thread: set here, wherever the call comes from.
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH):
                batch = torch.from_numpy(np.array(frames[start : start + _BATCH]))
                # Channels stay last in memory, as they come, which is the faster layout.
                x = batch.to(device).permute(0, 3, 1, 2).float().div_(255)
                out[start : start + _BATCH] = regions_of(x).cpu().numpy()
        return out

    return extract


def fold_batch_norm(module: nn.Module) -> None:
    """Fold batch normalisation into the convolution registered just before it, in place.

    For networks in evaluation mode that run the two in order of registration, as torchvision's
    ResNet and RegNet do.
    """
    children = list(module.named_children())
    for (first, conv), (second, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, first, fuse_conv_bn_eval(conv, norm))
            setattr(module, second, nn.Identity())
    for _, child in children:
        fold_batch_norm(child)


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
