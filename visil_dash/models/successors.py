"""Models that came after ViSiL, built to take their published weights, loaded strictly.

The fine-grained attention student of Distill-and-Select (Kordopatis-Zilos et al., IJCV 2022) and
S2VS (Kordopatis-Zilos et al., CVPR Workshops 2023) share ViSiL's region vectors of 512 dims, and
differ from it in the attention and in the comparator's padding. SSCD (Pizzi et al., CVPR 2022)
describes a picture by one vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from visil_dash.models.compact import IMAGENET_MEAN, IMAGENET_STD
from visil_dash.models.comparator import VideoComparator
from visil_dash.models.published import STUDENT_DIM, student_layout
from visil_dash.models.states import Layout, check_layout

_SSCD_DIM = 512
_GEM_POWER = 3.0  # of the generalised mean, for all published SSCD models
_GEM_FLOOR = 1e-6


@dataclass(frozen=True)
class GatedAttention:
    """Weights σ(c · tanh(W x + b)) of region vectors x; the context c is not of unit norm.

    `transform` `[D, D]`, `bias` `[D]`, `context` `[D]`.
    """

    transform: Tensor
    bias: Tensor
    context: Tensor

    def weights(self, x: Tensor) -> Tensor:
        """Region vectors `[..., D]` → weights `[...]` in 0..1."""
        return torch.sigmoid(torch.tanh(x @ self.transform.T + self.bias) @ self.context)

    def to(self, device: torch.device) -> "GatedAttention":
        return GatedAttention(
            self.transform.to(device), self.bias.to(device), self.context.to(device)
        )


def load_student(state: Mapping[str, Tensor]) -> tuple[GatedAttention, VideoComparator]:
    """Attention and comparator of a Distill-and-Select student or of S2VS. Raises ModelError."""
    check_layout(state, student_layout(), name="fine-grained student")
    attention = GatedAttention(
        state["attention.transform.weight"].float(),
        state["attention.transform.bias"].float(),
        state["attention.context_vector.weight"].float().view(STUDENT_DIM),
    )
    comparator = VideoComparator(padding="zeros")
    prefix = "visil_head."
    comparator.load_state_dict(
        {k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)}
    )
    return attention, comparator.eval().requires_grad_(False)


class SSCDBackbone(nn.Module):
    """ResNet-50 → generalised mean over places → linear layer: one vector a picture."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.net = resnet50(weights=None, num_classes=_SSCD_DIM)
        del self.net.avgpool
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """RGB frames `[N, 3, H, W]` in 0..1 → L2-normalised vectors `[N, 1, 512]`."""
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1((frames - self.mean) / self.std))))
        x = net.layer4(net.layer3(net.layer2(net.layer1(x))))
        pooled = x.clamp_min(_GEM_FLOOR).pow(_GEM_POWER).mean((2, 3)).pow(1 / _GEM_POWER)
        return F.normalize(net.fc(pooled), dim=-1).unsqueeze(1)


def sscd_layout() -> Layout:
    """Names and shapes of the published SSCD models on torchvision's ResNet-50."""
    with torch.device("meta"):
        net = resnet50(weights=None, num_classes=_SSCD_DIM)
    return {f"backbone.{name}": tuple(value.shape) for name, value in net.state_dict().items()}


def load_sscd(state: Mapping[str, Tensor]) -> SSCDBackbone:
    """The backbone with a published SSCD state. Raises ModelError."""
    check_layout(state, sscd_layout(), name="SSCD")
    backbone = SSCDBackbone()
    backbone.net.load_state_dict({k.removeprefix("backbone."): v for k, v in state.items()})
    return backbone.eval().requires_grad_(False)
