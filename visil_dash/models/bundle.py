"""The files of a bundled model: `model.safetensors` (fp16 matrices), `meta.json`, `card.md`."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.errors import ModelError
from visil_dash.matching.confidence import ScoreEvidence
from visil_dash.models.states import check_layout, read_checked, tensors_of
from visil_dash.records import Preprocess

if TYPE_CHECKING:
    from torch import Tensor, nn

    from visil_dash.models.compact import CompactBackbone
    from visil_dash.models.comparator import VideoComparator
    from visil_dash.models.whitening import Whitening

BUNDLED = Path(__file__).parent / "bundled"
FORMAT = 1
WEIGHTS = "model.safetensors"
META = "meta.json"
_LIMIT = 64 * 1024**2  # bytes; a bundle of the project is 20 MB at most
_NOTHING_SHARED = 2.0  # squared L2 of unit vectors at right angles
_NUMBERS = ("threshold_share", "unrelated_distance", "frame_level", "default_match_score")
_REMEDY = "Restore the file from the project's repository or release."


@dataclass(frozen=True)
class BundleMeta:
    """The content of `meta.json`. `sha256`, `bytes`: of `model.safetensors`.

    `threshold_share`, `unrelated_distance`, `frame_level`, `default_match_score`: see `load.Model`.
    `trained`: from what, how, how long; free form, for people. `evidence`: None in bundles that
    were made without. `one_scale`: frames are scaled to be 1 similar to themselves (see
    attention.on_one_scale); False in earlier bundles.
    """

    name: str
    title: str
    preprocess: Preprocess
    dim: int
    regions: int
    sha256: str
    bytes: int
    threshold_share: float
    unrelated_distance: float
    frame_level: float
    default_match_score: float
    trained: Mapping[str, Any]
    evidence: ScoreEvidence | None = None
    one_scale: bool = False


@dataclass(frozen=True)
class Bundle:
    """A bundled model's parts, float32, in evaluation mode; `context` `[K]` has unit norm.

    `gain` scales attention so that a picture is about 1 similar to itself, on average: of no
    account where frames are on one scale.
    """

    meta: BundleMeta
    backbone: "CompactBackbone"
    whitening: "Whitening"
    context: "Tensor"
    gain: float
    comparator: "VideoComparator | None"


def save_bundle(
    folder: Path,
    *,
    backbone: "CompactBackbone",
    whitening: "Whitening",
    context: "Tensor",
    gain: float = 1.0,
    comparator: "VideoComparator | None" = None,
    meta: Mapping[str, Any],
) -> BundleMeta:
    """Write a bundle: matrices as fp16, vectors (biases, statistics, eigenvalues) as float32.

    `meta` gives name, title, preprocess (a Preprocess, or a dict of its fields), threshold_share,
    unrelated_distance, frame_level, default_match_score, trained and, where they are known,
    evidence (a dict of its fields) and one_scale; the rest is filled in here.

    Raises ModelError when a value does not fit fp16 or meta lacks a field.
    """
    import safetensors.torch
    import torch

    from visil_dash.models.attention import unit_context

    parts: dict[str, Tensor] = {
        **_prefixed("backbone.", backbone),
        "whitening.mean": whitening.mean,
        "whitening.variance": whitening.variance,
        "whitening.basis": whitening.basis,
        "attention.context": unit_context(context),
        "attention.gain": torch.tensor([gain]),
    }
    if comparator is not None:
        parts |= _prefixed("comparator.", comparator)
    # Eigenvalues and running variances span more orders of magnitude than fp16 has, and cost
    # little: only matrices and kernels are halved.
    state = {k: (v.half() if v.ndim > 1 else v).detach().contiguous() for k, v in parts.items()}
    for key, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelError(f"{folder / WEIGHTS}: {key} holds values that do not fit fp16.")
    data = safetensors.torch.save(state, metadata={"format": "visil_dash bundle 1"})
    described = dict(meta)
    preprocess = described.get("preprocess")
    if isinstance(preprocess, Preprocess):
        described["preprocess"] = vars(preprocess)
    described |= {
        "format": FORMAT,
        "dim": whitening.dim,
        "regions": 9,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
    }
    checked = _parse_meta(described, folder / META)
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / WEIGHTS, data)
    _replace(folder / META, (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())
    return checked


def read_meta(folder: Path) -> BundleMeta:
    """Raises ModelError when `meta.json` is missing, damaged or of another format."""
    path = folder / META
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from error
    except ValueError as error:
        raise ModelError(f"{path}: damaged ({error}). {_REMEDY}") from error
    return _parse_meta(raw, path)


def read_bundle(folder: Path) -> Bundle:
    """Load a bundle strictly, its bytes checked against the sha256 of its `meta.json`.

    Raises ModelError when a file is missing, damaged, or of another architecture.
    """
    import torch

    from visil_dash.models.attention import unit_context
    from visil_dash.models.compact import CompactBackbone
    from visil_dash.models.comparator import VideoComparator
    from visil_dash.models.whitening import Whitening

    meta = read_meta(folder)
    path = folder / WEIGHTS
    data = read_checked(path, sha256=meta.sha256, remedy=_REMEDY)
    raw = tensors_of(data, name=str(path), limit=_LIMIT)
    state = {k: v.float() if v.is_floating_point() else v for k, v in raw.items()}
    hidden, dim = (len(state.get(f"backbone.head.{i}.bias", ())) for i in (0, 2))
    if not (hidden and dim):
        raise ModelError(f"{path}: weights of another architecture: no backbone head.")
    backbone = CompactBackbone(dim=dim, hidden=hidden)
    comparator = None
    if any(k.startswith("comparator.") for k in state):
        comparator = VideoComparator(direct="comparator.direct" in state)
    layout: dict[str, tuple[int, ...]] = {
        **_shapes("backbone.", backbone),
        "whitening.mean": (dim,),
        "whitening.variance": (meta.dim,),
        "whitening.basis": (dim, meta.dim),
        "attention.context": (meta.dim,),
        "attention.gain": (1,),
        **(_shapes("comparator.", comparator) if comparator is not None else {}),
    }
    check_layout(state, layout, name=str(path))
    backbone.load_state_dict(_stripped("backbone.", state))
    if comparator is not None:
        comparator.load_state_dict(_stripped("comparator.", state))
        comparator.eval().requires_grad_(False)
    with torch.no_grad():
        context = unit_context(state["attention.context"])
    return Bundle(
        meta,
        backbone.eval().requires_grad_(False),
        Whitening(state["whitening.mean"], state["whitening.variance"], state["whitening.basis"]),
        context,
        float(state["attention.gain"]),
        comparator,
    )


def _parse_meta(raw: object, path: Path) -> BundleMeta:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        actual = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
        raise ModelError(f"{path}: expected format {FORMAT}, got {actual!r}. {_REMEDY}")
    try:
        return BundleMeta(
            name=str(raw["name"]),
            title=str(raw["title"]),
            preprocess=Preprocess(**raw["preprocess"]),
            dim=int(raw["dim"]),
            regions=int(raw["regions"]),
            sha256=str(raw["sha256"]),
            bytes=int(raw["bytes"]),
            trained=dict(raw["trained"]),
            evidence=_evidence(raw.get("evidence")),
            one_scale=bool(raw.get("one_scale", False)),
            **_numbers(raw),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: a field is missing or malformed ({type(error).__name__}: {error}). {_REMEDY}"
        ) from error


def _numbers(raw: Mapping[str, Any]) -> dict[str, float]:
    # Bundles from before frame vectors had unit length give a larger distance. Their share of it
    # is kept: measured both ways on the same copies, compact's is 0.671 and 0.669.
    numbers = {key: float(raw[key]) for key in _NUMBERS}
    return numbers | {"unrelated_distance": min(numbers["unrelated_distance"], _NOTHING_SHARED)}


def _evidence(raw: Any) -> ScoreEvidence | None:
    # Earlier bundles have evidence of plain scores, which does not apply to strengths.
    if raw is None or "strengths" not in raw:
        return None
    return ScoreEvidence(
        tuple(map(float, raw["strengths"])),
        tuple(map(float, raw["log_ratios"])),
        float(raw["most_background"]),
    )


def _prefixed(prefix: str, module: "nn.Module") -> "dict[str, Tensor]":
    return {prefix + name: value for name, value in module.state_dict().items()}


def _shapes(prefix: str, module: "nn.Module") -> dict[str, tuple[int, ...]]:
    return {prefix + name: tuple(value.shape) for name, value in module.state_dict().items()}


def _stripped(prefix: str, state: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
