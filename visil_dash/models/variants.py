"""The models that others published: what each is made of, and the levels to start from.

Building one needs torch, which comes with the first `build`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from visil_dash.records import Preprocess

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from visil_dash.models.comparator import VideoComparator

    States = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Parts:
    """A published model in evaluation mode: frames `[N, 3, side, side]` in 0..1 go through
    `backbone`, then `refine` gives the whitened and weighted region vectors `[N, R, D]`."""

    backbone: "nn.Module"
    refine: "Callable[[Tensor], Tensor]"
    comparator: "VideoComparator | None"


@dataclass(frozen=True)
class Levels:
    """Where a user starts, as in `Model`; none is calibrated on data."""

    unrelated_distance: float
    threshold_share: float
    frame_level: float
    match_score: float


@dataclass(frozen=True)
class Variant:
    """`build`: from the states of its files by key, on a device; `symmetric`: its comparator was
    trained on symmetric frame-to-frame similarity."""

    title: str
    regions: int
    dim: int
    preprocess: Preprocess
    levels: Levels
    build: "Callable[[States, torch.device], Parts]"
    symmetric: bool = False
    pixels: str = ""  # named where features of the same weights were once made otherwise


_CENTRE = Preprocess(side=224, mode="crop", resize=256)
# Unit vectors that share nothing are 2 apart. Attention weights of unit region vectors lie about
# 0.5, so before they are scaled to unit length such frames are 2 · 9 · 0.5² = 4.5 apart, and a
# frame is 9 · 0.5² / 9 = 0.25 similar to itself. The ViSiL tutorial's distance threshold, 4.0, is
# of such vectors.
_VISIL_LEVELS = Levels(2.0, 4.0 / 4.5, 0.125, 0.5)
# The publisher calls cosine 0.75 a copy at 90 % precision on DISC; candidates are let through from
# 0.5.
_SSCD_LEVELS = Levels(2.0, 0.5, 0.6, 0.6)


def _visil(dim: int) -> "Callable[[States, torch.device], Parts]":
    def build(states: "States", device: "torch.device") -> Parts:
        from visil_dash.models.attention import apply_attention
        from visil_dash.models.visil import load_parts

        parts = load_parts(resnet=states["resnet"], pca=states["pca"], head=states["head"], dim=dim)
        whitening, context = parts.whitening.to(device), parts.context.to(device)
        return Parts(
            parts.backbone, lambda x: apply_attention(whitening(x), context), parts.comparator
        )

    return build


def _student(states: "States", device: "torch.device") -> Parts:
    from visil_dash.models.published import STUDENT_DIM
    from visil_dash.models.successors import load_student
    from visil_dash.models.visil import load_backbone, load_whitening

    attention, comparator = load_student(states["head"])
    attention = attention.to(device)
    whitening = load_whitening(states["pca"], dim=STUDENT_DIM).to(device)

    def refine(x: "Tensor") -> "Tensor":
        white = whitening(x)
        return white * attention.weights(white).unsqueeze(-1)

    return Parts(load_backbone(states["resnet"]), refine, comparator)


def _sscd(states: "States", _device: "torch.device") -> Parts:
    from visil_dash.models.successors import load_sscd

    return Parts(load_sscd(states["backbone"]), lambda x: x, None)


_resnet = partial(Variant, regions=9, preprocess=_CENTRE, levels=_VISIL_LEVELS)

VARIANTS: dict[str, Variant] = {
    "visil": _resnet("ViSiL (ResNet-50, 3840 dims)", dim=3840, build=_visil(3840)),
    "visil-symmetric": _resnet(
        "ViSiL symmetric (ResNet-50, 512 dims)", dim=512, build=_visil(512), symmetric=True
    ),
    "dns-attention": _resnet(
        "Distill-and-Select attention student (ResNet-50, 512 dims)", dim=512, build=_student
    ),
    # The first published code of both S2VS models used mean 0.45 and std 0.225.
    "s2vs-dns": _resnet(
        "S2VS, DnS-100K (ResNet-50, 512 dims)", dim=512, build=_student, pixels="imagenet"
    ),
    "s2vs-vcdb": _resnet(
        "S2VS, VCDB (ResNet-50, 512 dims)", dim=512, build=_student, pixels="imagenet"
    ),
    "sscd": Variant(
        "SSCD (ResNet-50, one vector of 512 dims a frame)",
        1,
        512,
        Preprocess(side=320),
        _SSCD_LEVELS,
        _sscd,
    ),
}
