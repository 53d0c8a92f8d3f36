"""Carrying a distance threshold from another model's space to the present model's.

The same sampled frames have features of both models, so their distances can be compared pair by
pair (reduction.transfer).
"""

from dataclasses import dataclass

import numpy as np

from visil_dash.errors import InputError
from visil_dash.index.fitted import stored_reduction
from visil_dash.index.plan import stored_plans
from visil_dash.laboratory.dimensions.library import SAMPLE_BYTES, reduced_distances
from visil_dash.laboratory.dimensions.study import sample_of
from visil_dash.models.sampling import same_rate
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.pca import FULL, Reduction, identity
from visil_dash.reduction.transfer import Transfer, transfer
from visil_dash.workbench.bench import THRESHOLD_SETTING, Workbench
from visil_dash.workbench.thresholds import ThresholdChange, save_threshold

_FRAMES = 4000  # compared at most


@dataclass(frozen=True)
class OtherModel:
    """Another model with features in this library. `shared`: videos with features of both models;
    `space`: the reduction of its index; `threshold`: saved for it, or None."""

    extractor: str
    shared: int
    space: str
    threshold: float | None


@dataclass(frozen=True)
class ModelTransfer:
    """The `threshold` of the model `extractor`, carried to the present model.

    `carried` None: no pair of the sample is within it. Measured on `frames` of `videos` videos.
    """

    extractor: str
    space: str
    threshold: float
    carried: Transfer | None
    videos: int
    frames: int


def other_models(bench: Workbench) -> tuple[OtherModel, ...]:
    """Other models with features of at least two of the videos, most shared videos first."""
    library, here = bench.library, set(bench.library.features_ids(bench.extractor))
    others = []
    for extractor in library.extractors():
        shared = len(here & set(library.features_ids(extractor)))
        if extractor == bench.extractor or not same_rate(extractor, bench.extractor):
            continue
        if shared >= 2:
            reduction = _reduction(bench, extractor)
            saved = library.setting(f"{THRESHOLD_SETTING}:{extractor}:{reduction.reduction_id}")
            threshold = None if saved is None else float(saved)
            others.append(OtherModel(extractor, shared, reduction.method, threshold))
    return tuple(sorted(others, key=lambda m: (-m.shared, m.extractor)))


def _reduction(bench: Workbench, extractor: str) -> Reduction:
    """The reduction of the other model's index; the full space where none was fitted."""
    rows = bench.library.feature_rows(extractor)
    width = rows[0].regions * rows[0].dim
    method = stored_plans(bench.library, extractor).current.method
    if method == FULL:
        return identity(width)
    stored, _problem = stored_reduction(
        bench.library, extractor=extractor, method=method, input_dim=width
    )
    return stored or identity(width)


def carry_from(
    bench: Workbench, extractor: str, threshold: float, *, watch: Watch = UNWATCHED
) -> ModelTransfer:
    """Carries `threshold` (squared L2 in the space of the model `extractor`) to the present space,
    measured on whole videos of up to _FRAMES frames. The threshold is not saved.

    Raises InputError when fewer than two videos have the same frames of both models; Cancelled.
    """
    watch = watch.with_message("The threshold was not carried over.")
    there, here, owners = _shared_frames(bench, extractor, watch)
    sample = sample_of(here, owners, total=len(here), seed=0)
    watch.step("Matching reduced_distances of both models", 0.8)
    rows, reduction = sample.queries, _reduction(bench, extractor)
    carried = transfer(
        reduced_distances(there[rows], there, reduction),
        reduced_distances(here[rows], here, bench.space.reduction),
        threshold,
        valid=sample.valid,
    )
    return ModelTransfer(
        extractor, reduction.method, threshold, carried, len(np.unique(owners)), len(here)
    )


def _shared_frames(bench: Workbench, extractor: str, watch: Watch) -> tuple[Array, Array, Array]:
    """Vectors of the same frames by the other model `[N, D]` and by this one, and their owners."""
    library, others = bench.library, set(bench.library.features_ids(extractor))
    both = [v for v in library.features_ids(bench.extractor) if v in others]
    order = np.random.default_rng(0).permutation(len(both))
    there: list[Array] = []
    here: list[Array] = []
    room = _FRAMES
    for place in order.tolist():
        watch.check()
        if room <= 0:
            break
        watch.step("Reading frames of both models", 0.8 * (1 - room / _FRAMES))
        old = library.features(both[place], extractor=extractor)
        new = library.features(both[place], extractor=bench.extractor)
        if len(old) != len(new) or not np.array_equal(old.timestamps, new.timestamps):
            continue  # sampled at another rate: these are not the same frames
        a, b = old.frame_vectors, new.frame_vectors
        room = min(room, SAMPLE_BYTES // (4 * (a.shape[1] + b.shape[1])) - sum(map(len, here)))
        rows = np.flatnonzero(a.any(1) & b.any(1))[: max(room, 0)]
        if len(rows):
            there.append(a[rows])
            here.append(b[rows])
            room -= len(rows)
    if len(here) < 2:
        raise InputError(
            extractor,
            "fewer than two videos have the same sampled frames by it and by the model in use",
            "extract the features of more videos on the Library page",
        )
    owners = np.repeat(np.arange(len(here)), [len(v) for v in here])
    return np.concatenate(there), np.concatenate(here), owners


def keep_carried(bench: Workbench, result: ModelTransfer) -> ThresholdChange:
    """Saves the carried threshold for the library, and in its history.

    Raises StoreReadOnly, and InputError where no threshold could be carried.
    """
    if result.carried is None:
        raise InputError(f"{result.threshold:g}", "admits no pair, so it cannot be carried over")
    why = f"carried over from {result.threshold:.4g} of {result.extractor} ({result.space})"
    return save_threshold(bench, "distance", result.carried.threshold, why=why)
