"""From a trained backbone to a complete model: whitening, attention, comparator, calibration.

Everything is measured on photos that the backbone did not train on, or on clips made of them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from visil_dash.matching.similarity import frame_to_frame
from visil_dash.metrics.ranking import average_precision
from visil_dash.models.attention import apply_attention, on_one_scale
from visil_dash.models.bundle import BundleMeta, save_bundle
from visil_dash.models.compact import CompactBackbone
from visil_dash.models.comparator import VideoComparator, visil_output
from visil_dash.models.whitening import Whitening, fit_whitening
from visil_dash.records import Array, Preprocess
from visil_dash.training.attention import fit_context
from visil_dash.training.augment import pair_of_views
from visil_dash.training.calibration import (
    Calibration,
    CalibrationOptions,
    calibrate,
    levels_of,
    scored_ways,
    shown,
)
from visil_dash.training.comparator import (
    ComparatorOptions,
    Extract,
    make_set,
    train_comparator,
    with_direct_input,
)
from visil_dash.training.photos import held_back
from visil_dash.training.targets import squares, to_frames


@dataclass(frozen=True)
class FitOptions:
    """Options of fitting the parts of a model around a trained backbone.

    `dims`, `powers`: whitened dims and the power of whitening (0: a rotation, 1: full whitening),
    chosen by uAP on held-out photos. `clips`, `steps`: of the comparator's training; `test_clips`,
    `test_copies`: of the calibration, and copies per clip. `chamfer_share`: share of the input in
    the comparator's output (see `with_direct_input`), which helps on real clips: the CNN is only
    trained on photos.
    """

    dims: tuple[int, ...] = (128, 256)
    powers: tuple[float, ...] = (0.3, 0.6)
    size: int = 160
    fitted_on: int = 1200
    clips: int = 240
    steps: int = ComparatorOptions.steps
    chamfer_share: float = 0.5
    test_clips: int = 100
    test_copies: int = 3
    seed: int = 0

    @property
    def testing(self) -> CalibrationOptions:
        return CalibrationOptions(
            clips=self.test_clips, copies=self.test_copies, size=self.size, seed=self.seed
        )


@torch.inference_mode()
def regions_of(backbone: CompactBackbone, pictures: list[Array], size: int) -> Tensor:
    """Raw region vectors `[N, R, D]` of pictures, resized to the model's input."""
    return torch.cat([backbone(to_frames(chunk)) for chunk in squares(pictures, size)])


