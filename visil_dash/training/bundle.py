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

from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.confidence import ScoreEvidence, measure_evidence
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import Compare, Scorer, chamfer, frame_to_frame
from visil_dash.metrics.ranking import (
    OperatingPoint,
    average_precision,
    pr_curve,
    recall_at_precision,
)
from visil_dash.models.attention import apply_attention
from visil_dash.models.bundle import BundleMeta, save_bundle
from visil_dash.models.compact import CompactBackbone
from visil_dash.models.comparator import VideoComparator, visil_output
from visil_dash.models.whitening import Whitening, fit_whitening
from visil_dash.records import WHOLE, Array, Preprocess, VideoFeatures
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.unit import unit_length
from visil_dash.training.attention import fit_context
from visil_dash.training.augment import pair_of_views
from visil_dash.training.comparator import (
    ClipSet,
    ComparatorOptions,
    Extract,
    make_set,
    score_tables,
    train_comparator,
    with_direct_input,
)
from visil_dash.training.photos import held_back
from visil_dash.training.targets import squares, to_frames

_MATCH_PRECISION = 0.9
# Copies beyond are mostly those inside a larger picture, whose parts a search looks at where the
# whole matches nothing. To admit them by the whole picture takes twice as many unrelated videos.
_CANDIDATE_RECALL = 0.85


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


@dataclass(frozen=True)
class Calibration:
    """Levels of a model, measured on copies and clips that its training did not see.

    `frame_level`: frame-to-frame similarity that 99.5 % of unrelated frame pairs stay below.
    `unrelated_distance`: median squared L2 of unrelated unit frame vectors. `threshold_share`: the
    distance threshold as a share of that, under which _CANDIDATE_RECALL of copies have a frame;
    `candidate_recall` and `false_candidates` say what it lets through. `match_score`: see
    `match_point`; `match_precision` and `match_recall` are its.
    `evidence`: how strongly a match strength indicates a copy.
    """

    frame_level: float
    unrelated_distance: float
    threshold_share: float
    candidate_recall: float
    false_candidates: float
    match_score: float
    match_precision: float
    match_recall: float
    evidence: ScoreEvidence


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


def _candidate_distances(data: ClipSet) -> Array:
    """Least squared-L2 distance between any frames of each copy and clip, `[copies, clips]`."""
    clips = [_frame_vectors(clip) for clip in data.clips]
    return np.array(
        [
            [squared_distances(_frame_vectors(p.copy), clip).min() for clip in clips]
            for p in data.copies
        ]
    )


def _frame_vectors(regions: Array) -> Array:
    """Frame vectors as the full space of an index has them."""
    return unit_length(regions.reshape(len(regions), -1))


def match_point(scores: Array, copies: Array) -> OperatingPoint:
    """Where scores `[N]` become matches, `copies` bool `[N]`: the most copies with _MATCH_PRECISION
    of the matches right, or the best F1 where no score is so precise.

    Precision decides, as a wrong match costs a user's trust, and what falls just short of one is
    still told as a doubt where it lines up in time. Raises ValueError when nothing is a copy.
    """
    if precise := recall_at_precision(scores, copies, _MATCH_PRECISION):
        return precise
    curve = pr_curve(scores, copies)
    return curve.at(int(curve.f1.argmax()))


def pair_strengths(data: ClipSet, *, compare: Compare | None, options: AlignOptions) -> Array:
    """The strength of every pair `[copies, clips]`, as an exhaustive search computes it."""
    clips = {str(i): _features(str(i), clip) for i, clip in enumerate(data.clips)}
    table: Array = np.empty((len(data.copies), len(clips)), np.float32)
    for row, pair in zip(table, data.copies, strict=True):
        matches, _skipped = rerank(
            {WHOLE: _features("copy", pair.copy)},
            {WHOLE: tuple(clips)},
            load=clips.__getitem__,
            names={name: name for name in clips},
            candidates={},
            scorer=Scorer(compare),
            options=options,
        )
        row[[int(m.video_id) for m in matches]] = [m.strength for m in matches]
    return table


