"""Chamfer similarity of pictures, and the contrastive loss over it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def chamfer_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Chamfer similarity of every picture pair: `[N, R, D]`, `[M, R, D]` → `[N, M]`."""
    n, r, _ = a.shape
    m = b.shape[0]
    pairs = (a.reshape(n * r, -1) @ b.reshape(m * r, -1).T).view(n, r, m, r)
    return pairs.amax(3).mean(1)


def contrastive_loss(
    a: Tensor, b: Tensor, temperature: float, *, unsure: Tensor | None = None
) -> Tensor:
    """InfoNCE both ways over Chamfer similarities of two views `[N, R, D]` of N pictures.

    `unsure` `[N, N]`: pairs that may show the same and are no negatives (the diagonal does not
    count).
    """
    own = torch.arange(a.shape[0])
    there, back = chamfer_matrix(a, b) / temperature, chamfer_matrix(b, a) / temperature
    if unsure is not None:
        left_out = unsure & ~torch.eye(len(own), dtype=torch.bool)
        there = there.masked_fill(left_out, -torch.inf)
        back = back.masked_fill(left_out.T, -torch.inf)
    return (F.cross_entropy(there, own) + F.cross_entropy(back, own)) / 2
