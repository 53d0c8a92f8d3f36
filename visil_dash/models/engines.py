"""What runs a backbone: PyTorch, or OpenVINO on a CPU, in full or reduced precision.

In full precision the engines differ by less than a part in a million, so features of both may lie
in one library; features of reduced precision have an extractor id of their own. Measured by
`python -m benchmarks.speed.engines` (docs/performance.md).
"""

import sys
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from visil_dash.errors import ModelError
from visil_dash.settings import Settings

Run = Callable[[Tensor], Tensor]  # frames `[N, 3, S, S]` in 0..1 → raw region vectors `[N, R, C]`


def running(backbone: nn.Module, *, side: int, device: torch.device, settings: Settings) -> Run:
    """The backbone, in evaluation mode, as the settings' runtime and precision run it.

    Raises ModelError where OpenVINO is asked for and not installed.
    """
    reduced = settings.precision == "reduced"
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
