"""The paper's ViSiL: region vectors of ResNet-50 and its published weights, loaded strictly.

Feature extraction follows section 3.1 of the paper with the constants of the published PyTorch
code; whitening, attention and comparator are those of the sibling modules.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from visil_dash.errors import ModelError
from visil_dash.models.attention import unit_context
from visil_dash.models.compact import IMAGENET_MEAN, IMAGENET_STD
from visil_dash.models.comparator import VideoComparator
from visil_dash.models.published import PCA_LAYOUT, head_layout
from visil_dash.models.states import Layout, check_layout
from visil_dash.models.whitening import Whitening

# Kernel and stride in cells of the layers' maps, whose sides are 56, 28, 14 and 7 for 224 px:
# each gives 3 × 3 regions that overlap by half.
_POOLS = ((28, 14), (14, 7), (6, 3), (3, 2))


class ViSiLBackbone(nn.Module):
    """ResNet-50 without its classifier. Weights are random until `load_backbone` fills them."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.net = resnet50(weights=None)
        del self.net.avgpool, self.net.fc
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """RGB frames `[N, 3, 224, 224]` in 0..1 → L2-normalised region vectors `[N, 9, 3840]`."""
        if frames.ndim != 4 or frames.shape[1:] != (3, 224, 224):
            raise ValueError(f"frames: expected [N, 3, 224, 224], got {list(frames.shape)}")
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1((frames - self.mean) / self.std))))
        maps = []
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            maps.append(x)
        return visil_regions(maps)


def visil_regions(maps: list[Tensor]) -> Tensor:
    """Maps of layers 1 to 4, `[N, C_i, S_i, S_i]` with S = 56, 28, 14, 7 → `[N, 9, ΣC_i]`.

    Each is max-pooled to 3 × 3 and L2-normalised over its channels; so is their concatenation.
    """
    pooled = [
        F.normalize(F.max_pool2d(m, kernel, stride), dim=1)
        for m, (kernel, stride) in zip(maps, _POOLS, strict=True)
    ]
    return F.normalize(torch.cat(pooled, dim=1).flatten(2).transpose(1, 2), dim=-1)


@dataclass(frozen=True)
class ViSiLParts:
    """A loaded ViSiL in evaluation mode; `context` `[K]` has unit norm."""

    backbone: ViSiLBackbone
    whitening: Whitening
    context: Tensor
    comparator: VideoComparator


def load_parts(
    *,
    resnet: Mapping[str, Tensor],
    pca: Mapping[str, Tensor],
    head: Mapping[str, Tensor],
    dim: int,
) -> ViSiLParts:
    """ViSiL out of the states of its three published files, whitened to `dim` channels.

    Raises ModelError that lists what is missing, unexpected, or of the wrong shape.
    """
    context, comparator = load_head(head, dim=dim)
    return ViSiLParts(load_backbone(resnet), load_whitening(pca, dim=dim), context, comparator)


def resnet_layout() -> Layout:
    """Names and shapes of torchvision's ResNet-50, the classifier among them."""
    with torch.device("meta"):
        net = resnet50(weights=None)
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


def load_backbone(state: Mapping[str, Tensor]) -> ViSiLBackbone:
    """The backbone with torchvision's ResNet-50 weights. Raises ModelError."""
    check_layout(state, resnet_layout(), name="ResNet-50")
    backbone = ViSiLBackbone()
    trunk = {k: v for k, v in state.items() if not k.startswith("fc.")}
    backbone.net.load_state_dict(trunk)
    return backbone.eval().requires_grad_(False)


def load_whitening(state: Mapping[str, Tensor], *, dim: int) -> Whitening:
    """PCA whitening to the `dim` directions of largest variance. Raises ModelError.

    Columns of `V` are eigenvectors, `d` their eigenvalues, in any order.
    """
    check_layout(state, PCA_LAYOUT, name="PCA whitening")
    variance = state["d"].float()
    if (variance <= -1e-7).any():  # below that, the whitening would be a root of nothing
        raise ModelError("PCA whitening: d holds negative eigenvalues, so the file is damaged.")
    order = torch.argsort(variance, descending=True, stable=True)[:dim]
    return Whitening(
        state["mean"].float(), variance[order], state["V"].float()[:, order].contiguous()
    )


def load_head(state: Mapping[str, Tensor], *, dim: int) -> tuple[Tensor, VideoComparator]:
    """Context vector `[dim]` of unit norm and comparator of a `visil_head`. Raises ModelError."""
    check_layout(state, head_layout(dim), name="ViSiL head")
    comparator = VideoComparator()
    prefix = "video_comperator."
    comparator.load_state_dict(
        {k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)}
    )
    try:
        context = unit_context(state["attention.context_vector.weight"])
    except ValueError as error:
        raise ModelError(f"ViSiL head: {error}.") from error
    return context, comparator.eval().requires_grad_(False)
