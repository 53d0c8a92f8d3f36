"""From a snapshot to its next generation, and the generations that the catalogue knows."""

from pathlib import Path
from typing import Protocol

import numpy as np

from visil_dash.index.generations import Generation, Identity, Registered, clean_up, publish
from visil_dash.index.hnsw import DEFAULT_GRAPH, GraphOptions, HnswIndex
from visil_dash.library import tables
from visil_dash.library.catalogue import checked_rows, now, put_row
from visil_dash.library.paths import safe_id
from visil_dash.library.rows import FeatureRow
from visil_dash.library.store import Library
from visil_dash.records import Array
from visil_dash.reduction.pca import Reduction

FRAMES_ADDED_AT_ONCE = 2000  # between two checks of the stop flag


class Stopped(Exception):
    """The frame space is being closed, or the build was cancelled."""


class StopFlag(Protocol):
    """A threading.Event, or anything else with `is_set`."""

    def is_set(self) -> bool: ...


def index_folder(library: Library, extractor: str, reduction: Reduction) -> Path:
    return library.folder / "index" / safe_id(extractor) / safe_id(reduction.reduction_id)


def identity_of(extractor: str, reduction: Reduction, rows: tuple[FeatureRow, ...]) -> Identity:
    weights = rows[0].weights_sha256 if rows else ""
    return Identity(extractor, weights, reduction.reduction_id, reduction.dim)


def registered_generations(
    library: Library, extractor: str, reduction: Reduction
) -> dict[int, Registered]:
    """Published generations by number, as recorded in the catalogue."""
    with library.catalogue.read() as connection:
        rows = checked_rows(
            connection,
            tables.generations,
            tables.generations.c.extractor == extractor,
            tables.generations.c.reduction_id == reduction.reduction_id,
        )
    return {
        row["number"]: Registered(row["manifest_sha256"], row["frames"], row["dim"]) for row in rows
    }


def build_generation(
    library: Library,
    *,
    extractor: str,
    reduction: Reduction,
    rows: tuple[FeatureRow, ...],
    ids: Array,
    vectors: Array,
    ordinals: frozenset[int],
    stop: StopFlag,
    options: GraphOptions = DEFAULT_GRAPH,
) -> Generation:
    """Builds the graph of reduced vectors `[N, d]` under ids `[N]` and publishes it.

    Raises Stopped when `stop` is set meanwhile; nothing is left behind then.
    """
    order = np.argsort(ids)
    ids, vectors = ids[order], np.ascontiguousarray(vectors[order])
    sha = {row.ordinal: row.sha256 for row in rows}
    index = HnswIndex(
        reduction.dim, capacity=len(ids), threads=library.settings.threads, options=options
    )
    # In random order: videos one after the other leave the graph in islands, and a search that
    # starts on the wrong one misses (recall@10 0.83 instead of 1.00 on 300 videos).
    shuffled = np.random.default_rng(1).permutation(len(ids))
    for start in range(0, len(ids), FRAMES_ADDED_AT_ONCE):
        if stop.is_set():
            raise Stopped
        part = shuffled[start : start + FRAMES_ADDED_AT_ONCE]
        index.add(vectors[part], ids[part])
    known = registered_generations(library, extractor, reduction)

    def register(number: int, facts: Registered) -> None:
        row = {
            "extractor": extractor,
            "reduction_id": reduction.reduction_id,
            "number": number,
            "manifest_sha256": facts.manifest_sha256,
            "frames": facts.frames,
            "dim": facts.dim,
            "added": now(),
        }
        with library.catalogue.write() as connection:
            put_row(connection, tables.generations, row)

    return publish(
        index_folder(library, extractor, reduction),
        number=1 + max(known, default=0),
        identity=identity_of(extractor, reduction, rows),
        index=index,
        ids=ids,
        vectors=vectors,
        videos={ordinal: sha.get(ordinal, "") for ordinal in ordinals},
        register=register,
        step=library.step,
    )


def forget_old(library: Library, extractor: str, reduction: Reduction, *, keep: int) -> None:
    """Deletes all but the newest `keep` generations, rows first."""
    newest = sorted(registered_generations(library, extractor, reduction), reverse=True)[:keep]
    with library.catalogue.write() as connection:
        connection.execute(
            tables.generations.delete().where(
                tables.generations.c.extractor == extractor,
                tables.generations.c.reduction_id == reduction.reduction_id,
                tables.generations.c.number.not_in(newest),
            )
        )
    folder = index_folder(library, extractor, reduction)
    clean_up(folder, keep=set(newest), step=library.step)
