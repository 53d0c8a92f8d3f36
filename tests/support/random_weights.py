"""Weights of the published shapes that nobody trained, for claims about loading them."""

from dataclasses import replace

import torch
from torchvision.models import resnet50

from visil_dash.models import published
from visil_dash.models.published import MODEL_FILES, PCA_LAYOUT


def random_resnet(classes=1000):
    """A ResNet-50 whose batch normalisation does something."""
    net = resnet50(weights=None, num_classes=classes)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def random_pca():
    generator = torch.Generator().manual_seed(1)
    dim = PCA_LAYOUT["mean"][0]
    return {
        "mean": torch.rand(dim, generator=generator) * 0.02,
        # ascending, as an eigendecomposition gives them; the largest must still come first
        "d": torch.rand(dim, generator=generator).sort().values * 1e-3,
        "V": torch.randn(dim, dim, generator=generator) / dim**0.5,
    }


def unpin_resnet(patch):
    """Random weights cannot have the pinned hash; all else about the file stays."""
    for name, files in MODEL_FILES.items():
        loose = tuple(
            replace(f, sha256=None, bytes=None, limit=2 * f.limit) if f.key == "resnet" else f
            for f in files
        )
        patch.setitem(published.MODEL_FILES, name, loose)
