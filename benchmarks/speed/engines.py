"""What runs the networks: PyTorch or OpenVINO, in full or reduced precision.

    python -m benchmarks.speed.engines           # needs requirements-openvino.txt

CPU milliseconds a frame, medians, all ways in turn, one thread, batches of 16 frames of noise; the
share of the rate of a matrix product of 1024³ in full precision, of the same run; and the largest
difference of a region vector's value. ResNet-50 has random weights: its time is the same.
"""

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.timing import medians
from visil_dash.models.bundle import BUNDLED, read_bundle
from visil_dash.models.extraction import fold_batch_norm, running
from visil_dash.models.visil import ViSiLBackbone
from visil_dash.settings import Settings

_FRAMES, _SIDE = 16, 1024
_WAYS = (("torch", "full"), ("torch", "reduced"), ("openvino", "full"), ("openvino", "reduced"))


def networks() -> dict[str, tuple[nn.Module, int]]:
    """Each with the side of its frames in pixels."""
    torch.manual_seed(0)
    bundle = read_bundle(BUNDLED / "compact")
    made = {
        "compact model": (bundle.backbone, bundle.meta.preprocess.side),
        "ResNet-50 of ViSiL": (ViSiLBackbone(), 224),
    }
    for network, _ in made.values():
        fold_batch_norm(network.eval().requires_grad_(False))
    return made


def compared(name: str, network: nn.Module, side: int) -> None:
    frames = torch.rand(_FRAMES, side, side, 3).permute(0, 3, 1, 2)
    with FlopCounterMode(display=False) as counter:
        expected = network(frames)
    a, b = torch.randn(2, _SIDE, _SIDE)
    runs: dict[tuple[str, str], Callable[[Tensor], Tensor]] = {}
    for engine, precision in _WAYS:
        settings = Settings.model_validate(
            {"runtime": engine, "precision": precision, "threads": 1}
        )
        device = torch.device("cpu")
        runs[engine, precision] = running(
            copy.deepcopy(network), side=side, device=device, settings=settings
        )
    differ = {way: float((run(frames) - expected).abs().max()) for way, run in runs.items()}
    calls = {way: partial(run, frames) for way, run in runs.items()}
    taken = medians({"product": partial(torch.matmul, a, b), **calls}, times=5)
    rate = 2 * _SIDE**3 / taken["product"]
    for engine, precision in runs:
        a_frame = taken[engine, precision] / _FRAMES
        share = counter.get_total_flops() / _FRAMES / a_frame / rate
        print(
            f"| {name} | {engine} | {precision} | {a_frame:.1f} | {share:.0%} |"
            f" {differ[engine, precision]:.1g} |",
            flush=True,
        )


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(1)
    print("| network | engine | precision | ms a frame | of the product's rate | difference |")
    print("|---|---|---|---|---|---|")
    for name, (network, side) in networks().items():
        compared(name, network, side)


if __name__ == "__main__":
    main()
