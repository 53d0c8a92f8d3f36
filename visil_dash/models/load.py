"""Models ready for use: one record joins weights, preprocessing and what to do with them.

Importing this module costs nothing; torch comes with the first `load_model`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.errors import ModelError
from visil_dash.matching.confidence import ScoreEvidence
from visil_dash.matching.similarity import Compare, CompareMany, Scorer
from visil_dash.models.bundle import BUNDLED, BundleMeta, read_bundle, read_meta
from visil_dash.models.own import own_folder, own_models
from visil_dash.models.published import MODEL_FILES
from visil_dash.models.variants import VARIANTS, Variant
from visil_dash.models.weights import Installed, find_installed, load_weights
from visil_dash.records import Array, Preprocess
from visil_dash.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from visil_dash.models.comparator import VideoComparator

COMPACT = "compact"
_FEATURE_FORMAT = 1  # raise when the same weights would give other numbers


@dataclass(frozen=True)
class ModelInfo:
    name: str
    title: str
    extractor: str
    available: bool
    verified: bool
    regions: int
    dim: int
    bytes: int
    folder: Path | None = None
    missing: str = ""
    default_threshold: float | None = None
    preprocess: Preprocess | None = None


@dataclass(frozen=True)
class Model:
    """A model with everything that belongs to it.

    `extractor`: id of weights + preprocessing + dims; features of two ids never mix.
    `extract`: uint8 RGB `[n, side, side, 3]` → region vectors `[n, R, D]` float32, whitened and
    scaled by attention. `compare`: frame-to-frame similarity `[Tq, Tr]` → ViSiL output
    `[Tq', Tr']` in -1..1; None: the model has no comparator. `compare_many`: the same of several
    matrices at once. `symmetric`: its comparator was trained on symmetric similarity.

    Calibration, in squared L2 of unreduced unit frame vectors: `unrelated_distance`, where frames
    of different videos lie; `threshold_share`, the share of that level from which a frame counts
    as near. `frame_level`: frame-to-frame similarity from which two frames count as the same.
    `default_match_score`: video-to-video similarity from which a pair is called a match.
    `evidence`: how strongly a match strength indicates a copy; None if not measured.
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
    compare: Compare | None = None
    compare_many: CompareMany | None = None
    symmetric: bool = False
    evidence: ScoreEvidence | None = None

    @property
    def scorer(self) -> Scorer:
        return Scorer(self.compare, self.symmetric, self.compare_many)

    @property
    def notice(self) -> str:
        """What the user of its scores must know; empty when there is nothing."""
        if self.verified:
            return ""
        return (
            f"The weights of {self.title} were imported unverified: its scores are only as good"
            " as that file."
        )

    @property
    def default_threshold(self) -> float:
        """Squared-L2 distance threshold for unreduced frame vectors."""
        return self.threshold_share * self.unrelated_distance


PROJECT_MODELS = (COMPACT, *VARIANTS)


def require_model(name: str, *, settings: Settings) -> None:
    """Raises ModelError where no model has this name; reads no weights."""
    own = own_models(settings=settings)
    if name not in PROJECT_MODELS and name not in own:
        known = ", ".join((*PROJECT_MODELS, *own))
        raise ModelError(f"no model is called {name!r}. Known: {known}.")


def load_model(name: str, *, settings: Settings) -> Model:
    """Load a model, its weights checked by sha256.

    Raises ModelError: unknown name; weights missing, damaged, or of another architecture.
    """
    require_model(name, settings=settings)
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)
    if name == COMPACT:
        return load_bundled(BUNDLED / COMPACT, settings=settings)
    if name in VARIANTS:
        return _load_published(name, VARIANTS[name], settings)
    return load_bundled(own_folder(name, settings=settings), settings=settings, verified=False)


def load_bundled(folder: Path, *, settings: Settings | None = None, verified: bool = True) -> Model:
    """The model of a bundle's folder. Raises ModelError."""
    from visil_dash.models.attention import apply_attention, on_one_scale
    from visil_dash.models.extraction import best_device, extraction, fold_batch_norm, running

    bundle, settings = read_bundle(folder), settings or Settings()

    def scaled(x: "Tensor") -> "Tensor":
        return on_one_scale(x) if bundle.meta.one_scale else x * bundle.gain

    meta, device = bundle.meta, best_device()
    fold_batch_norm(bundle.backbone)
    side = meta.preprocess.side
    backbone = running(bundle.backbone, side=side, device=device, settings=settings)
    whiten, context = bundle.whitening.to(device), bundle.context.to(device)
    compare, compare_many = _comparison(bundle.comparator, device)
    return Model(
        name=meta.name,
        title=meta.title,
        extractor=_bundled_id(meta, settings),
        preprocess=meta.preprocess,
        dim=meta.dim,
        regions=meta.regions,
        weights_sha256=meta.sha256,
        verified=verified,
        threshold_share=meta.threshold_share,
        unrelated_distance=meta.unrelated_distance,
        frame_level=meta.frame_level,
        default_match_score=meta.default_match_score,
        evidence=meta.evidence,
        extract=extraction(
            lambda frames: scaled(apply_attention(whiten(backbone(frames)), context)),
            side=side,
            shape=(meta.regions, meta.dim),
            device=device,
        ),
        compare=compare,
        compare_many=compare_many,
    )


