"""The steps of a rebuild that need no lock: the reduction to use, its vectors, what to delete."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from visil_dash.errors import InputError
from visil_dash.index.build import StopFlag, build_generation, forget_old
from visil_dash.index.fitted import (
    fit_and_keep,
    fittable,
    fitted_dim,
    forget_reductions,
    stored_reduction,
)
from visil_dash.index.generations import Generation
from visil_dash.index.loading import loaded_blocks
from visil_dash.index.plan import AUTO, IndexPlan
from visil_dash.index.snapshot import Snapshot
from visil_dash.library import tables
from visil_dash.library.store import Library
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.reduction.pca import FRAMES_PER_DIM, FULL, Reduction, identity


@dataclass(frozen=True)
class RebuildRequest:
    """What a rebuild does: fit the reduction anew, or follow another plan."""

    refit: bool = False
    plan: IndexPlan | None = None
    watch: Watch = UNWATCHED


@dataclass(frozen=True)
class EitherStop:
    """Set when the space is being closed or the user cancels."""

    closing: StopFlag
    watch: Watch

    def is_set(self) -> bool:
        return self.closing.is_set() or self.watch.stopped()


def reduction_for(
    library: Library, view: Snapshot, request: RebuildRequest, *, extractor: str, method: str
) -> Reduction:
    """The reduction of the next generation; `method` is the one of the plan in force.

    Raises InputError where the requested plan cannot be followed.
    """
    if request.plan is not None:
        return planned_reduction(library, view, request.plan, extractor=extractor)
    if request.refit or fittable(view, method):
        return fit_and_keep(library, view, extractor=extractor, method=method)
    return view.reduction


def planned_reduction(
    library: Library, view: Snapshot, plan: IndexPlan, *, extractor: str
) -> Reduction:
    """The reduction of another plan: the stored one, else fitted and stored now.

    Raises InputError where the library has too few frames or dimensions for it; the default
    plan's is the full space until there are enough, as in a new library.
    """
    input_dim, dim = view.reduction.input_dim, fitted_dim(plan.method)
    if plan.method == FULL or dim is None:
        reduction = identity(input_dim)
    else:
        stored, _ = stored_reduction(
            library, extractor=extractor, method=plan.method, input_dim=input_dim
        )
        need = FRAMES_PER_DIM * dim
        if stored is None and (len(view) < need or dim >= input_dim):
            if plan.method == AUTO:
                return view.reduction if view.reduction.method == FULL else identity(input_dim)
            raise InputError(
                plan.method,
                f"it needs {need:,} frames and more than {dim} dimensions; the library has"
                f" {len(view):,} frames of {input_dim}",
                "choose fewer dimensions or add videos",
            )
        reduction = stored or fit_and_keep(library, view, extractor=extractor, method=plan.method)
    same = reduction.reduction_id == view.reduction.reduction_id
    return view.reduction if same else reduction


def rebuilt(
    library: Library,
    view: Snapshot,
    reduction: Reduction,
    *,
    extractor: str,
    plan: IndexPlan,
    stop: StopFlag,
) -> Generation:
    """Publishes a generation of the view's videos under `reduction`; raises Stopped, and
    StoreError where the disk is too full."""
    library.check_disk("Index", need=3 * 4 * len(view) * reduction.dim)
    rows = library.feature_rows(extractor)
    ids, vectors, ordinals = view.ids, view.vectors, view.ordinals
    if reduction is not view.reduction:
        if view.reduction.method == FULL:
            vectors = reduction(vectors)
        else:
            blocks = loaded_blocks(
                library,
                (row for row in rows if row.ordinal in ordinals),
                extractor=extractor,
                reduction=reduction,
            )
            ids = np.concatenate([block.ids for block in blocks])
            vectors = np.concatenate([block.vectors for block in blocks])
            ordinals = frozenset(block.ordinal for block in blocks)
    return build_generation(
        library,
        extractor=extractor,
        reduction=reduction,
        rows=rows,
        ids=ids,
        vectors=vectors,
        ordinals=ordinals,
        stop=stop,
        options=plan.graph,
    )


def forget_others(library: Library, extractor: str, *, keep: set[str]) -> None:
    """Deletes all reductions of this extractor except `keep`, with their generations."""
    table = tables.generations
    with library.catalogue.read() as connection:
        found = connection.execute(
            sa.select(table.c.reduction_id, table.c.dim)
            .where(table.c.extractor == extractor)
            .distinct()
        ).all()
    for reduction_id, dim in found:
        if reduction_id not in keep:
            forget_old(library, extractor, Reduction(reduction_id, "", 0, dim), keep=0)
    forget_reductions(library, extractor, keep=keep)