def _features(name: str, regions: Array) -> VideoFeatures:
    return VideoFeatures(name, "calibration", regions, np.arange(len(regions), dtype=np.float64))


def _calibrate(data: ClipSet, scores: Array, *, compare: Compare | None) -> Calibration:
    """`scores`: video-to-video similarity `[copies, clips]` of the data by `compare`."""
    rng = np.random.default_rng(0)
    unrelated_similarity, unrelated_distance = [], []
    for pair in data.copies:
        j = int(rng.integers(len(data.clips)))
        if j != pair.clip:
            copy, clip = pair.copy, data.clips[j]
            unrelated_similarity.append(frame_to_frame(copy, clip).ravel())
            unrelated_distance.append(
                squared_distances(_frame_vectors(copy), _frame_vectors(clip)).ravel()
            )
    level = float(np.median(np.concatenate(unrelated_distance)))
    nearest = _candidate_distances(data)
    true = data.truth
    threshold = float(np.quantile(nearest[true], _CANDIDATE_RECALL))
    match = match_point(scores.ravel(), true.ravel())
    frame_level = float(np.quantile(np.concatenate(unrelated_similarity), 0.995))
    strengths = pair_strengths(data, compare=compare, options=AlignOptions(frame_level))
    return Calibration(
        frame_level=frame_level,
        unrelated_distance=level,
        threshold_share=threshold / level,
        candidate_recall=float((nearest[true] <= threshold).mean()),
        false_candidates=float((nearest[~true] <= threshold).mean()),
        match_score=match.threshold,
        match_precision=match.precision,
        match_recall=match.recall,
        evidence=measure_evidence(strengths, true),
    )


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
    plain = whitening(views.first[:500])
    gain = float(1 / apply_attention(plain, context).norm(dim=-1).pow(2).mean().sqrt())

    def extract(frames: Array) -> Array:
        weighted: Array = apply_attention(
            whitening(regions_of(backbone, list(frames), options.size)), context
        ).numpy()
        return weighted * gain

    comparator, scores, calibration = _fit_comparator(seen, unseen, extract, options, say=say)
    say(f"calibration: {asdict(calibration)}")
    return save_bundle(
        out,
        backbone=backbone,
        whitening=whitening,
        context=context,
        gain=gain,
        comparator=comparator,
        meta={
            "name": name,
            "title": title,
            "preprocess": Preprocess(options.size),
            "threshold_share": calibration.threshold_share,
            "unrelated_distance": calibration.unrelated_distance,
            "frame_level": calibration.frame_level,
            "default_match_score": calibration.match_score,
            "evidence": asdict(calibration.evidence),
            "trained": {
                "steps": state["step"],
                "minutes": round(state["seconds"] / 60, 1),
                "photos_by_dim": quality,
                **{k: v for k, v in asdict(calibration).items() if k != "evidence"},
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
    testing = replace(
        training,
        clips=options.test_clips,
        copies=options.test_copies,
        seed=options.seed + 7,
    )
    test = make_set(unseen, extract, testing)
    true = test.truth
    tables = score_tables(
        test,
        {"comparator": lambda m: chamfer(visil_output(comparator, m)), "chamfer": chamfer},
    )
    scores = {}
    for way, table in tables.items():
        scores[f"{way}_uap"] = average_precision(table.ravel(), true.ravel())
        scores[f"{way}_top1"] = float(true[np.arange(len(true)), table.argmax(1)].mean())
    say(f"clips of held-back photos: {scores}")
    better = scores["comparator_uap"] >= scores["chamfer_uap"]
    calibration = _calibrate(
        test,
        tables["comparator" if better else "chamfer"],
        compare=partial(visil_output, comparator) if better else None,
    )
    return comparator if better else None, scores, calibration
