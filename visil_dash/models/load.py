"""Models ready for use: one record joins weights, preprocessing and what to do with them.

Importing this module costs nothing; torch comes with the first `load_model`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import ModelError
from visil_dash.models.bundle import BUNDLED, BundleMeta, read_bundle, read_meta, save_bundle
from visil_dash.models.own import own_folder, own_models
from visil_dash.models.published import MODEL_FILES
from visil_dash.models.weights import Installed, find_installed, load_weights
from visil_dash.records import Array, ModelInfo, Preprocess
from visil_dash.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from visil_dash.models.comparator import VideoComparator
    from visil_dash.models.whitening import Whitening

__all__ = [
    "COMPACT",
    "PROJECT_MODELS",
    "Model",
    "load_bundled",
    "load_model",
    "model_infos",
    "save_bundle",
]

COMPACT = "compact"
FEATURE_FORMAT = 1  # raise when the same weights would give other numbers

_REGIONS = 9
_VISIL_PREPROCESS = Preprocess(side=224, mode="crop", resize=256)
# Attention weights of unit region vectors lie about 0.5, so two frames that share nothing are
# 2 · 9 · 0.5² = 4.5 apart, and a frame is 9 · 0.5² / 9 = 0.25 similar to itself. The ViSiL
# tutorial's distance threshold is 4.0. None of the four is calibrated on data.
_VISIL_UNRELATED = 4.5
_VISIL_SHARE = 4.0 / _VISIL_UNRELATED
_VISIL_FRAME_LEVEL = 0.125
_VISIL_MATCH_SCORE = 0.5


@dataclass(frozen=True)
class Model:
    """A model with everything that belongs to it.

    `extractor`: id of weights + preprocessing + dims; features of two ids never mix.
    `extract`: uint8 RGB `[n, side, side, 3]` → region vectors `[n, R, D]` float32, whitened and
    scaled by attention. `compare`: frame-to-frame similarity `[Tq, Tr]` → ViSiL output
    `[Tq', Tr']` in -1..1; None: the model has no comparator. `symmetric`: its comparator was
    trained on symmetric frame-to-frame similarity.

    Calibration, in squared L2 of unreduced frame vectors: `unrelated_distance`, where frames of
    different videos lie; `threshold_share`, the share of that level from which a frame counts as
    near. `frame_level`: frame-to-frame similarity from which two frames count as the same.
    `default_match_score`: video-to-video similarity from which a pair is called a match.
    """

    name: str
    title: str
    extractor: str
    preprocess: Preprocess
    dim: int
    regions: int
    weights_sha256: str
    verified: bool
    threshold_share: float
    unrelated_distance: float
    frame_level: float
    default_match_score: float
    extract: Callable[[Array], Array]
    compare: Callable[[Array], Array] | None = None
    symmetric: bool = False

    @property
    def default_threshold(self) -> float:
        """Squared-L2 distance threshold for unreduced frame vectors."""
        return self.threshold_share * self.unrelated_distance


@dataclass(frozen=True)
class _Variant:
    """A published ViSiL: channels after whitening, and how its comparator was trained."""

    title: str
    dim: int
    symmetric: bool


_VARIANTS = {
    "visil": _Variant("ViSiL (ResNet-50, 3840 dims)", 3840, False),
    "visil-symmetric": _Variant("ViSiL symmetric (ResNet-50, 512 dims)", 512, True),
}
PROJECT_MODELS = (COMPACT, *_VARIANTS)


def load_model(name: str, *, settings: Settings) -> Model:
    """Load a model, its weights checked by sha256.

    Raises ModelError: unknown name; weights missing, damaged, or of another architecture.
    """
    own = own_models(settings=settings)
    if name not in PROJECT_MODELS and name not in own:
        known = ", ".join((*PROJECT_MODELS, *own))
        raise ModelError(f"no model is called {name!r}. Known: {known}.")
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)
    if name == COMPACT:
        return load_bundled(BUNDLED / COMPACT)
    if name in _VARIANTS:
        return _load_visil(name, _VARIANTS[name], settings)
    return load_bundled(own_folder(name, settings=settings), verified=False)


def load_bundled(folder: Path, *, verified: bool = True) -> Model:
    """The model of a bundle's folder. Raises ModelError."""
    from visil_dash.models.extraction import best_device, extraction, fold_batch_norm

    bundle = read_bundle(folder)
    meta, device = bundle.meta, best_device()
    fold_batch_norm(bundle.backbone)
    return Model(
        name=meta.name,
        title=meta.title,
        extractor=_bundled_id(meta),
        preprocess=meta.preprocess,
        dim=meta.dim,
        regions=meta.regions,
        weights_sha256=meta.sha256,
        verified=verified,
        threshold_share=meta.threshold_share,
        unrelated_distance=meta.unrelated_distance,
        frame_level=meta.frame_level,
        default_match_score=meta.default_match_score,
        extract=extraction(
            _pipeline(
                bundle.backbone.to(device),
                bundle.whitening,
                bundle.context,
                device,
                gain=bundle.gain,
            ),
            side=meta.preprocess.side,
            shape=(meta.regions, meta.dim),
            device=device,
        ),
        compare=None if bundle.comparator is None else _comparison(bundle.comparator.to(device)),
    )


