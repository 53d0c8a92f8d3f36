"""Learn the context vector of attention on whitened region vectors (ViSiL section 3.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from visil_dash.training.losses import contrastive_loss


def fit_context(
    first: Tensor,
    second: Tensor,
    flat: Tensor,
    *,
    steps: int = 400,
    batch: int = 192,
    rate: float = 0.02,
    temperature: float = 0.06,
    flat_weight: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """The unit context vector `[K]` under which two views of a picture agree best.

    `first`, `second` `[N, R, K]`: whitened region vectors of two views of the same N pictures.
    `flat` `[M, K]`: regions that show nothing (black, plain colour, blur); their attention is
    pushed towards zero, so that slates and fades stop matching everything.
    """
    torch.manual_seed(seed)
    context = F.normalize(first.mean((0, 1)) - flat.mean(0), dim=0).requires_grad_()
    optimiser = torch.optim.Adam([context], lr=rate)
    for _ in range(steps):
        chosen = torch.randperm(len(first))[:batch]
        unit = F.normalize(context, dim=0)
        a, b = (v * ((v @ unit) / 2 + 0.5)[..., None] for v in (first[chosen], second[chosen]))
        # Only the share of attention matters, not its level: rescaled to unit mean energy.
        a, b = (v / v.norm(dim=-1).pow(2).mean().sqrt() for v in (a, b))
        loss = contrastive_loss(a, b, temperature)
        loss = loss + flat_weight * ((flat @ unit) / 2 + 0.5).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return F.normalize(context.detach(), dim=0)
