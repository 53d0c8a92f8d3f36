"""The dimension study of a library, and changing the space of its index."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from visil_dash.candidates.thresholds import distance_levels
from visil_dash.errors import Cancelled, InputError
from visil_dash.index.build import Stopped
from visil_dash.index.hnsw import GraphOptions
from visil_dash.index.plan import IndexPlan, Plans, stored_plans
from visil_dash.index.rebuild import planned_reduction
from visil_dash.laboratory.dimensions.geometry import (
    Concentration,
    GraphStudy,
    Spectrum,
    concentration,
    graph_study,
    spectrum,
)
from visil_dash.laboratory.dimensions.study import (
    FrameSample,
    Score,
    SpaceResult,
    compare_spaces,
    possible_dims,
    sample_of,
)
from visil_dash.matching.similarity import pair_scores
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import FULL, Reduction
from visil_dash.reduction.transfer import Transfer, transfer
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.thresholds import distance_key, save_threshold, was_saved

DIMS = (16, 32, 64, 128, 256, 512)
_CURVE_DIMS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
EFS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
SAMPLE_BYTES = 256 * 1024**2  # of full frame vectors, float32


@dataclass(frozen=True)
class StudyOptions:
    """`frames`: at most so many are sampled, in whole videos drawn by `seed`; `k`: neighbours."""

    frames: int = 4000
    dims: tuple[int, ...] = DIMS
    k: int = 10
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Study:
    """Results of a study, with the sample they were measured on.

    `threshold`: squared-L2 distance in the full space.
    """

    options: StudyOptions
    extractor: str
    videos: int
    frames: int
    total: int
    query_videos: int
    query_frames: int
    input_dim: int
    threshold: float
    match_score: float
    dims: tuple[int, ...]
    spectrum: Spectrum
    concentration: tuple[Concentration, ...]
    rows: tuple[SpaceResult, ...]


@dataclass(frozen=True, eq=False)
class LibrarySample:
    """A FrameSample with the ids and ordinals of its videos, by position."""

    frames: FrameSample
    video_ids: tuple[str, ...]
    ordinals: tuple[int, ...]


def library_sample(bench: Workbench, *, frames: int, seed: int) -> LibrarySample:
    """Draws whole videos in random order, up to `frames` frames and SAMPLE_BYTES.

    Blank frames are left out, as they are in the index. Raises InputError when fewer than two
    videos have other frames.
    """
    rows = bench.library.feature_rows(bench.extractor)
    order = np.random.default_rng(seed).permutation(len(rows))
    vectors: list[Array] = []
    chosen: list[int] = []
    room = frames
    for place in order.tolist():
        row = rows[place]
        most = min(room, SAMPLE_BYTES // (4 * row.regions * row.dim) - frames + room)
        if chosen and row.frames > most:
            continue
        features = bench.library.features(row.video_id, extractor=bench.extractor)
        shown = features.frame_vectors
        shown = shown[shown.any(1)][: max(most, 1)]
        if len(shown):
            vectors.append(shown)
            chosen.append(place)
            room -= len(shown)
    if len(chosen) < 2:
        raise InputError(
            "The library", "fewer than two of its videos can be measured", "add some videos"
        )
    owners = np.repeat(np.arange(len(chosen)), [len(v) for v in vectors])
    total = sum(row.frames for row in rows)
    return LibrarySample(
        sample_of(np.concatenate(vectors), owners, total=total, seed=seed),
        tuple(rows[p].video_id for p in chosen),
        tuple(rows[p].ordinal for p in chosen),
    )


def pair_score(bench: Workbench, video_ids: Sequence[str]) -> Score:
    """Video-to-video similarity of two positions in `video_ids`; each pair is computed once."""
    known: dict[tuple[int, int], float] = {}

    @lru_cache(maxsize=256)
    def regions(position: int) -> Array:
        features = bench.library.features(video_ids[position], extractor=bench.extractor)
        return features.regions

    def score(query: int, reference: int) -> float:
        if (query, reference) not in known:
            pair = pair_scores(regions(query), regions(reference), bench.model.scorer)
            known[query, reference] = pair.score
            known[reference, query] = pair.reverse_score
        return known[query, reference]

    return score


def study(bench: Workbench, options: StudyOptions, *, watch: Watch = UNWATCHED) -> Study:
    """All results of the Dimensions page. Raises InputError and Cancelled."""
    watch.step("Reading frames", 0.0)
    drawn = library_sample(bench, frames=options.frames, seed=options.seed)
    sample = drawn.frames
    input_dim = int(sample.vectors.shape[1])
    watch.step("Measuring distances", 0.05)
    curve = concentration(
        sample.vectors,
        sample.owners,
        [d for d in _CURVE_DIMS if d < input_dim] + [input_dim],
        seed=options.seed,
    )
    watch.check()
    threshold = _full_threshold(bench, sample)
    rows = compare_spaces(
        sample,
        dims=options.dims,
        k=options.k,
        threshold=threshold,
        match_score=bench.match_score(),
        score=pair_score(bench, drawn.video_ids),
        watch=watch.part(0.1, 1.0),
        seed=options.seed,
    )
    return Study(
        options=options,
        extractor=bench.extractor,
        videos=len(drawn.video_ids),
        frames=len(sample.vectors),
        total=sample.total,
        query_videos=len(np.unique(sample.owners[sample.queries])),
        query_frames=len(sample.queries),
        input_dim=input_dim,
        threshold=threshold,
        match_score=bench.match_score(),
        dims=possible_dims(sample, options.dims),
        spectrum=spectrum(sample.vectors, seed=options.seed),
        concentration=curve,
        rows=rows,
    )


def _full_threshold(bench: Workbench, sample: FrameSample) -> float:
    """The library's distance threshold, carried to full frame vectors from a reduced space."""
    reduction = bench.space.reduction
    if reduction.method == FULL:
        return bench.threshold()
    queries = sample.vectors[sample.queries]
    carried = transfer(
        reduced_distances(queries, sample.vectors, reduction),
        squared_distances(queries, sample.vectors),
        bench.threshold(),
        valid=sample.valid,
    )
    if carried is not None:
        return carried.threshold
    return bench.model.threshold_share * distance_levels(sample.vectors, sample.owners).unrelated


