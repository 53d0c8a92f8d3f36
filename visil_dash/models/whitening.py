"""PCA whitening of region vectors (ViSiL section 3.1, after Jégou and Chum 2012)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_EPS = 1e-7  # keeps directions of vanishing variance finite; the value of the published ViSiL


@dataclass(frozen=True)
class Whitening:
    """`mean` `[D]`, `variance` `[K]` (eigenvalues), `basis` `[D, K]` (eigenvectors in columns)."""

    mean: Tensor
    variance: Tensor
    basis: Tensor

    @property
    def dim(self) -> int:
        return self.basis.shape[1]

    def to(self, device: torch.device) -> "Whitening":
        return Whitening(self.mean.to(device), self.variance.to(device), self.basis.to(device))

    def __call__(self, x: Tensor) -> Tensor:
        """Region vectors `[..., D]` → whitened, L2-normalised `[..., K]`."""
        return F.normalize(
            (x - self.mean) @ (self.basis * torch.rsqrt(self.variance + _EPS)), dim=-1
        )


def fit_whitening(x: Tensor, dim: int) -> Whitening:
    """PCA of region vectors `[N, D]`, keeping the `dim` directions of largest variance.

    Raises ValueError when N or D is too small for `dim` directions.
    """
    n, d = x.shape
    if dim > min(n - 1, d):
        raise ValueError(
            f"whitening to {dim} dims needs more: expected N > {dim} and D >= {dim}, got {n}, {d}"
        )
    mean = x.mean(0)
    centred = (x - mean).double()
    variance, basis = torch.linalg.eigh(centred.T @ centred / (n - 1))
    order = torch.argsort(variance, descending=True)[:dim]
    return Whitening(mean, variance[order].float().clamp_min(0), basis[:, order].float())