def _flat_pictures(size: int, count: int, seed: int) -> list[Array]:
    """Pictures that show nothing: plain colours, gradients and the faintest grain, compressed."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-0.5, 0.5, size)
    pictures = []
    for _ in range(count):
        base = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.integers(0, 256))
        slope = rng.uniform(0, 30) * (ramp[:, None] if rng.random() < 0.5 else ramp[None, :])
        noise = rng.standard_normal((size, size, 1)) * rng.uniform(0, 3)
        picture = np.clip(base + np.broadcast_to(slope, (size, size))[..., None] + noise, 0, 255)
        pictures.append(picture.astype(np.uint8))
    return pictures


@dataclass(frozen=True)
class _Views:
    """Raw region vectors `[N, R, D]`: two views of seen photos, unseen ones whole and edited, and
    pictures that show nothing."""

    first: Tensor
    second: Tensor
    clean: Tensor
    edited: Tensor
    nothing: Tensor


def _views(
    backbone: CompactBackbone, seen: list[Array], unseen: list[Array], options: FitOptions
) -> _Views:
    rng = np.random.default_rng(options.seed)
    size = options.size
    pictures = [seen[i] for i in rng.permutation(len(seen))[: options.fitted_on]]
    pairs = [pair_of_views(p, pictures[i - 1], rng, size=size) for i, p in enumerate(pictures)]
    tests = [pair_of_views(p, unseen[i - 1], rng, size=size) for i, p in enumerate(unseen)]
    return _Views(
        first=regions_of(backbone, [v[1] for v in pairs], size),
        second=regions_of(backbone, [v[3] for v in pairs], size),
        clean=regions_of(backbone, unseen, size),
        edited=regions_of(backbone, [v[3] for v in tests], size),
        nothing=regions_of(backbone, _flat_pictures(size, 100, options.seed), size),
    )


def _choose_whitening(
    views: _Views, options: FitOptions, *, say: Callable[[str], None]
) -> tuple[Whitening, Tensor, dict[str, dict[str, float]]]:
    """The whitening and context vector of the best uAP on held-back photos, and all that was tried.

    Of equals the one of fewer dims is taken.
    """
    quality: dict[str, dict[str, float]] = {}
    best: tuple[float, Whitening, Tensor] | None = None
    both = torch.cat([views.first, views.second]).flatten(0, 1)
    for dim in sorted(options.dims):
        full = fit_whitening(both, dim)
        for power in options.powers:
            fitted = replace(full, variance=full.variance**power)
            attending = fit_context(
                fitted(views.first), fitted(views.second), fitted(views.nothing).flatten(0, 1)
            )
            a, b = (
                apply_attention(fitted(v), attending).numpy() for v in (views.edited, views.clean)
            )
            table = frame_to_frame(a, b)
            uap = average_precision(table.ravel(), np.eye(len(table), dtype=bool).ravel())
            quality[f"{dim} dims, power {power}"] = {
                "uap": uap,
                "top1": float((table.argmax(1) == np.arange(len(table))).mean()),
            }
            say(f"{dim} dims, power {power}: {quality[f'{dim} dims, power {power}']}")
            if best is None or uap > best[0]:
                best = uap, fitted, attending
    if best is None:
        raise ValueError("no dims or powers to choose from")
    return best[1], best[2], quality


def fit_model(
    checkpoint: Path,
    photos: dict[str, Array],
    out: Path,
    options: FitOptions,
    *,
    name: str,
    title: str,
    say: Callable[[str], None],
) -> BundleMeta:
    """Write a model folder made of a checkpoint of `distill`.

    `photos` as given to `distill`: those held back there are what everything is measured on.
    """
    state = torch.load(checkpoint, weights_only=True)
    weights = state["average"]
    backbone = CompactBackbone(len(weights["head.2.bias"]), len(weights["head.0.bias"]))
    backbone.load_state_dict(weights)
    backbone.eval()
    seen = [p for n, p in photos.items() if not held_back(n)]
    unseen = [p for n, p in photos.items() if held_back(n)]
    views = _views(backbone, seen, unseen, options)
    whitening, context, quality = _choose_whitening(views, options, say=say)

    def extract(frames: Array) -> Array:
        weighted = apply_attention(
            whitening(regions_of(backbone, list(frames), options.size)), context
        )
        scaled: Array = on_one_scale(weighted).numpy()
        return scaled

    comparator, scores, calibration = _fit_comparator(seen, unseen, extract, options, say=say)
    say(f"calibration: {asdict(calibration)}")
    return save_bundle(
        out,
        backbone=backbone,
        whitening=whitening,
        context=context,
        comparator=comparator,
        meta={
            "name": name,
            "title": title,
            "one_scale": True,
            "preprocess": Preprocess(options.size),
            **levels_of(calibration),
            "trained": {
                "steps": state["step"],
                "minutes": round(state["seconds"] / 60, 1),
                "photos_by_dim": quality,
                **shown(calibration),
                **scores,
            },
        },
    )


def _fit_comparator(
    seen: list[Array],
    unseen: list[Array],
    extract: Extract,
    options: FitOptions,
    *,
    say: Callable[[str], None],
) -> tuple[VideoComparator | None, dict[str, float], Calibration]:
    """A comparator trained on clips of seen photos, None where Chamfer alone has the higher uAP on
    clips of unseen ones; the scores of both, and the levels of what ships."""
    training = ComparatorOptions(
        clips=options.clips, steps=options.steps, size=options.size, seed=options.seed
    )
    # Few unseen photos, many seen ones: comparator from the seen, calibration from the unseen.
    trained = train_comparator(
        make_set(seen, extract, training),
        training,
        on_step=lambda i, loss: say(f"comparator step {i}: {loss:.4f}") if i % 100 == 0 else None,
    )
    comparator = with_direct_input(trained, options.chamfer_share)
    test = make_set(unseen, extract, options.testing.of_set)
    tables, quality = scored_ways(
        test, {"comparator": partial(visil_output, comparator), "chamfer": None}
    )
    say(f"clips of held-back photos: {quality}")
    better = quality["comparator_uap"] >= quality["chamfer_uap"]
    calibration = calibrate(
        test,
        tables["comparator" if better else "chamfer"],
        compare=partial(visil_output, comparator) if better else None,
    )
    return comparator if better else None, quality, calibration