def _load_visil(name: str, variant: _Variant, settings: Settings) -> Model:
    from visil_dash.models.extraction import best_device, extraction, fold_batch_norm
    from visil_dash.models.visil import load_parts

    found = find_installed(name, settings=settings)
    states = {key: load_weights(here) for key, here in found.items()}
    parts = load_parts(
        resnet=states["resnet"], pca=states["pca"], head=states["head"], dim=variant.dim
    )
    device = best_device()
    fold_batch_norm(parts.backbone)
    extractor = _visil_id(name, variant, found)
    return Model(
        name=name,
        title=variant.title,
        extractor=extractor,
        preprocess=_VISIL_PREPROCESS,
        dim=variant.dim,
        regions=_REGIONS,
        weights_sha256=hashlib.sha256(
            "".join(found[key].sha256 for key in sorted(found)).encode()
        ).hexdigest(),
        verified=all(here.verified for here in found.values()),
        threshold_share=_VISIL_SHARE,
        unrelated_distance=_VISIL_UNRELATED,
        frame_level=_VISIL_FRAME_LEVEL,
        default_match_score=_VISIL_MATCH_SCORE,
        extract=extraction(
            _pipeline(parts.backbone.to(device), parts.whitening, parts.context, device),
            side=_VISIL_PREPROCESS.side,
            shape=(_REGIONS, variant.dim),
            device=device,
        ),
        compare=_comparison(parts.comparator.to(device)),
        symmetric=variant.symmetric,
    )


def _pipeline(
    backbone: "Callable[[Tensor], Tensor]",
    whitening: "Whitening",
    context: "Tensor",
    device: "torch.device",
    *,
    gain: float = 1.0,
) -> "Callable[[Tensor], Tensor]":
    """Frames → whitened region vectors scaled by attention, and that by `gain`."""
    from visil_dash.models.attention import apply_attention
    from visil_dash.models.whitening import Whitening

    whiten = Whitening(
        whitening.mean.to(device), whitening.variance.to(device), whitening.basis.to(device)
    )
    c = context.to(device)
    return lambda frames: apply_attention(whiten(backbone(frames)), c) * gain


def _comparison(comparator: "VideoComparator") -> Callable[[Array], Array]:
    from visil_dash.models.comparator import visil_output

    return lambda similarity: visil_output(comparator, similarity)


def model_infos(*, settings: Settings) -> tuple[ModelInfo, ...]:
    """Every known model, available or not; reads no weights. The default comes first."""
    return (
        _bundle_info(COMPACT, BUNDLED / COMPACT, verified=True),
        *(_visil_info(name, variant, settings) for name, variant in _VARIANTS.items()),
        *(
            _bundle_info(name, folder, verified=False)
            for name, folder in own_models(settings=settings).items()
        ),
    )


def _bundle_info(name: str, folder: Path, *, verified: bool) -> ModelInfo:
    try:
        meta = read_meta(folder)
    except ModelError as error:
        return ModelInfo(name, name, "", False, False, _REGIONS, 0, 0, folder, str(error))
    return ModelInfo(
        name=meta.name,
        title=meta.title,
        extractor=_bundled_id(meta),
        available=True,
        verified=verified,
        regions=meta.regions,
        dim=meta.dim,
        bytes=meta.bytes,
        folder=folder,
        default_threshold=meta.threshold_share * meta.unrelated_distance,
    )


def _visil_info(name: str, variant: _Variant, settings: Settings) -> ModelInfo:
    try:
        found, missing = find_installed(name, settings=settings), ""
    except ModelError as error:
        found, missing = {}, str(error)
    return ModelInfo(
        name=name,
        title=variant.title,
        extractor=_visil_id(name, variant, found) if found else "",
        available=bool(found),
        verified=bool(found) and all(here.verified for here in found.values()),
        regions=_REGIONS,
        dim=variant.dim,
        bytes=sum(here.path.stat().st_size for here in found.values()),
        folder=settings.models,
        missing=missing,
        default_threshold=_VISIL_SHARE * _VISIL_UNRELATED,
    )


def _bundled_id(meta: BundleMeta) -> str:
    return _extractor_id(meta.name, (meta.sha256,), meta.preprocess, (meta.regions, meta.dim))


def _visil_id(name: str, variant: _Variant, found: dict[str, Installed]) -> str:
    # The comparator's file is part of it: it holds the attention's context vector.
    sha256s = tuple(found[file.key].sha256 for file in MODEL_FILES[name])
    return _extractor_id(name, sha256s, _VISIL_PREPROCESS, (_REGIONS, variant.dim))


def _extractor_id(
    name: str, sha256s: tuple[str, ...], preprocess: Preprocess, shape: tuple[int, int]
) -> str:
    """`name` and 8 hex digits over all that decides a feature's values."""
    identity = json.dumps([sha256s, vars(preprocess), shape, FEATURE_FORMAT])
    return f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
