"""Attention over region vectors by a context vector (ViSiL section 3.1, equation 2)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def unit_context(context: Tensor) -> Tensor:
    """A context vector `[D]` or `[1, D]` scaled to |c| = 1, as `[D]` float32.

    The unit norm is part of the method: with it the weights of unit region vectors stay in 0..1.
    Raises ValueError when the vector has another shape, no direction, or non-finite values.
    """
    c = context.detach().float()
    if c.ndim == 2 and c.shape[0] == 1:
        c = c[0]
    if c.ndim != 1:
        raise ValueError(f"context vector: expected [D] or [1, D], got {list(context.shape)}")
    if not torch.isfinite(c).all() or c.norm() == 0:
        raise ValueError("context vector: expected finite values and a norm above 0")
    return F.normalize(c, dim=0)


def attention_weights(x: Tensor, context: Tensor) -> Tensor:
    """Unit region vectors `[..., D]`, unit context `[D]` → weights `[...]` in 0..1."""
    return x @ context / 2 + 0.5


def apply_attention(x: Tensor, context: Tensor) -> Tensor:
    """Unit region vectors `[..., D]` scaled by their weights, which become their norms."""
    return x * attention_weights(x, context).unsqueeze(-1)


def on_one_scale(x: Tensor) -> Tensor:
    """Region vectors `[..., R, D]` with each frame scaled so that its regions have a mean square
    norm of 1; one whose regions are all zero stays so.

    Attention tells the regions of a frame apart. What it says of whole frames depends on their
    texture: without this a page of text is 0.4 similar to itself and a crowd 1.2, so that no score
    means the same for both.
    """
    scale = x.square().sum(-1).mean(-1).sqrt()
    return x / torch.where(scale > 0, scale, 1.0)[..., None, None]