def _load_published(name: str, variant: Variant, settings: Settings) -> Model:
    from visil_dash.models.extraction import best_device, extraction, fold_batch_norm, running

    files = find_installed(name, settings=settings)
    states = {key: load_weights(here) for key, here in files.items()}
    device = best_device()
    parts = variant.build(states, device)
    fold_batch_norm(parts.backbone)
    side, refine = variant.preprocess.side, parts.refine
    backbone = running(parts.backbone, side=side, device=device, settings=settings)
    compare, compare_many = _comparison(parts.comparator, device)
    levels = variant.levels
    return Model(
        name=name,
        title=variant.title,
        extractor=_published_id(name, variant, files, settings),
        preprocess=variant.preprocess,
        dim=variant.dim,
        regions=variant.regions,
        weights_sha256=hashlib.sha256(
            "".join(files[key].sha256 for key in sorted(files)).encode()
        ).hexdigest(),
        verified=all(here.verified for here in files.values()),
        threshold_share=levels.threshold_share,
        unrelated_distance=levels.unrelated_distance,
        frame_level=levels.frame_level,
        default_match_score=levels.match_score,
        extract=extraction(
            lambda frames: refine(backbone(frames)),
            side=side,
            shape=(variant.regions, variant.dim),
            device=device,
        ),
        symmetric=variant.symmetric,
        compare=compare,
        compare_many=compare_many,
    )


def _comparison(
    comparator: "VideoComparator | None", device: "torch.device"
) -> tuple[Compare | None, CompareMany | None]:
    """A model's `compare` and `compare_many`."""
    if comparator is None:
        return None, None
    import torch

    from visil_dash.models.comparator import visil_output, visil_outputs

    # Channels last is the faster layout for so few channels, most of all in batches.
    net = comparator.to(device).to(memory_format=torch.channels_last)
    return partial(visil_output, net), partial(visil_outputs, net)


def model_infos(*, settings: Settings) -> tuple[ModelInfo, ...]:
    """Every known model, available or not; reads no weights. The default comes first."""
    names = (*PROJECT_MODELS, *own_models(settings=settings))
    return tuple(model_info(name, settings=settings) for name in names)


def model_info(name: str, *, settings: Settings) -> ModelInfo:
    """What is known of a model without its weights. Raises ModelError for an unknown name."""
    require_model(name, settings=settings)
    if name == COMPACT:
        return _bundle_info(COMPACT, BUNDLED / COMPACT, settings, verified=True)
    if name in VARIANTS:
        return _published_info(name, VARIANTS[name], settings)
    return _bundle_info(name, own_folder(name, settings=settings), settings, verified=False)


def _bundle_info(name: str, folder: Path, settings: Settings, *, verified: bool) -> ModelInfo:
    try:
        meta = read_meta(folder)
    except ModelError as error:
        return ModelInfo(name, name, "", False, False, 0, 0, 0, folder, str(error))
    return ModelInfo(
        name=meta.name,
        title=meta.title,
        extractor=_bundled_id(meta, settings),
        available=True,
        verified=verified,
        regions=meta.regions,
        dim=meta.dim,
        bytes=meta.bytes,
        folder=folder,
        default_threshold=meta.threshold_share * meta.unrelated_distance,
        preprocess=meta.preprocess,
    )


def _published_info(name: str, variant: Variant, settings: Settings) -> ModelInfo:
    try:
        files, missing = find_installed(name, settings=settings), ""
    except ModelError as error:
        files, missing = {}, str(error)
    return ModelInfo(
        name=name,
        title=variant.title,
        extractor=_published_id(name, variant, files, settings) if files else "",
        available=bool(files),
        verified=bool(files) and all(here.verified for here in files.values()),
        regions=variant.regions,
        dim=variant.dim,
        bytes=sum(here.path.stat().st_size for here in files.values()),
        folder=settings.models,
        missing=missing,
        default_threshold=variant.levels.threshold_share * variant.levels.unrelated_distance,
        preprocess=variant.preprocess,
    )


def _bundled_id(meta: BundleMeta, settings: Settings) -> str:
    sha256s = (meta.sha256, *(("one scale",) if meta.one_scale else ()), *_of_precision(settings))
    return _extractor_id(meta.name, sha256s, meta.preprocess, (meta.regions, meta.dim))


def _of_precision(settings: Settings) -> tuple[str, ...]:
    """What the precision adds to an extractor's identity: nothing where it is full."""
    return ("reduced precision",) if settings.precision == "reduced" else ()


def _published_id(
    name: str, variant: Variant, files: dict[str, Installed], settings: Settings
) -> str:
    # The head's file is part of it: it holds the attention.
    sha256s = tuple(files[file.key].sha256 for file in MODEL_FILES[name])
    if variant.pixels:
        sha256s += (variant.pixels,)
    sha256s += _of_precision(settings)
    return _extractor_id(name, sha256s, variant.preprocess, (variant.regions, variant.dim))


def _extractor_id(
    name: str, sha256s: tuple[str, ...], preprocess: Preprocess, shape: tuple[int, int]
) -> str:
    """`name` and 8 hex digits over all that decides a feature's values."""
    identity = json.dumps([sha256s, vars(preprocess), shape, _FEATURE_FORMAT])
    return f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
