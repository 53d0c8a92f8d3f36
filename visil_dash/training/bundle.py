"""From a trained backbone to a complete model: whitening, attention, comparator, calibration.

    python -m visil_dash.training.bundle --checkpoint runs/compact/checkpoint.pt \
        --photos images.tar --out visil_dash/models/bundled/compact --dim 256

Everything is measured on photos that the backbone did not train on, or on clips made of them.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from visil_dash.metrics import average_precision, pr_curve
from visil_dash.models.attention import apply_attention
from visil_dash.models.compact import CompactBackbone
from visil_dash.models.comparator import visil_output
from visil_dash.models.load import save_bundle
from visil_dash.models.whitening import fit_whitening
from visil_dash.records import Array, Preprocess
from visil_dash.similarity import chamfer, frame_to_frame_both
from visil_dash.thresholds import pairwise_distances
from visil_dash.training.attention import fit_context
from visil_dash.training.augment import pair_of_views
from visil_dash.training.comparator import (
    ClipSet,
    ComparatorOptions,
    make_set,
    score_table,
    train_comparator,
)
from visil_dash.training.photos import held_back, load_photos
from visil_dash.training.targets import square, to_frames


@dataclass(frozen=True)
class Calibration:
    """Levels of a model, measured on copies and clips that its training did not see.

    `frame_level`: frame-to-frame similarity that 99.5 % of unrelated frame pairs stay below.
    `unrelated_distance`: median squared L2 of unrelated frame vectors. `threshold_share`: the
    distance threshold as a share of that, under which nine of ten copies have a frame;
    `candidate_recall` and `false_candidates` say what it lets through. `match_score`:
    video-to-video similarity of best F1; `match_precision` and `match_recall` are its.
    """

    frame_level: float
    unrelated_distance: float
    threshold_share: float
    candidate_recall: float
    false_candidates: float
    match_score: float
    match_precision: float
    match_recall: float


@torch.inference_mode()
def regions_of(backbone: CompactBackbone, pictures: list[Array], size: int) -> Tensor:
    """Raw region vectors `[N, R, D]` of pictures, resized to the model's input."""
    chunks = [
        backbone(to_frames([square(p, size) for p in pictures[i : i + 64]]))
        for i in range(0, len(pictures), 64)
    ]
    return torch.cat(chunks)


def flat_pictures(size: int, count: int, seed: int) -> list[Array]:
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


def candidate_distances(data: ClipSet) -> Array:
    """Least squared-L2 distance between any frames of each copy and clip, `[copies, clips]`."""
    flat = [c.reshape(len(c), -1) for c in data.clips]
    return np.array(
        [
            [pairwise_distances(p.copy.reshape(len(p.copy), -1), c).min() for c in flat]
            for p in data.copies
        ]
    )


