"""What a model makes of frames on the way: maps, region vectors, whitened ones, attention.

`Model.extract` gives the end only. For looking inside, the same parts are loaded once more and run
step by step; the last step equals `extract`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visil_dash.models.bundle import BUNDLED, read_bundle
from visil_dash.models.load import COMPACT, Model
from visil_dash.records import Array
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from visil_dash.models.whitening import Whitening


@dataclass(frozen=True)
class FeatureMap:
    """One stage of the backbone: `shape` `[N, C, H, W]`; `energy` `[H, W]`, the first frame's mean
    absolute activation over its channels."""

    name: str
    shape: tuple[int, int, int, int]
    energy: Array


@dataclass(frozen=True)
class Inside:
    """Frames `[N, side, side, 3]` on their way through a model.

    `raw` `[N, R, K]`: L2-normalised region vectors; `whitened` `[N, R, D]`: after PCA whitening,
    L2-normalised; `attention` `[N, R]` in 0..1; `gain` `[N]`: by which each frame is scaled;
    `regions` `[N, R, D]`: the end, whitened vectors times attention times `gain`.
    """

    maps: tuple[FeatureMap, ...]
    raw: Array
    whitened: Array
    attention: Array
    gain: Array

    @property
    def regions(self) -> Array:
        out: Array = self.whitened * self.attention[..., None] * self.gain[:, None, None]
        return out


def look_inside(model: Model, frames: Array, *, settings: Settings) -> Inside | None:
    """The steps of `model` on uint8 RGB frames `[N, side, side, 3]`.

    None for a model that is no sequence of these parts. Raises ModelError when its files are gone.
    """
    parts = _parts(model, settings)
    if parts is None:
        return None
    import torch

    from visil_dash.models.attention import attention_weights, on_one_scale

    backbone, stages, whitening, context, gain = parts
    maps: list[FeatureMap] = []

    def note(name: str) -> Callable[..., None]:
        def hook(_module: Any, _given: Any, made: "Tensor") -> None:
            n, c, h, w = made.shape
            maps.append(FeatureMap(name, (n, c, h, w), made[0].abs().mean(0).numpy().copy()))

        return hook

    hooks = [stage.register_forward_hook(note(name)) for name, stage in stages.items()]
    try:
        with torch.inference_mode():
            x = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float().div_(255)
            raw = backbone(x)
            whitened = whitening(raw)
            weights = attention_weights(whitened, context)
    finally:
        for hook in hooks:
            hook.remove()
    weighted = whitened * weights[..., None]
    scaled = on_one_scale(weighted) if gain is None else weighted * gain
    gains = scaled.norm(dim=(1, 2)) / weighted.norm(dim=(1, 2)).clamp_min(1e-12)
    return Inside(tuple(maps), raw.numpy(), whitened.numpy(), weights.numpy(), gains.numpy())


# The last: by what all frames are scaled, None where each is scaled to be 1 similar to itself.
_Parts = tuple["nn.Module", "dict[str, nn.Module]", "Whitening", "Tensor", float | None]


def _parts(model: Model, settings: Settings) -> _Parts | None:
    if model.name == COMPACT:
        bundle = read_bundle(BUNDLED / COMPACT)
        if bundle.meta.sha256 != model.weights_sha256:
            return None
        named = {f"stage {i + 1}": s for i, s in enumerate(bundle.backbone.stages)}
        gain = None if bundle.meta.one_scale else bundle.gain
        return bundle.backbone, named, bundle.whitening, bundle.context, gain
    if model.name in ("visil", "visil-symmetric"):
        from visil_dash.models.visil import load_parts
        from visil_dash.models.weights import find_installed, load_weights

        files = find_installed(model.name, settings=settings)
        states = {key: load_weights(here) for key, here in files.items()}
        visil = load_parts(
            resnet=states["resnet"], pca=states["pca"], head=states["head"], dim=model.dim
        )
        layers: dict[str, Any] = {
            f"layer {i}": getattr(visil.backbone.net, f"layer{i}") for i in range(1, 5)
        }
        return visil.backbone, layers, visil.whitening, visil.context, 1.0
    return None
