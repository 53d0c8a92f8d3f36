"""Libraries from before frame vectors had unit length: rebuilt, and their thresholds kept."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.support.fakes import fake_model
from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    REGIONS,
    open_space,
    put,
    small_settings,
)
from visil_dash.index.build import build_generation
from visil_dash.index.fitted import stored_reduction
from visil_dash.index.frames import open_frame_space
from visil_dash.index.ids import frame_ids, split_ids
from visil_dash.index.plan import IndexPlan, keep_plan
from visil_dash.library import tables
from visil_dash.library.catalogue import put_row
from visil_dash.library.store import Library, open_library
from visil_dash.progress import UNWATCHED
from visil_dash.records import Array
from visil_dash.reduction.pca import Reduction, fit_pca
from visil_dash.workbench.bench import THRESHOLD_SETTING, Workbench
from visil_dash.workbench.thresholds import history

METHOD = "pca12"
OLD_ID = "pca12-00000001"


class _Never:
    def is_set(self) -> bool:
        return UNWATCHED.stopped()


def full_vectors(library: Library) -> tuple[Array, Array]:
    """Frame ids and frame vectors as they are, of all videos."""
    rows = library.feature_rows(EXTRACTOR)
    vectors = [library.features(r.video_id, extractor=EXTRACTOR).frame_vectors for r in rows]
    ids = [frame_ids(r.ordinal, len(v)) for r, v in zip(rows, vectors, strict=True)]
    return np.concatenate(ids), np.concatenate(vectors)


def former_library(folder: Path, *, admits: float | None) -> tuple[Array, float]:
    """A library as it was left: a reduction of format 1 and a published index of its vectors.

    `admits`: the share of pairs of frames that a saved threshold admits; None: none is saved.
    Returns what that index held, and the threshold.
    """
    with open_library(folder, settings=small_settings()) as library:
        keep_plan(library, EXTRACTOR, IndexPlan(METHOD))
        for number in range(4):
            put(library, b"clip %d" % number, f"{number}.mp4")
        ids, vectors = full_vectors(library)
        fitted = fit_pca(vectors, 12)
        old = Reduction(
            OLD_ID, METHOD, fitted.input_dim, 12, fitted.mean, fitted.matrix, unit=False
        )
        assert old.mean is not None
        assert old.matrix is not None
        meta = {"format": 1, "extractor": EXTRACTOR, "reduction_id": OLD_ID, "method": METHOD}
        data = save({"mean": old.mean, "matrix": old.matrix}, {"visil_dash": json.dumps(meta)})
        path = folder / "reductions" / EXTRACTOR / f"{OLD_ID}.safetensors"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        with library.catalogue.write() as connection:
            row = {
                "extractor": EXTRACTOR,
                "reduction_id": OLD_ID,
                "method": METHOD,
                "sha256": hashlib.sha256(data).hexdigest(),
                "input_dim": old.input_dim,
                "dim": 12,
                "added": "2026-01-01T00:00:00+00:00",
            }
            put_row(connection, tables.reductions, row)
        rows = library.feature_rows(EXTRACTOR)
        held = old(vectors)
        build_generation(
            library,
            extractor=EXTRACTOR,
            reduction=old,
            rows=rows,
            ids=ids,
            vectors=held,
            ordinals=frozenset(row.ordinal for row in rows),
            stop=_Never(),
        )
        owners, _ = split_ids(ids)
        apart = ((held[:, None] - held[None]) ** 2).sum(-1)
        threshold = float(np.quantile(apart[owners[:, None] != owners], admits or 0.0))
        if admits is not None:
            library.set_setting(f"{THRESHOLD_SETTING}:{EXTRACTOR}:{OLD_ID}", threshold)
        return held, threshold


def near_pairs(ids: Array, vectors: Array, threshold: float) -> int:
    owners, _ = split_ids(ids)
    apart = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    return int(((apart <= threshold) & (owners[:, None] != owners)).sum())


def test_the_index_is_built_anew_of_unit_vectors_and_the_former_one_goes(tmp_path: Path) -> None:
    former_library(tmp_path, admits=None)
    with open_library(tmp_path, settings=small_settings()) as library:
        space = open_space(library, reduction=METHOD)
        assert space.wait(60)
        view = space.view()
        assert view.reduction.method == METHOD
        assert view.reduction.reduction_id != OLD_ID
        assert view.ordinals == {1, 2, 3, 4}
        np.testing.assert_allclose(np.linalg.norm(view.vectors, axis=1), 1, atol=1e-5)
        assert "unit length" in library.notice
        assert not list((tmp_path / "index" / EXTRACTOR / OLD_ID).glob("gen-*"))
        assert OLD_ID not in {p.stem for p in (tmp_path / "reductions" / EXTRACTOR).iterdir()}
    with open_library(tmp_path, settings=small_settings()) as library:
        again = open_space(library, reduction=METHOD)
        assert again.reduction.reduction_id == view.reduction.reduction_id
        assert "unit length" not in library.notice


@pytest.mark.parametrize("admits", [0.02, 0.2])
def test_a_threshold_saved_there_is_carried_over_and_that_is_reported(
    tmp_path: Path, admits: float
) -> None:
    held, threshold = former_library(tmp_path, admits=admits)
    settings = small_settings()
    model = fake_model(extractor=EXTRACTOR, regions=REGIONS, dim=DIM)
    library = open_library(tmp_path, settings=settings)
    ids, _ = full_vectors(library)
    with Workbench(library, model, settings, start_worker=False) as bench:
        assert bench.space.wait(60)
        view = bench.space.view()
        assert view.reduction.method == METHOD
        carried = bench.threshold()
        assert carried != bench.default_threshold()
        (step,) = history(bench, "distance")
        assert "carried over" in step.why
        assert "was carried over" in library.notice
        before = near_pairs(ids, held, threshold)
        assert before > 20
        assert near_pairs(view.ids, view.vectors, carried) >= 0.9 * before


def test_a_viewer_searches_it_exactly_and_is_asked_to_have_it_opened(tmp_path: Path) -> None:
    former_library(tmp_path, admits=0.2)
    with (
        open_library(tmp_path, settings=small_settings()) as writer,
        open_library(tmp_path, settings=small_settings()) as viewer,
    ):
        assert viewer.read_only
        space = open_frame_space(viewer, extractor=EXTRACTOR)
        assert space.view().ordinals == {1, 2, 3, 4}
        np.testing.assert_allclose(np.linalg.norm(space.snapshot()[1], axis=1), 1, atol=1e-5)
        assert "opens it for writing" in viewer.notice
        assert not writer.read_only


def test_a_former_reduction_is_never_used_for_searching(tmp_path: Path) -> None:
    former_library(tmp_path, admits=None)
    with open_library(tmp_path, settings=small_settings()) as library:
        found, problem = stored_reduction(
            library, extractor=EXTRACTOR, method=METHOD, input_dim=REGIONS * DIM
        )
        assert found is None
        assert problem == ""
