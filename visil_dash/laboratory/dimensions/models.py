"""Carrying a threshold from another model's space into the one in force.

The same sampled frames have features of both models, so their distances can be matched pair by
pair (threshold_transfer).
"""

from dataclasses import dataclass

import numpy as np

from visil_dash.errors import InputError
from visil_dash.index.fitted import stored_reduction
from visil_dash.index.plan import stored_plans
from visil_dash.laboratory.dimensions.library import SAMPLE_BYTES, distances
from visil_dash.laboratory.dimensions.study import sample_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.pca import FULL, Reduction, identity
from visil_dash.reduction.transfer import RECALL, Transfer, transfer
from visil_dash.workbench.bench import THRESHOLD_SETTING, Workbench
from visil_dash.workbench.thresholds import Step, calibrate


@dataclass(frozen=True)
class OtherModel:
    """Another model of which videos here have features. `shared`: how many have both models';
    `space`: its index's reduction; `threshold`: saved for it, None when nobody saved one."""

    extractor: str
    shared: int
    space: str
    threshold: float | None


@dataclass(frozen=True)
class ModelTransfer:
    """What became of `threshold` of the model `extractor`; `carried` None: no pair lies within it.

    Measured on `frames` frames of `videos` videos.
    """

    extractor: str
    space: str
    threshold: float
    carried: Transfer | None
    videos: int
    frames: int


def other_models(bench: Workbench) -> tuple[OtherModel, ...]:
    """Models beside the one in use, those that share most videos first."""
    library, here = bench.library, set(bench.library.features_ids(bench.extractor))
    found = []
    for extractor in library.extractors():
        shared = len(here & set(library.features_ids(extractor)))
        if extractor != bench.extractor and shared >= 2:
            reduction = _reduction(bench, extractor)
            saved = library.setting(f"{THRESHOLD_SETTING}:{extractor}:{reduction.reduction_id}")
            threshold = None if saved is None else float(saved)
            found.append(OtherModel(extractor, shared, reduction.method, threshold))
    return tuple(sorted(found, key=lambda m: (-m.shared, m.extractor)))


def _reduction(bench: Workbench, extractor: str) -> Reduction:
    """Of the other model's index; the full space where none was fitted."""
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
    bench: Workbench,
    extractor: str,
    threshold: float,
    *,
    frames: int = 4000,
    seed: int = 0,
    recall: float = RECALL,
    watch: Watch = UNWATCHED,
) -> ModelTransfer:
    """Carries `threshold` (squared L2 in the space of the model `extractor`) into the space in
    force, on whole videos drawn by `seed` until `frames` frames are there. Nothing is changed.

    Raises InputError where fewer than two videos have the same frames of both models; Cancelled.
    """
    watch = watch.with_message("The threshold was not carried over.")
    there, here, owners = _shared_frames(bench, extractor, frames, seed, watch)
    sample = sample_of(here, owners, total=len(here), seed=seed)
    watch.step("Matching distances of both models", 0.8)
    rows, reduction = sample.queries, _reduction(bench, extractor)
    carried = transfer(
        distances(there[rows], there, reduction),
        distances(here[rows], here, bench.space.reduction),
        threshold,
        valid=sample.valid,
        recall=recall,
        seed=seed,
    )
    return ModelTransfer(
        extractor, reduction.method, threshold, carried, len(np.unique(owners)), len(here)
    )


def _shared_frames(
    bench: Workbench,
    extractor: str,
    frames: int,
    seed: int,
    watch: Watch,
) -> tuple[Array, Array, Array]:
    """Frame vectors of the other model and of this one, row by row the same frames, and owners."""
    library, others = bench.library, set(bench.library.features_ids(extractor))
    both = [v for v in library.features_ids(bench.extractor) if v in others]
    order = np.random.default_rng(seed).permutation(len(both))
    there: list[Array] = []
    here: list[Array] = []
    room = frames
    for place in order.tolist():
        watch.check()
        if room <= 0:
            break
        watch.step("Reading frames of both models", 0.8 * (1 - room / frames))
        old = library.features(both[place], extractor=extractor)
        new = library.features(both[place], extractor=bench.extractor)
        if len(old) != len(new) or not np.array_equal(old.timestamps, new.timestamps):
            continue  # sampled at another rate: its frames are not the same
        a, b = old.frame_vectors, new.frame_vectors
        room = min(room, SAMPLE_BYTES // (4 * (a.shape[1] + b.shape[1])) - sum(map(len, here)))
        shows = np.flatnonzero(a.any(1) & b.any(1))[: max(room, 0)]
        if len(shows):
            there.append(a[shows])
            here.append(b[shows])
            room -= len(shows)
    if len(here) < 2:
        raise InputError(
            extractor,
            "fewer than two videos have the same sampled frames of it and of the model in use",
            "extract the features of more videos on the Library page",
        )
    owners = np.repeat(np.arange(len(here)), [len(v) for v in here])
    return np.concatenate(there), np.concatenate(here), owners


def keep_carried(bench: Workbench, found: ModelTransfer, *, who: str = "") -> Step:
    """Makes the carried threshold the library's, noted in its history. Raises StoreReadOnly, and
    InputError where nothing could be carried."""
    if found.carried is None:
        raise InputError(f"{found.threshold:g}", "admits no pair, so it cannot be carried over")
    why = f"carried over from {found.threshold:.4g} of {found.extractor} ({found.space})"
    return calibrate(bench, "distance", found.carried.threshold, who=who, why=why)
