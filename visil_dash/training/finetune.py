"""Fine-tune a model's comparator on labelled pairs of a library (ViSiL section 3.4).

The backbone, whitening and attention stay as they are, so features keep their values; yet the new
model is another extractor, because its scores are others.
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
from visil_dash.models.comparator import visil_output
from visil_dash.models.load import COMPACT, load_bundled
from visil_dash.models.own import own_folder
from visil_dash.records import Array
from visil_dash.settings import Settings
from visil_dash.training.comparator import (
    ClipSet,
    ComparatorOptions,
    Pair,
    score_table,
    train_comparator,
)

LEAST_PAIRS = 8  # of matches: fewer leave nothing to hold back
HELD_BACK = 4  # every fourth match


@dataclass(frozen=True)
class FinetuneOptions:
    steps: int = 600
    rate: float = 2e-4  # gentle: few labels would else unlearn what many clips taught
    seed: int = 0


@dataclass(frozen=True)
class FinetuneResult:
    """uAP on matches that training did not see, by the new comparator, the former, and Chamfer."""

    uap: float
    former_uap: float
    chamfer_uap: float
    trained_on: int
    held_back: int


def labelled_sets(
    labels: tuple[Label, ...], features: dict[str, Array]
) -> tuple[ClipSet, ClipSet, tuple[str, ...]]:
    """Training and held-back pairs over all labelled videos, whose ids come third.

    Each match gives a pair in either direction; every fourth match is held back. Videos that are
    labelled as related to a query in any way are no negatives for it, unless they were judged not
    to match.
    """
    ids = tuple(sorted({v for label in labels for v in (label.query, label.reference)}))
    place = {video: i for i, video in enumerate(ids)}
    near: dict[str, set[int]] = {video: {place[video]} for video in ids}
    for label in labels:
        if is_copy(label) or label.verdict == UNSURE or label.relation:
            near[label.query].add(place[label.reference])
            near[label.reference].add(place[label.query])
        if label.verdict == NOT_MATCH and not label.relation:
            near[label.query].discard(place[label.reference])
            near[label.reference].discard(place[label.query])
    matches = sorted((label.pair for label in labels if is_copy(label)), key=str)
    parts: tuple[list[Pair], list[Pair]] = ([], [])
    for number, (a, b) in enumerate(matches):
        for query, reference in ((a, b), (b, a)):
            pair = Pair(features[query], place[reference], frozenset(near[query]))
            parts[number % HELD_BACK == 0].append(pair)
    clips = tuple(features[video] for video in ids)
    return ClipSet(clips, tuple(parts[0])), ClipSet(clips, tuple(parts[1])), ids


def pooled_ap(data: ClipSet, video_score: Callable[[Array], float]) -> float:
    """AP of all (copy, clip) pairs in one ranking; related clips are neither right nor wrong."""
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
    """Write a model folder with a comparator tuned on the labelled pairs of the library `folder`.

    `labels`: a CSV; None: the library's own labels. The folder is written whatever the result
    says: which of the comparators is better is the user's to read off it.

    Raises InputError when fewer than 8 matches are labelled, ModelError and StoreError.
    """
    bundle, bundle_folder = _bundle_of(model, settings)
    if bundle.comparator is None:
        raise ModelError(f"{model}: it has no comparator to fine-tune.")
    former = bundle.comparator
    extractor = load_bundled(bundle_folder).extractor
    library = open_library(folder, settings=settings)
    try:
        told = _labels_of(library, labels)
        have = set(library.features_ids(extractor))
        usable = tuple(t for t in told if {t.query, t.reference} <= have)
        wanted = {v for t in usable for v in (t.query, t.reference)}
        features = {v: library.features(v, extractor=extractor).regions for v in wanted}
    finally:
        library.close()
    matches = sum(bool(is_copy(t)) for t in usable)
    if matches < LEAST_PAIRS:
        raise InputError(
            "labels" if labels is None else labels.name,
            f"{matches} pairs are labelled as copies of videos with features of {model},"
            f" {LEAST_PAIRS} are needed",
            "judge more pairs on the Collection page, or give a longer table",
        )
    training, test, _ids = labelled_sets(usable, features)
    plan = ComparatorOptions(
        steps=options.steps, rate=options.rate, seed=options.seed, batch=8, hard=10
    )
    tuned = train_comparator(
        training,
        plan,
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
    meta = replace(bundle.meta, name=name, title=title)
    save_bundle(
        out,
        backbone=bundle.backbone,
        whitening=bundle.whitening,
        context=bundle.context,
        gain=bundle.gain,
        comparator=tuned,
        # What a score says for a copy was measured with the former comparator's scores.
        meta=vars(meta)
        | {"evidence": None, "trained": {**meta.trained, "fine_tuned": vars(result)}},
    )
    return result