def reduced_distances(queries: Array, vectors: Array, reduction: Reduction) -> Array:
    """Squared-L2 distances `[Q, N]` of full vectors in the reduced space."""
    return squared_distances(reduction(queries), reduction(vectors))


def measure_graph(
    bench: Workbench, options: GraphOptions, *, frames: int, k: int, seed: int
) -> GraphStudy:
    """A graph of a sample in the index's present space. Raises InputError for too few videos."""
    sample = library_sample(bench, frames=frames, seed=seed).frames
    reduction = bench.space.reduction
    queries = sample.vectors[sample.queries]
    return graph_study(
        reduction(sample.fitting), reduction(queries), options, efs=(*EFS, options.ef), k=k
    )


# ---- changing the space ----


@dataclass(frozen=True)
class Proposal:
    """Another plan for the index, with the distance thresholds to choose from in its space.

    `former`: the present space; `threshold`: the present one (`saved`, or else the default).
    In the new space: `carried`, None where the space stays the same or no pair of the sample is
    within the threshold; `default`, the model's share of the distance of unrelated frames;
    `before`, a threshold saved for that space earlier.
    """

    plan: IndexPlan
    former: str
    reduction_id: str
    same_space: bool
    threshold: float
    saved: bool
    carried: Transfer | None
    default: float
    before: float | None
    frames: int


def plans(bench: Workbench) -> Plans:
    """The present plan of the index and the one before it."""
    return stored_plans(bench.library, bench.extractor)


def propose(bench: Workbench, plan: IndexPlan) -> Proposal:
    """Fits the reduction of `plan` and carries the threshold to its space; the index stays.

    Raises StoreReadOnly, and InputError where the library is too small to fit it.
    """
    bench.require_writer()
    view = bench.space.view()
    new = planned_reduction(bench.library, view, plan, extractor=bench.extractor)
    sample = library_sample(bench, frames=4000, seed=0).frames
    queries, same = sample.vectors[sample.queries], new is view.reduction
    here, there = (reduced_distances(queries, sample.vectors, r) for r in (view.reduction, new))
    level = distance_levels(new(sample.vectors), sample.owners).unrelated
    stored = bench.library.setting(distance_key(bench, view.reduction.reduction_id))
    before = bench.library.setting(distance_key(bench, new.reduction_id))
    carried = transfer(here, there, bench.threshold(), valid=sample.valid)
    return Proposal(
        plan=plan,
        former=view.reduction.method,
        reduction_id=new.reduction_id,
        same_space=same,
        threshold=bench.threshold(),
        saved=stored is not None,
        carried=None if same else carried,
        default=bench.model.threshold_share * level,
        before=None if before is None else float(before),
        frames=len(sample.vectors),
    )


def apply_proposal(
    bench: Workbench, proposal: Proposal, *, threshold: float | None, watch: Watch = UNWATCHED
) -> IndexPlan:
    """Rebuilds the index by the proposal's plan; searches use the old index until it is complete.

    `threshold`: saved for the new space, None for the default there. Raises StoreReadOnly,
    InputError and Cancelled; the old plan then stays.
    """
    bench.require_writer()
    watch = watch.with_message("The index stays as it was.")
    watch.step("Building the new index; searches use the old one", 0.1)
    chosen = threshold != proposal.before or not was_saved(bench, proposal.reduction_id)
    if not proposal.same_space and chosen:  # no search uses that space yet
        why = "the default of the new space"
        if proposal.carried is not None and threshold == proposal.carried.threshold:
            why = f"carried over from {proposal.threshold:.4g} in {proposal.former}"
        save_threshold(bench, "distance", threshold, why=why, reduction_id=proposal.reduction_id)
    try:
        bench.space.adopt(proposal.plan, watch=watch)
    except Stopped as error:
        raise Cancelled(watch.message) from error
    return proposal.plan
