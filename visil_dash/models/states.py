"""Reading weights: bytes → checked tensors, without running code of the file."""

import argparse
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

Layout = Mapping[str, tuple[int, ...]]  # tensor name → shape

_WRAPPERS = ("model", "state_dict")  # keys under which training scripts put the tensors
_LISTED = 6  # names listed in a message; of the others, the number


def read_checked(path: Path, *, sha256: str, remedy: str) -> bytes:
    """The bytes of a file, checked against its hash. The same bytes are then loaded.

    Raises ModelError when it cannot be read or the hash differs.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). {remedy}") from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise ModelError(
            f"{path}: damaged or replaced: its sha256 is {actual[:16]}…, expected {sha256[:16]}…. "
            f"{remedy}"
        )
    return data


def tensors_of(data: bytes, *, name: str, limit: int) -> dict[str, "Tensor"]:
    """Tensors of a `.pth` (torch, weights only) or `.safetensors` file, by its content.

    `limit`: maximum unpacked bytes. A dict under `model` or `state_dict` is unwrapped.

    Raises ModelError when the file contains anything but finite tensors.
    """
    import torch

    try:
        state = _unpack(data, name=name, limit=limit)
    except ModelError:
        raise
    except Exception as error:  # both loaders raise a dozen kinds on other bytes
        raise ModelError(
            f"{name}: not a weights file, damaged, or it contains more than tensors "
            f"({type(error).__name__}). Get it again from its publisher."
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise ModelError(f"{name}: expected a dict of tensors, got {_kind(state)}.")
    for key, value in state.items():
        _check_tensor(value, name=name, key=str(key))
    return {str(key): value for key, value in state.items()}


def _unpack(data: bytes, *, name: str, limit: int) -> object:
    """The content of a file, by its format. A zip archive is refused before it is unpacked."""
    import safetensors.torch

    stream = io.BytesIO(data)
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > limit:
            raise ModelError(f"{name}: unpacks to {unpacked:,} bytes, the limit is {limit:,}.")
    elif data[8:9] == b"{":
        return safetensors.torch.load(data)
    stream.seek(0)
    return _unpickled(stream)


def _check_tensor(value: "Tensor", *, name: str, key: str) -> None:
    import torch

    if value.layout is not torch.strided or value.is_complex() or value.is_quantized:
        raise ModelError(f"{name}: tensor {key} is not a plain dense tensor.")
    # One value that is not finite makes the sum so; asking each takes more than twice as long.
    if value.is_floating_point() and not value.float().sum().isfinite():
        raise ModelError(f"{name}: tensor {key} has values that are not finite.")


def _unpickled(stream: io.BytesIO) -> object:
    """Tensors and plain values of a torch file, never code.

    Training scripts store their options beside the tensors, as a namespace of plain values.
    """
    import torch

    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(stream, map_location="cpu", weights_only=True)


def check_layout(state: Mapping[str, "Tensor"], layout: Layout, *, name: str) -> None:
    """Raises ModelError with the missing and unexpected names and the wrong shapes.

    Counters of batch normalisation are ignored: older files lack them.
    """
    have = {k: tuple(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}
    want = {k: tuple(v) for k, v in layout.items() if not k.endswith("num_batches_tracked")}
    faults = [
        _listed("missing", [f"{k} {list(want[k])}" for k in want if k not in have]),
        _listed("unexpected", [f"{k} {list(have[k])}" for k in have if k not in want]),
        _listed(
            "wrong shape",
            [
                f"{k}: expected {list(want[k])}, got {list(have[k])}"
                for k in want
                if k in have and have[k] != want[k]
            ],
        ),
    ]
    if any(faults):
        raise ModelError(
            f"{name}: weights of another architecture. {' '.join(f for f in faults if f)}"
        )


def _listed(what: str, items: list[str]) -> str:
    if not items:
        return ""
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{what.capitalize()}: {'; '.join(items[:_LISTED])}{more}."


def _kind(value: object) -> str:
    if not isinstance(value, dict):
        return f"a {type(value).__name__}"
    odd = next(k for k, v in value.items() if not hasattr(v, "shape"))
    return f"a dict whose {odd!r} is a {type(value[odd]).__name__}"
