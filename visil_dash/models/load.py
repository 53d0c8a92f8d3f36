"""Models ready for use: one record joins weights, preprocessing and what to do with them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visil_dash.errors import ModelError
from visil_dash.models.bundle import BUNDLED, read_bundle, read_meta, save_bundle
from visil_dash.records import Array, ModelInfo, Preprocess
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from visil_dash.models.comparator import VideoComparator

__all__ = ["COMPACT", "Model", "load_model", "model_infos", "save_bundle"]

COMPACT = "compact"
FEATURE_FORMAT = 1  # raise when the same weights would give other numbers
_BATCH = 32  # frames that go through a backbone at once; more is not faster on a CPU

Extract = Callable[[Array], Array]
Compare = Callable[[Array], Array]


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
    extract: Extract
    compare: Compare | None = None
    symmetric: bool = False

    @property
    def default_threshold(self) -> float:
        """Squared-L2 distance threshold for unreduced frame vectors."""
        return self.threshold_share * self.unrelated_distance


def load_model(name: str, *, settings: Settings) -> Model:
    """Load a model, its weights checked by sha256.

    Raises ModelError: unknown name, weights missing, damaged, or of another architecture.
    """
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)
    if name == COMPACT:
        return load_bundled(BUNDLED / COMPACT)
    raise ModelError(f"no model is called {name!r}. Known: {COMPACT}.")


def load_bundled(folder: Path) -> Model:
    """The model of a bundle's folder. Raises ModelError."""
    from visil_dash.models.attention import apply_attention

    bundle = read_bundle(folder)
    meta, whitening, context = bundle.meta, bundle.whitening, bundle.context
    fold_batch_norm(bundle.backbone)

    def regions(frames: "Tensor") -> "Tensor":
        return apply_attention(whitening(bundle.backbone(frames)), context)

    return Model(
        name=meta.name,
        title=meta.title,
        extractor=extractor_id(
            meta.name,
            sha256s=(meta.sha256,),
            preprocess=meta.preprocess,
            dim=meta.dim,
            regions=meta.regions,
        ),
        preprocess=meta.preprocess,
        dim=meta.dim,
        regions=meta.regions,
        weights_sha256=meta.sha256,
        verified=True,
        threshold_share=meta.threshold_share,
        unrelated_distance=meta.unrelated_distance,
        frame_level=meta.frame_level,
        default_match_score=meta.default_match_score,
        extract=extraction(regions, side=meta.preprocess.side, shape=(meta.regions, meta.dim)),
        compare=None if bundle.comparator is None else comparison(bundle.comparator),
    )


def model_infos(*, settings: Settings) -> tuple[ModelInfo, ...]:
    """Every known model, available or not; reads no weights. The default comes first."""
    return (_compact_info(),)


def _compact_info() -> ModelInfo:
    folder = BUNDLED / COMPACT
    try:
        meta = read_meta(folder)
    except ModelError as error:
        return ModelInfo(COMPACT, "Compact", "", False, False, 9, 0, 0, folder, str(error))
    return ModelInfo(
        name=meta.name,
        title=meta.title,
        extractor=extractor_id(
            meta.name,
            sha256s=(meta.sha256,),
            preprocess=meta.preprocess,
            dim=meta.dim,
            regions=meta.regions,
        ),
        available=True,
        verified=True,
        regions=meta.regions,
        dim=meta.dim,
        bytes=meta.bytes,
        folder=folder,
        default_threshold=meta.threshold_share * meta.unrelated_distance,
    )


def extractor_id(
    name: str, *, sha256s: tuple[str, ...], preprocess: Preprocess, dim: int, regions: int
) -> str:
    """`name` and 8 hex digits over all that decides a feature's values."""
    identity = json.dumps([sorted(sha256s), vars(preprocess), dim, regions, FEATURE_FORMAT])
    return f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def extraction(
    regions_of: "Callable[[Tensor], Tensor]", *, side: int, shape: tuple[int, int]
) -> Extract:
    """`Model.extract` from a function of RGB frames `[N, 3, side, side]` in 0..1.

    Raises ValueError on frames of another shape or type.
    """
    import torch

    def extract(frames: Array) -> Array:
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (side, side, 3):
            raise ValueError(
                f"frames: expected uint8 [n, {side}, {side}, 3], got {frames.dtype} {frames.shape}"
            )
        if not len(frames):
            raise ValueError("frames: expected at least one")
        out = np.empty((len(frames), *shape), np.float32)
        # Inference mode belongs to the thread: set here, wherever the call comes from.
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH):
                batch = np.ascontiguousarray(frames[start : start + _BATCH])
                # Channels stay last in memory, as they come, which is the faster layout.
                x = torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(255)
                out[start : start + _BATCH] = regions_of(x).numpy()
        return out

    return extract


def comparison(comparator: "VideoComparator") -> Compare:
    """`Model.compare` of a comparator."""
    from visil_dash.models.comparator import visil_output

    return lambda similarity: visil_output(comparator, similarity)


def fold_batch_norm(module: "nn.Module") -> None:
    """Fold batch normalisation into the convolution registered just before it, in place.

    For trained networks in evaluation mode that run the two in order of registration, as
    torchvision's ResNet and RegNet do.
    """
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    children = list(module.named_children())
    for (first, conv), (second, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, first, fuse_conv_bn_eval(conv, norm))
            setattr(module, second, nn.Identity())
    for _, child in children:
        fold_batch_norm(child)
