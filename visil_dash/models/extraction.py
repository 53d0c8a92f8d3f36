"""Frames of pixels → region vectors, on arrays: the loop around a backbone, and what runs it.

Backbones run by PyTorch, or by OpenVINO on a CPU, in full or reduced precision. In full precision
both differ by less than a part in a million, so features of both may lie in one library; features
of reduced precision have an extractor id of their own. Measured by `python -m
benchmarks.speed.engines` (docs/performance.md).
"""

import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from visil_dash.errors import ModelError
from visil_dash.records import Array
from visil_dash.settings import Settings

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
    for (_, conv), (second, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            mean, variance = norm.running_mean, norm.running_var
            if mean is None or variance is None:
                raise ValueError("batch normalisation without statistics cannot be folded")
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
            setattr(module, second, nn.Identity())
    for _, child in children:
        fold_batch_norm(child)


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def reduce_products(reduced: bool) -> None:
    """Whether matrix products of this process multiply in bfloat16, where the CPU can; they add up
    in single precision either way. Similarity changes by less than 0.001."""
    torch.backends.mkldnn.matmul.fp32_precision = (  # type: ignore[attr-defined]
        "bf16" if reduced else "none"
    )


Run = Callable[[Tensor], Tensor]  # frames `[N, 3, S, S]` in 0..1 → raw region vectors `[N, R, C]`


def running(backbone: nn.Module, *, side: int, device: torch.device, settings: Settings) -> Run:
    """The backbone, in evaluation mode, as the settings' runtime and precision run it.

    Raises ModelError where OpenVINO is asked for and not installed.
    """
    reduced = settings.precision == "reduced"
    reduce_products(reduced)
    if settings.runtime == "openvino" and device.type == "cpu":
        return _OpenVino(backbone, side=side, reduced=reduced, threads=settings.threads)
    backbone = backbone.to(device).to(memory_format=torch.channels_last)
    if not reduced:
        return backbone
    half = torch.float16 if device.type == "cuda" else torch.bfloat16

    def run(frames: Tensor) -> Tensor:
        with torch.autocast(device.type, half):
            regions: Tensor = backbone(frames)
        return regions.float()

    return run


class _OpenVino:
    """A network that is compiled when it gets its first frames: that takes a second or two."""

    def __init__(self, backbone: nn.Module, *, side: int, reduced: bool, threads: int) -> None:
        self._core = _openvino()
        self._backbone, self._side = backbone, side
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16" if reduced else "f32",
            "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        self._compiled: Any = None
        self._lock = threading.Lock()  # one pool of threads, and one request at a time

    def __call__(self, frames: Tensor) -> Tensor:
        with self._lock:
            if self._compiled is None:
                self._compiled = self._compile()
            # Copied: the next call writes into the same memory.
            return torch.from_numpy(self._compiled(frames.contiguous().numpy())[0].copy())

    def _compile(self) -> Any:
        example = torch.zeros(2, 3, self._side, self._side)
        batch = {0: torch.export.Dim("batch", min=1)}
        network = self._backbone.to(memory_format=torch.contiguous_format)
        graph = torch.export.export(network, (example,), dynamic_shapes=(batch,))
        model = self._core.convert_model(graph)
        return self._core.Core().compile_model(model, "CPU", self._options)


def _openvino() -> Any:
    # Its import would report itself to its makers over the network; without this, it does not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise ModelError(
            "VISIL_DASH_RUNTIME is openvino, which is not installed. Install it with"
            " pip install -r requirements-openvino.txt, or unset the variable."
        ) from error
    return openvino
