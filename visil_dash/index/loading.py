"""From disk to a snapshot: the best generation, and from the blobs what that lacks."""

from collections.abc import Iterable

import numpy as np

from visil_dash.errors import NotFound, StoreDamaged, StoreMismatch
from visil_dash.index.build import identity_of, index_folder, registered_generations
from visil_dash.index.fitted import stored_reduction
from visil_dash.index.generations import open_best
from visil_dash.index.ids import frame_ids
from visil_dash.index.snapshot import Block, Snapshot
from visil_dash.library.rows import FeatureRow
from visil_dash.library.store import Library
from visil_dash.records import Array
from visil_dash.reduction.pca import Reduction, identity

_FRAMES_AT_ONCE = 2000  # full frame vectors reduced by one product: 37 MB at 9 × 512 dims


def opened_snapshot(
    library: Library, *, extractor: str, method: str, rows: tuple[FeatureRow, ...], version: int
) -> tuple[Snapshot, str]:
    """The committed features `rows` made searchable.

    Second: what was wrong with the stored index, empty when nothing was; the snapshot is complete
    either way, because vectors missing or damaged there are computed from the blobs.
    """
    if not rows:
        return Snapshot(identity(0), None, (), frozenset(), version), ""
    input_dim = rows[0].regions * rows[0].dim
    stored, problem = stored_reduction(
        library, extractor=extractor, method=method, input_dim=input_dim
    )
    reduction = stored or identity(input_dim)
    generation, problems = open_best(
        index_folder(library, extractor, reduction),
        identity=identity_of(extractor, reduction, rows),
        registered=registered_generations(library, extractor, reduction),
    )
    kept = generation.videos if generation else {}
    current = {row.ordinal: row.sha256 for row in rows}
    stale = frozenset(o for o, sha256 in kept.items() if current.get(o) != sha256)
    lacking = (row for row in rows if row.ordinal not in kept or row.ordinal in stale)
    blocks = tuple(loaded_blocks(library, lacking, extractor=extractor, reduction=reduction))
    view = Snapshot(reduction, generation, blocks, stale, version)
    return view, " ".join(text for text in (problem, *problems) if text)


def index_problems(library: Library, view: Snapshot, *, extractor: str) -> tuple[str, ...]:
    """What is wrong with the stored index of this view, in sentences; reads all its files."""
    if not view.reduction.input_dim:
        return ()
    rows = library.feature_rows(extractor)
    _, problems = open_best(
        index_folder(library, extractor, view.reduction),
        identity=identity_of(extractor, view.reduction, rows),
        registered=registered_generations(library, extractor, view.reduction),
    )
    missing = {row.ordinal for row in rows} - view.ordinals
    return (*problems, f"{len(missing)} videos are not in the index.") if missing else problems


def loaded_blocks(
    library: Library, rows: Iterable[FeatureRow], *, extractor: str, reduction: Reduction
) -> list[Block]:
    """Reduced vectors from the blobs; damaged blobs are quarantined, with a notice."""
    blocks: list[Block] = []
    full: list[tuple[int, Array, Array]] = []

    def reduce_full() -> None:
        # One product for many videos: BLAS threads that wait for a busy core cost more than the
        # product of a short video does.
        if not full:
            return
        ends = np.cumsum([len(ids) for _, ids, _ in full])[:-1]
        parts = np.split(reduction(np.concatenate([vectors for *_, vectors in full])), ends)
        blocks.extend(
            Block(ordinal, ids, part) for (ordinal, ids, _), part in zip(full, parts, strict=True)
        )
        full.clear()

    for row in rows:
        try:
            features = library.features(row.video_id, extractor=extractor)
        except NotFound:  # removed meanwhile
            continue
        except (StoreDamaged, StoreMismatch) as error:
            if library.read_only:
                library.add_notice(str(error))
            else:
                library.quarantine_features(row.video_id, extractor=extractor, reason=str(error))
            continue
        full.append((row.ordinal, *frames_with_signal(row.ordinal, features.frame_vectors)))
        if sum(len(ids) for _, ids, _ in full) >= _FRAMES_AT_ONCE:
            reduce_full()
    reduce_full()
    return blocks


def frames_with_signal(ordinal: int, vectors: Array) -> tuple[Array, Array]:
    """Ids and vectors of the frames that show something.

    Blank frames have zero vectors: in the index they would only match each other, and thousands of
    equal points break the graph's connections.
    """
    shown = vectors.any(1)
    return frame_ids(ordinal, len(vectors))[shown], vectors[shown]
