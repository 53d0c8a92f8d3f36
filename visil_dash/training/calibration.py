"""The levels of a model: from which scores and distances on something is meant.

Measured on copies of clips made of photos that the model's training did not see.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from visil_dash.errors import InputError
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
from visil_dash.models.bundle import read_bundle, save_bundle
from visil_dash.models.load import load_bundled
from visil_dash.records import WHOLE, Array, VideoFeatures
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.unit import unit_length
from visil_dash.training.comparator import ClipSet, ComparatorOptions, make_set, score_tables
from visil_dash.training.photos import held_back

_MATCH_PRECISION = 0.9
# Copies beyond are mostly those inside a larger picture, whose parts a search looks at where the
# whole matches nothing. To admit them by the whole picture takes twice as many unrelated videos.
_CANDIDATE_RECALL = 0.85
_LEAST_PHOTOS = 4


@dataclass(frozen=True)
class CalibrationOptions:
    """`clips` of held-back photos, and `copies` of each; `size` of their frames, pixels: that of
    the model."""

    clips: int = 100
    copies: int = 3
    size: int = 160
    seed: int = 0

    @property
    def of_set(self) -> ComparatorOptions:
        # Never the clips that a comparator of the same seed was trained on.
        return ComparatorOptions(
            clips=self.clips, copies=self.copies, size=self.size, seed=self.seed + 7
        )


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

    Precision decides, because a wrong match costs a user's trust, and a pair that falls just short
    is still reported as doubtful if a segment matches. Raises ValueError when nothing is a copy.
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


def calibrate(data: ClipSet, scores: Array, *, compare: Compare | None) -> Calibration:
    """The levels of a model; `scores`: video-to-video similarity `[copies, clips]` of the data by
    `compare`."""
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


def scored_ways(
    data: ClipSet, ways: dict[str, Compare | None]
) -> tuple[dict[str, Array], dict[str, float]]:
    """Scores `[copies, clips]` by each way to compare (None: Chamfer alone), and the uAP and the
    share ranked first of each."""

    def scored(compare: Compare | None) -> Callable[[Array], float]:
        return chamfer if compare is None else lambda matrix: chamfer(compare(matrix))

    tables = score_tables(data, {way: scored(compare) for way, compare in ways.items()})
    true, quality = data.truth, {}
    for way, table in tables.items():
        quality[f"{way}_uap"] = average_precision(table.ravel(), true.ravel())
        quality[f"{way}_top1"] = float(true[np.arange(len(true)), table.argmax(1)].mean())
    return tables, quality


def recalibrate(
    start: Path,
    photos: dict[str, Array],
    out: Path,
    options: CalibrationOptions = CalibrationOptions(),
    *,
    say: Callable[[str], None],
) -> Calibration:
    """Writes the model of the folder `start` with its frames on one scale and its levels anew.

    `photos` as the model was trained with: those held back there are what is measured on. Raises
    InputError when they are too few, ModelError.
    """
    unseen = [photo for name, photo in photos.items() if held_back(name)]
    if len(unseen) < _LEAST_PHOTOS:
        raise InputError(
            "photos",
            f"only {len(unseen)} of {len(photos)} are held back from training",
            "give the photos that the model was trained with",
        )
    bundle = read_bundle(start)
    meta = vars(replace(bundle.meta, one_scale=True))
    meta |= {"evidence": None if meta["evidence"] is None else asdict(meta["evidence"])}

    def save(**changes: object) -> None:
        save_bundle(
            out,
            backbone=bundle.backbone,
            whitening=bundle.whitening,
            context=bundle.context,
            gain=bundle.gain,
            comparator=bundle.comparator,
            meta=meta | changes,
        )

    save()
    model = load_bundled(out)
    data = make_set(
        unseen, model.extract, replace(options, size=bundle.meta.preprocess.side).of_set
    )
    tables, quality = scored_ways(data, {"comparator": model.compare})
    say(f"clips of held-back photos: {quality}")
    levels = calibrate(data, tables["comparator"], compare=model.compare)
    say(f"calibration: {asdict(levels)}")
    save(**levels_of(levels), trained={**bundle.meta.trained, **quality, **shown(levels)})
    return levels


def levels_of(levels: Calibration) -> dict[str, object]:
    """The fields of a bundle's meta that a calibration gives."""
    return {
        "threshold_share": levels.threshold_share,
        "unrelated_distance": levels.unrelated_distance,
        "frame_level": levels.frame_level,
        "default_match_score": levels.match_score,
        "evidence": asdict(levels.evidence),
    }


def shown(levels: Calibration) -> dict[str, object]:
    """What people may want to know of a calibration: all of it but the evidence."""
    return {name: value for name, value in asdict(levels).items() if name != "evidence"}