def calibrate(data: ClipSet, video_score: Callable[[Array], float]) -> Calibration:
    own = np.array([p.clip for p in data.copies])
    rows = np.arange(len(own))
    rng = np.random.default_rng(0)
    unrelated_similarity, unrelated_distance = [], []
    for i in rows:
        j = int(rng.integers(len(data.clips)))
        if j != own[i]:
            copy, clip = data.copies[i].copy, data.clips[j]
            unrelated_similarity.append(frame_to_frame_both(copy, clip)[0].ravel())
            unrelated_distance.append(
                pairwise_distances(copy.reshape(len(copy), -1), clip.reshape(len(clip), -1)).ravel()
            )
    level = float(np.median(np.concatenate(unrelated_distance)))
    nearest = candidate_distances(data)
    true = np.zeros_like(nearest, bool)
    true[rows, own] = True
    threshold = float(np.quantile(nearest[true], 0.9))
    scores = score_table(data, video_score)
    curve = pr_curve(scores.ravel(), true.ravel())
    best = int((curve.precision * curve.recall / (curve.precision + curve.recall + 1e-9)).argmax())
    return Calibration(
        frame_level=float(np.quantile(np.concatenate(unrelated_similarity), 0.995)),
        unrelated_distance=level,
        threshold_share=threshold / level,
        candidate_recall=float((nearest[true] <= threshold).mean()),
        false_candidates=float((nearest[~true] <= threshold).mean()),
        match_score=float(curve.thresholds[best]),
        match_precision=float(curve.precision[best]),
        match_recall=float(curve.recall[best]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a model bundle from a trained backbone.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--dims", type=int, nargs="+", default=[64, 128], help="whitened dims to choose from"
    )
    parser.add_argument(
        "--power",
        type=float,
        default=0.3,
        help="how far variances are evened out: 0 a rotation, 1 full whitening. The student "
        "imitates whitened vectors: all of it would mostly amplify what it has not learned",
    )
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--clips", type=int, default=240, help="training clips of the comparator")
    parser.add_argument("--steps", type=int, default=2000, help="training steps of the comparator")
    parser.add_argument("--test-clips", type=int, default=100)
    parser.add_argument("--limit", type=int, help="use only so many photos")
    given = parser.parse_args()

    state = torch.load(given.checkpoint, weights_only=True)
    backbone = CompactBackbone()
    backbone.load_state_dict(state["average"])
    backbone.eval()
    photos = load_photos(given.photos, limit=given.limit)
    seen = [p for n, p in photos.items() if not held_back(n)]
    unseen = [p for n, p in photos.items() if held_back(n)]
    rng = np.random.default_rng(0)

    pictures = [seen[i] for i in rng.permutation(len(seen))[:1200]]
    behind = [pictures[i - 1] for i in range(len(pictures))]
    views = [
        pair_of_views(p, b, rng, size=given.size) for p, b in zip(pictures, behind, strict=True)
    ]
    first = regions_of(backbone, [v[1] for v in views], given.size)
    second = regions_of(backbone, [v[3] for v in views], given.size)
    test_views = [
        pair_of_views(p, unseen[i - 1], rng, size=given.size) for i, p in enumerate(unseen)
    ]
    clean = regions_of(backbone, unseen, given.size)
    edited = regions_of(backbone, [v[3] for v in test_views], given.size)
    nothing = regions_of(backbone, flat_pictures(given.size, 100, 0), given.size)
    quality: dict[int, dict[str, float]] = {}
    whitening, context = None, None
    for dim in given.dims:
        full = fit_whitening(torch.cat([first, second]).flatten(0, 1), dim)
        fitted = replace(full, variance=full.variance**given.power)
        flat = fitted(nothing)
        attending = fit_context(fitted(first), fitted(second), flat.flatten(0, 1))
        a, b = (apply_attention(fitted(v), attending).numpy() for v in (edited, clean))
        found = frame_to_frame_both(a, b)[0]
        own = np.eye(len(found), dtype=bool)
        quality[dim] = {
            "uap": average_precision(found.ravel(), own.ravel()),
            "top1": float((found.argmax(1) == np.arange(len(found))).mean()),
        }
        if quality[dim]["uap"] == max(q["uap"] for q in quality.values()):
            whitening, context = fitted, attending
    print(json.dumps({"held-back photos, edited against clean, by dims": quality}))
    assert whitening is not None
    assert context is not None
    flat = whitening(nothing)
    plain = whitening(first[:500])
    gain = float(1 / apply_attention(plain, context).norm(dim=-1).pow(2).mean().sqrt())
    print(
        "attention: pictures",
        float(((plain @ context) / 2 + 0.5).mean()),
        "flat",
        float(((flat @ context) / 2 + 0.5).mean()),
    )

    def extract(frames: Array) -> Array:
        weighted: Array = apply_attention(
            whitening(regions_of(backbone, list(frames), given.size)), context
        ).numpy()
        return weighted * gain

    options = ComparatorOptions(clips=given.clips, steps=given.steps, size=given.size)
    # Few unseen photos, many seen ones: comparator from the seen, calibration from the unseen.
    training = make_set(seen, extract, options)
    comparator = train_comparator(
        training, options, on_step=lambda i, x: print(i, round(x, 4)) if i % 100 == 0 else None
    )
    test = make_set(
        unseen,
        extract,
        ComparatorOptions(clips=given.test_clips, copies=1, size=given.size, seed=7),
    )
    true = np.zeros((len(test.copies), len(test.clips)), bool)
    true[np.arange(len(true)), [p.clip for p in test.copies]] = True
    with_comparator = score_table(test, lambda m: chamfer(visil_output(comparator, m)))
    alone = score_table(test, chamfer)
    scores = {
        "comparator_uap": average_precision(with_comparator.ravel(), true.ravel()),
        "chamfer_uap": average_precision(alone.ravel(), true.ravel()),
        "comparator_top1": float((true[np.arange(len(true)), with_comparator.argmax(1)]).mean()),
        "chamfer_top1": float((true[np.arange(len(true)), alone.argmax(1)]).mean()),
    }
    print(json.dumps(scores))
    better = scores["comparator_uap"] >= scores["chamfer_uap"]

    def shipped(m: Array) -> float:
        return chamfer(visil_output(comparator, m) if better else m)

    calibration = calibrate(test, shipped)
    print(json.dumps(asdict(calibration)))
    save_bundle(
        given.out,
        backbone=backbone,
        whitening=whitening,
        context=context,
        gain=gain,
        comparator=comparator if better else None,
        meta={
            "name": "compact",
            "title": "Compact (bundled)",
            "preprocess": Preprocess(given.size),
            "threshold_share": calibration.threshold_share,
            "unrelated_distance": calibration.unrelated_distance,
            "frame_level": calibration.frame_level,
            "default_match_score": calibration.match_score,
            "trained": {
                "steps": state["step"],
                "minutes": round(state["seconds"] / 60, 1),
                "photos_by_dim": quality,
                **{f.name: getattr(calibration, f.name) for f in fields(calibration)},
                **scores,
            },
        },
    )


if __name__ == "__main__":
    main()
