"""Fine-tune a model's comparator on labelled pairs of a library (ViSiL section 3.4).

Backbone, whitening and attention stay the same, and so do the features; still, the new model is
another extractor, because its scores differ.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from visil_dash.errors import InputError, ModelError
from visil_dash.labels.csv_file import read_labels
from visil_dash.labels.label import NOT_MATCH, UNSURE, Label, is_copy
from visil_dash.library.store import Library, open_library
from visil_dash.matching.similarity import chamfer
from visil_dash.metrics.ranking import average_precision
from visil_dash.models.bundle import BUNDLED, Bundle, read_bundle, save_bundle
from visil_dash.models.comparator import VideoComparator, visil_output
from visil_dash.models.load import COMPACT, load_bundled
from visil_dash.models.own import own_folder
from visil_dash.models.sampling import at_rate
from visil_dash.records import Array
from visil_dash.settings import Settings
from visil_dash.training.comparator import (
    ClipSet,
    ComparatorOptions,
    TrainingPair,
    score_table,
    train_comparator,
)

_LEAST_PAIRS = 8  # matches that are needed to hold some out
_HELD_BACK = 4  # every fourth match is held out


@dataclass(frozen=True)
class FinetuneOptions:
    steps: int = 600
    rate: float = 2e-4  # low, so that few labels do not undo the training on many clips
    seed: int = 0


@dataclass(frozen=True)
class FinetuneResult:
    """uAP on held-out matches, with the new comparator, the former one, and Chamfer similarity."""

    uap: float
    former_uap: float
    chamfer_uap: float
    trained_on: int
    held_back: int


def labelled_sets(
    labels: tuple[Label, ...], features: dict[str, Array]
) -> tuple[ClipSet, ClipSet, tuple[str, ...]]:
    """Training and held-out pairs of all labelled videos, and the ids of these videos.

    Each match gives a pair in both directions; every fourth match is held out. Videos that have
    any relation to a query are no negatives for it.
    """
    ids = tuple(sorted({v for label in labels for v in (label.query, label.reference)}))
    place = {video: i for i, video in enumerate(ids)}
    related = _related_clips(labels, place)
    matches = sorted((label.pair for label in labels if is_copy(label)), key=str)
    parts: tuple[list[TrainingPair], list[TrainingPair]] = ([], [])
    for number, (a, b) in enumerate(matches):
        for query, reference in ((a, b), (b, a)):
            pair = TrainingPair(features[query], place[reference], frozenset(related[query]))
            parts[number % _HELD_BACK == 0].append(pair)
    clips = tuple(features[video] for video in ids)
    return ClipSet(clips, tuple(parts[0])), ClipSet(clips, tuple(parts[1])), ids


def _related_clips(labels: tuple[Label, ...], place: dict[str, int]) -> dict[str, set[int]]:
    """Positions of the clips that are no negatives, by video id."""
    related = {video: {at} for video, at in place.items()}
    for label in labels:
        ends = ((label.query, label.reference), (label.reference, label.query))
        if is_copy(label) or label.verdict == UNSURE or label.relation:
            for video, other in ends:
                related[video].add(place[other])
        elif label.verdict == NOT_MATCH:
            for video, other in ends:
                related[video].discard(place[other])
    return related


def pooled_ap(data: ClipSet, video_score: Callable[[Array], float]) -> float:
    """AP of all (copy, clip) pairs in one ranking; other related clips do not count."""
    table = score_table(data, video_score)
    right = np.zeros(table.shape, bool)
    counted = np.ones(table.shape, bool)
    for row, pair in enumerate(data.copies):
        counted[row, list(pair.related)] = False
        right[row, pair.clip] = counted[row, pair.clip] = True
    return average_precision(table[counted], right[counted])


def _bundle_of(model: str, settings: Settings) -> tuple[Bundle, Path]:
    folder = BUNDLED / COMPACT if model == COMPACT else own_folder(model, settings=settings)
    if not folder.is_dir():
        raise ModelError(f"{model}: only the bundled model and your own can be fine-tuned.")
    return read_bundle(folder), folder


def _labels_of(library: Library, file: Path | None) -> tuple[Label, ...]:
    if file is None:
        return library.labels()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(file.name, f"cannot be read ({error.strerror})", "check path") from error
    return read_labels(text, library.videos(), name=file.name)


def finetune_comparator(
    folder: Path,
    labels: Path | None,
    *,
    model: str,
    out: Path,
    settings: Settings,
    options: FinetuneOptions,
    name: str,
    title: str,
    say: Callable[[str], None],
) -> FinetuneResult:
    """Writes a model folder with a comparator tuned on the labelled pairs of the library `folder`.

    `labels`: a CSV file; None: the library's own labels. The folder is written even if the result
    is worse than the former comparator's.

    Raises InputError when fewer than 8 matches are labelled, ModelError and StoreError.
    """
    bundle, bundle_folder = _bundle_of(model, settings)
    if bundle.comparator is None:
        raise ModelError(f"{model}: it has no comparator to fine-tune.")
    former = bundle.comparator
    extractor = at_rate(load_bundled(bundle_folder), settings.rate).extractor
    usable, features = _labelled_features(folder, labels, extractor, settings)
    matches = sum(bool(is_copy(label)) for label in usable)
    if matches < _LEAST_PAIRS:
        raise InputError(
            "labels" if labels is None else labels.name,
            f"{matches} pairs are labelled as copies and have features of {model},"
            f" {_LEAST_PAIRS} are needed",
            "judge more pairs on the Collection page, or use a longer table",
        )
    training, test, _ids = labelled_sets(usable, features)
    tuned = train_comparator(
        training,
        ComparatorOptions(
            steps=options.steps, rate=options.rate, seed=options.seed, batch=8, hard=10
        ),
        start=former,
        on_step=lambda i, loss: say(f"step {i}: {loss:.4f}") if i % 100 == 0 else None,
    )
    result = FinetuneResult(
        uap=pooled_ap(test, lambda m: chamfer(visil_output(tuned, m))),
        former_uap=pooled_ap(test, lambda m: chamfer(visil_output(former, m))),
        chamfer_uap=pooled_ap(test, chamfer),
        trained_on=len(training.copies),
        held_back=len(test.copies),
    )
    _save_tuned(out, bundle, tuned, result, name=name, title=title)
    return result


def _labelled_features(
    folder: Path, labels: Path | None, extractor: str, settings: Settings
) -> tuple[tuple[Label, ...], dict[str, Array]]:
    """The labels whose videos have features, and the region vectors of these videos by id."""
    library = open_library(folder, settings=settings)
    try:
        have = set(library.features_ids(extractor))
        usable = tuple(
            label for label in _labels_of(library, labels) if {label.query, label.reference} <= have
        )
        videos = {video for label in usable for video in (label.query, label.reference)}
        return usable, {v: library.features(v, extractor=extractor).regions for v in videos}
    finally:
        library.close()


def _save_tuned(
    out: Path,
    bundle: Bundle,
    tuned: VideoComparator,
    result: FinetuneResult,
    *,
    name: str,
    title: str,
) -> None:
    meta = replace(bundle.meta, name=name, title=title)
    save_bundle(
        out,
        backbone=bundle.backbone,
        whitening=bundle.whitening,
        context=bundle.context,
        gain=bundle.gain,
        comparator=tuned,
        # The evidence was measured on scores of the former comparator.
        meta=vars(meta)
        | {"evidence": None, "trained": {**meta.trained, "fine_tuned": vars(result)}},
    )
