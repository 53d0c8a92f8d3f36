"""Fitted reductions of a library: listing, loading, fitting and storing them."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from visil_dash.errors import StoreDamaged, StoreMismatch
from visil_dash.index.snapshot import Snapshot
from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, now, put_row, quarantine
from visil_dash.library.paths import safe_id
from visil_dash.library.remote.keys import reduction_key
from visil_dash.library.remote.notes import reduction_keys
from visil_dash.library.remote.writing import confirm, note_removed, sweep, upload
from visil_dash.library.store import Library
from visil_dash.records import Array
from visil_dash.reduction.pca import (
    FRAMES_PER_DIM,
    FULL,
    Reduction,
    fit_pca,
    load_reduction,
    save_reduction,
)
from visil_dash.reduction.projections import fit_lpp, random_projection
from visil_dash.reduction.unit import unit_length

_FIT_FRAMES = 8192  # 32 for each default dimension; more moves the directions little
_FIT_BYTES = 768 * 1024**2  # and no more than this of full frame vectors, float32


METHODS = ("pca", "random", "lpp")


def fitted_dim(method: str) -> int | None:
    """256 for "pca256", "random256" and "lpp256"; None for anything else."""
    found = re.fullmatch(rf"({'|'.join(METHODS)})([1-9][0-9]{{0,4}})", method)
    return int(found[2]) if found else None


def fit_reduction(method: str, vectors: Array) -> Reduction:
    """The reduction that "pca64", "random64" or "lpp64" names, fitted on `vectors` `[N, D]`.

    Raises ValueError for other names, too few vectors and more dimensions than there are.
    """
    dim = fitted_dim(method)
    if dim is None:
        raise ValueError(f"reduction: expected one of {METHODS} with its dims, got {method!r}")
    vectors = unit_length(vectors)
    if method.startswith("pca"):
        return fit_pca(vectors, dim)
    if method.startswith("lpp"):
        return fit_lpp(vectors, dim)
    return random_projection(vectors.shape[1], dim)


def fittable(view: Snapshot, method: str) -> bool:
    """Whether the wanted reduction is not fitted yet and there are enough frames to fit it."""
    dim = fitted_dim(method)
    return (
        dim is not None
        and view.reduction.method == FULL
        and dim < view.reduction.input_dim
        and len(view) >= FRAMES_PER_DIM * dim
    )


def stored_reduction(
    library: Library, *, extractor: str, method: str, input_dim: int
) -> tuple[Reduction | None, str]:
    """The newest fitted reduction of this method to unit vectors, None where there is none.

    Second: what was wrong with one that cannot be used; the writer sets that one aside.
    """
    problems: list[str] = []
    here = tables.reductions.c.method == method
    for reduction in _loaded(library, extractor, input_dim, here, problems=problems):
        if reduction.unit:
            return reduction, "".join(problems[-1:])
    return None, "".join(problems[-1:])


def reductions_of_any_length(
    library: Library, *, extractor: str, input_dim: int
) -> tuple[Reduction, ...]:
    """Fitted reductions from before vectors had unit length, the newest first."""
    loaded = _loaded(library, extractor, input_dim, problems=[])
    return tuple(reduction for reduction in loaded if not reduction.unit)


def _loaded(
    library: Library,
    extractor: str,
    input_dim: int,
    *where: sa.ColumnElement[bool],
    problems: list[str],
) -> Iterator[Reduction]:
    """The stored reductions, the newest first; adds to `problems` what is wrong with others."""
    with library.catalogue.read() as connection:
        rows = checked_rows(
            connection, tables.reductions, tables.reductions.c.extractor == extractor, *where
        )
    for row in sorted(rows, key=lambda row: str(row["added"]), reverse=True):
        path = _path(library, extractor, row["reduction_id"])
        try:
            if library.remote is not None:
                key = reduction_key(extractor, row["reduction_id"], row["sha256"])
                library.remote.bring(path, key)
            reduction = load_reduction(path, extractor=extractor, sha256=row["sha256"])
            if reduction.input_dim != input_dim:
                raise StoreMismatch(
                    f"{path}: reduces {reduction.input_dim} dimensions, not {input_dim}."
                )
            yield reduction
        except (StoreDamaged, StoreMismatch) as error:
            problems.append(f"{error} It is fitted anew.")
            if not library.read_only:
                _forget(library, extractor, row["reduction_id"])


def fit_and_keep(library: Library, view: Snapshot, *, extractor: str, method: str) -> Reduction:
    """Fits the method's dimensions on the view's frames; the file is flushed, the row committed."""
    dim = fitted_dim(method)
    if dim is None:
        return view.reduction
    reduction = fit_reduction(method, _full_sample(library, view, extractor=extractor, dim=dim))
    path = _path(library, extractor, reduction.reduction_id)
    digest = save_reduction(reduction, path, extractor=extractor, step=library.step)
    row = {
        "extractor": extractor,
        "reduction_id": reduction.reduction_id,
        "method": reduction.method,
        "sha256": digest,
        "input_dim": reduction.input_dim,
        "dim": reduction.dim,
        "added": now(),
    }
    key = reduction_key(extractor, reduction.reduction_id, digest)
    upload(library, key, path)
    with library.catalogue.write() as connection:
        put_row(connection, tables.reductions, row)
        confirm(library, connection, key)
        library.step("reduction:before-commit")
    return reduction


def _full_sample(library: Library, view: Snapshot, *, extractor: str, dim: int) -> Array:
    """Full frame vectors, all or evenly spread, within _FIT_FRAMES and _FIT_BYTES."""
    most = min(_FIT_FRAMES, _FIT_BYTES // (4 * view.reduction.input_dim))
    every = max(1, len(view) // max(most, FRAMES_PER_DIM * dim))
    if view.reduction.method == FULL:
        return np.asarray(view.vectors[::every])
    parts = []
    for row in library.feature_rows(extractor):
        if row.ordinal in view.ordinals:
            vectors = library.features(row.video_id, extractor=extractor).frame_vectors
            parts.append(vectors[vectors.any(1)][::every])
    return np.concatenate(parts)


def _path(library: Library, extractor: str, reduction_id: str) -> Path:
    folder = library.folder / "reductions" / safe_id(extractor)
    return folder / f"{safe_id(reduction_id)}.safetensors"


def forget_reductions(library: Library, extractor: str, *, keep: set[str]) -> None:
    """Deletes every fitted reduction of this extractor but those named, rows first."""
    with library.catalogue.write() as connection:
        stored = reduction_keys(connection, extractor)
        gone = [key for reduction_id, key in stored.items() if reduction_id not in keep]
        note_removed(library, connection, gone)
        connection.execute(
            tables.reductions.delete().where(
                tables.reductions.c.extractor == extractor,
                tables.reductions.c.reduction_id.not_in(keep),
            )
        )
    kept = {_path(library, extractor, reduction_id) for reduction_id in keep}
    for path in _path(library, extractor, FULL).parent.glob("*.safetensors"):
        if path not in kept:
            path.unlink(missing_ok=True)
    sweep(library)


def _forget(library: Library, extractor: str, reduction_id: str) -> None:
    with library.catalogue.write() as connection:
        stored = reduction_keys(connection, extractor)
        note_removed(library, connection, [stored[reduction_id]] if reduction_id in stored else [])
        connection.execute(
            tables.reductions.delete().where(
                tables.reductions.c.extractor == extractor,
                tables.reductions.c.reduction_id == reduction_id,
            )
        )
    path = _path(library, extractor, reduction_id)
    if path.exists():
        quarantine(path, library.folder / "quarantine")
    sweep(library)
