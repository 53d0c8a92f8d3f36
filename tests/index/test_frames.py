"""The frame space: complete and exact in its distances, whatever happens to its files."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.index_contract import check_tag_filter
from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    FRAMES,
    MANIFEST,
    REGIONS,
    build_folder,
    content_id,
    fake_info,
    fake_video_features,
    found_videos,
    open_space,
    plain_nearest,
    put,
    small_settings,
)
from visil_dash.errors import NotFound, StoreError
from visil_dash.index import frames as frames_module
from visil_dash.index import generations
from visil_dash.index.frames import FrameSpace, open_frame_space
from visil_dash.index.hnsw import HnswIndex
from visil_dash.index.ids import frame_ids, split_ids
from visil_dash.index.snapshot import Snapshot
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.store import Library, open_library
from visil_dash.records import Array, VideoFeatures

ROOT = Path(__file__).resolve().parents[2]
CONTENTS = [b"clip %d" % i for i in range(6)]


@pytest.fixture
def library(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        yield opened


@pytest.mark.parametrize("graph_from", [65_536, 1], ids=["exact", "graph"])
def test_candidates_among_tagged_videos_are_those_of_all_less_the_others(
    library: Library, monkeypatch: pytest.MonkeyPatch, graph_from: int
) -> None:
    monkeypatch.setattr("visil_dash.index.snapshot.GRAPH_FRAMES", graph_from)
    monkeypatch.setattr("visil_dash.index.snapshot.EXACT_SHARE", 1.0)
    for content in CONTENTS:
        put(library, content, f"{content.decode()}.mp4")
    space = open_space(library)
    space.rebuild(background=False)
    check_tag_filter(library, space.view(), thresholds=(0.3, 1.5, 9.0))
    space.close()


def queries_of(space: FrameSpace | Snapshot, count: int = 30) -> Array:
    """Vectors near the library's frames, as an edited copy's would be."""
    random = np.random.default_rng(3)
    # Of one view, so that a build that ends meanwhile cannot put another space in its place.
    vectors = (space.view() if isinstance(space, FrameSpace) else space).vectors
    near = vectors[random.integers(0, len(vectors), count)]
    return near + 0.1 * random.normal(size=near.shape).astype(np.float32)


def directions(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def check_complete(space: FrameSpace, library: Library) -> None:
    """Every stored video is findable, nothing else is, and distances are exact."""
    rows = library.feature_rows(EXTRACTOR)
    view = space.view()
    assert view.ordinals == {row.ordinal for row in rows}
    assert len(space) == sum(row.frames for row in rows)
    for row in rows:
        assert set(found_videos(space, row.video_id)) == {row.ordinal}
    if rows:
        queries = queries_of(view)
        ids, distances = view.search(queries, 10)
        truth = plain_nearest(view.vectors, queries, 10)
        np.testing.assert_allclose(distances, truth, rtol=1e-3, atol=1e-5)
        gaps = view.vectors_of(ids.ravel()).reshape(*ids.shape, -1) - queries[:, None]
        np.testing.assert_allclose(distances, (gaps**2).sum(-1), rtol=1e-3, atol=1e-5)


# -- ids ------------------------------------------------------------------------------------


@given(ordinal=st.integers(0, 2**40), count=st.integers(0, 300))
def test_frame_ids_split_into_what_they_were_made_of(ordinal: int, count: int) -> None:
    ordinals, frames = split_ids(frame_ids(ordinal, count))
    assert ordinals.tolist() == [ordinal] * count
    assert frames.tolist() == list(range(count))


def test_frame_ids_that_would_run_into_the_next_video_are_refused() -> None:
    assert len(frame_ids(1, 2**20)) == 2**20
    for ordinal, count in ((1, 2**20 + 1), (-1, 3), (2**42, 3)):
        with pytest.raises(ValueError, match="frame ids"):
            frame_ids(ordinal, count)


# -- life -----------------------------------------------------------------------------------


def test_an_empty_space_answers_with_nothing(library: Library) -> None:
    space = open_space(library)
    assert space.status().state == "empty"
    assert space.search(np.ones((3, 48), np.float32), 5)[0].shape == (3, 0)
    assert space.reduction(np.ones((3, 48))).shape == (3, 48)
    space.rebuild(background=False)
    assert space.status().generation == 0


@pytest.mark.parametrize("reduction", ["full", "pca16"])
def test_videos_are_findable_at_once_before_and_after_builds(
    library: Library, reduction: str
) -> None:
    space = open_space(library, reduction=reduction)
    for i, content in enumerate(CONTENTS):
        record = put(library, content, f"{i}.mp4")
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
        check_complete(space, library)
        if i % 2:
            space.rebuild(background=False)
            check_complete(space, library)
    gone = library.video("0.mp4")
    space.remove_video(gone.ordinal)
    library.remove(gone.video_id)
    check_complete(space, library)
    assert gone.ordinal not in found_videos(space, gone.video_id)
    space.rebuild(background=False)
    check_complete(space, library)
    status = space.status()
    assert (status.state, status.frames, status.removed_frames) == ("ready", 5 * FRAMES, 0)
    assert status.reduction.startswith(reduction)


def test_the_reduction_is_fitted_once_there_are_two_frames_a_dimension(library: Library) -> None:
    space = open_space(library, reduction="pca40")
    for i, content in enumerate(CONTENTS[:2]):
        record = put(library, content, f"{i}.mp4")
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
        space.wait()
        assert space.status().dim == (REGIONS * DIM if i == 0 else 40)
    first = space.status().reduction
    space.rebuild(background=False)
    assert space.status().reduction == first
    put(library, CONTENTS[2], "2.mp4")
    space.sync()
    space.rebuild(background=False, refit=True)
    assert space.status().reduction != first
    check_complete(space, library)
    with pytest.raises(ValueError, match="expected full or pca<dims>"):
        open_space(library, reduction="umap")


def test_adding_the_same_video_again_changes_nothing(library: Library) -> None:
    space = open_space(library)
    record = put(library, b"one", "a.mp4")
    for _ in range(3):
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
    space.wait()
    version = space.version
    space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
    assert space.version == version
    assert len(space) == FRAMES


def test_changes_during_a_build_are_carried_over(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = open_space(library)
    records = [put(library, content, f"{i}.mp4") for i, content in enumerate(CONTENTS[:4])]
    space.sync()
    space.rebuild(background=False)
    publish = generations.publish
    late: list[int] = []

    def meanwhile(*args: object, **options: object) -> object:
        if not late:
            late.append(1)
            space.remove_video(records[0].ordinal)
            library.remove(records[0].video_id)
            added = put(library, CONTENTS[5], "5.mp4")
            space.add_video(added.ordinal, fake_video_features(added.video_id).frame_vectors)
            again = fake_video_features(records[1].video_id).frame_vectors
            space.add_video(records[1].ordinal, again[:7])  # replaced by other features
            space.add_video(records[1].ordinal, again)
        return publish(*args, **options)

    monkeypatch.setattr("visil_dash.index.build.publish", meanwhile)
    space.rebuild(background=False, refit=True)
    assert late
    check_complete(space, library)
    assert space.status().tail_frames == 2 * FRAMES
    space.rebuild(background=False)
    check_complete(space, library)
    assert space.status().tail_frames == 0


def test_a_blob_that_breaks_during_a_refit_costs_only_its_video(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = open_space(library)
    for i, content in enumerate(CONTENTS[:4]):
        put(library, content, f"{i}.mp4")
    space.sync()
    space.rebuild(background=False)
    publish = generations.publish

    def meanwhile(*args: object, **options: object) -> object:
        for content in CONTENTS[4:]:
            added = put(library, content, "late.mp4")
            space.add_video(added.ordinal, fake_video_features(added.video_id).frame_vectors)
        next(library.folder.glob(f"features/*/{added.video_id}.safetensors")).write_bytes(b"x")
        return publish(*args, **options)

    monkeypatch.setattr("visil_dash.index.build.publish", meanwhile)
    space.rebuild(background=False, refit=True)
    assert "Features set aside" in library.notice
    assert space.view().ordinals == {1, 2, 3, 4, 5}
    check_complete(space, library)


def test_rebuilds_from_many_threads_run_one_after_the_other(library: Library) -> None:
    for i, content in enumerate(CONTENTS[:3]):
        put(library, content, f"{i}.mp4")
    space = open_space(library, reduction="full")
    threads = [
        threading.Thread(target=space.rebuild, kwargs={"background": background})
        for background in (False, True, False, False)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert space.wait(30)
    assert 3 <= space.status().generation <= 4
    check_complete(space, library)


def test_blank_frames_are_not_searched(library: Library) -> None:
    staged = library.stage("a.mp4")
    staged.write_bytes(b"fade")
    record = library.put_video(staged, name="a.mp4", info=fake_info())
    features = fake_video_features(record.video_id)
    regions = features.regions.copy()
    regions[3:9] = 0
    library.put_features(
        VideoFeatures(record.video_id, EXTRACTOR, regions, features.timestamps), MANIFEST
    )
    space = open_space(library, reduction="full")
    shown = [*range(3), *range(9, FRAMES)]
    for _ in range(2):
        assert split_ids(space.snapshot()[0])[1].tolist() == shown
        space.rebuild(background=False)


def test_a_tail_that_outgrows_its_share_is_merged_by_itself(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_module, "TAIL_FRAMES", 2 * FRAMES)
    monkeypatch.setattr(frames_module, "FIRST_BUILD_FRAMES", 2 * FRAMES)
    space = open_space(library, reduction="full")
    tails = []
    for i, content in enumerate(CONTENTS):
        record = put(library, content, f"{i}.mp4")
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
        space.wait()
        tails.append(space.status().tail_frames // FRAMES)
    assert tails == [1, 0, 1, 2, 0, 1]
    assert len(list(library.folder.glob("index/*/full-unit/gen-*"))) == 2
    space.remove_video(1)
    space.remove_video(2)
    space.wait()
    assert space.status().removed_frames == 0
    assert len(space) == 4 * FRAMES


def test_removed_videos_do_not_crowd_out_the_living(library: Library) -> None:
    """All nearest neighbours of the query belong to removed videos."""
    space = open_space(library, reduction="full")
    base = fake_video_features(content_id(b"base")).frame_vectors
    for ordinal in range(1, 9):
        space.add_video(ordinal, base + np.float32(0.01 * ordinal))
    space.add_video(9, -base)
    space.rebuild(background=False)
    for ordinal in range(1, 9):
        space.remove_video(ordinal)
    ids, distances = space.search(directions(base[:4]), 3)
    assert (split_ids(ids)[0] == 9).all()
    truth = plain_nearest(directions(-base), directions(base[:4]), 3)
    np.testing.assert_allclose(distances, truth, rtol=1e-2)
    with pytest.raises(NotFound):
        space.vectors_of(frame_ids(1, 1))


def test_queries_that_are_not_finite_or_of_another_space_are_refused(library: Library) -> None:
    put(library, b"one", "a.mp4")
    space = open_space(library)
    space.wait()
    with pytest.raises(ValueError, match="not finite"):
        space.search(np.full((1, 16), np.nan, np.float32), 1)
    with pytest.raises(ValueError, match=r"expected \[N, 16\]"):
        space.search(np.ones((1, 48), np.float32), 1)


def test_another_extractor_is_another_space(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    other = FeatureManifest(extractor="fake-2", weights_sha256="d0" * 32, regions=REGIONS, dim=DIM)
    library.put_features(fake_video_features(record.video_id, frames=5, extractor="fake-2"), other)
    space = open_frame_space(library, extractor="fake-2", reduction="full")
    assert len(space) == 5
    assert len(open_space(library)) == FRAMES


class _Model:
    """Any sequence of adding, removing, rebuilding and reopening against a dict of vectors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[int, Array] = {}
        self.open()

    def open(self) -> None:
        self.library = open_library(self.folder, settings=small_settings())
        self.space = open_space(self.library, reduction="full")

    def step(self, what: str, number: int) -> None:
        content = b"clip %d" % (number % 6)
        if what == "add":
            record = put(self.library, content, f"{number}.mp4")
            vectors = fake_video_features(record.video_id).frame_vectors
            self.space.add_video(record.ordinal, vectors)
            self.held[record.ordinal] = vectors
        elif what == "remove" and self.held:
            ordinal = sorted(self.held)[number % len(self.held)]
            self.space.remove_video(ordinal)
            [record] = [v for v in self.library.videos() if v.ordinal == ordinal]
            self.library.remove(record.video_id)
            del self.held[ordinal]
        elif what == "rebuild":
            self.space.rebuild(background=False)
        elif what == "reopen":
            self.library.close()
            self.open()

    def check(self) -> None:
        assert self.space.view().ordinals == set(self.held)
        vectors = np.concatenate([*self.held.values(), np.empty((0, REGIONS * DIM), np.float32)])
        queries = fake_video_features(content_id(b"clip 2")).frame_vectors[::13] + np.float32(0.01)
        truth = plain_nearest(directions(vectors), queries, 5)
        for search in (self.space.search, self.space.exact_search):
            np.testing.assert_allclose(search(queries, 5)[1], truth, rtol=1e-3, atol=1e-5)
        every = plain_nearest(directions(vectors), queries, len(vectors))
        for least in (0, 10**9):  # with the graph and without
            with patch("visil_dash.index.snapshot.GRAPH_FRAMES", least):
                near = self.space.view().within(queries, 1.5, passed_over=lambda ids: ids < 0)
            hits = every <= 1.5
            assert near.hits.sum() == hits.sum()
            assert set(near.ordinals) <= set(self.held)
            if hits.any():
                np.testing.assert_allclose(near.nearest.min(), every.min(), rtol=1e-3, atol=1e-5)
                assert near.query_frames.max() <= hits.any(1).sum() <= near.query_frames.sum()


@hypothesis_settings(max_examples=8)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "remove", "rebuild", "reopen"]), st.integers(0, 50)
        ),
        min_size=3,
        max_size=9,
    )
)
def test_any_sequence_of_changes_is_answered_as_plain_loops_do(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    model = _Model(tmp_path_factory.mktemp("space") / "library")
    try:
        for what, number in steps:
            model.step(what, number)
            model.check()
    finally:
        model.library.close()


# -- the index is a cache (R6) --------------------------------------------------------------


def delete_all(index: Path) -> None:
    shutil.rmtree(index)


def delete_graphs(index: Path) -> None:
    for graph in index.rglob("gen-*/index.bin"):
        graph.unlink()


def delete_pointer(index: Path) -> None:
    for pointer in index.rglob("CURRENT"):
        pointer.unlink()


def edit_manifest(index: Path, **changes: object) -> None:
    for path in index.rglob("manifest.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def wrong_dim(index: Path) -> None:
    edit_manifest(index, dim=8)


def wrong_model(index: Path) -> None:
    edit_manifest(index, extractor="another-model")


def foreign_graph(index: Path) -> None:
    """A sound graph of other vectors and another dimension: hnswlib would load it."""
    other = HnswIndex(DIM // 2)
    other.add(np.ones((6 * FRAMES, DIM // 2), np.float32), np.arange(6 * FRAMES))
    for path in index.rglob("index.bin"):
        other.save(path)


HARMS: list[Callable[[Path], None]] = [
    delete_all,
    delete_graphs,
    delete_pointer,
    wrong_dim,
    wrong_model,
    foreign_graph,
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "library"
    build_folder(folder, CONTENTS)
    return folder


@pytest.mark.parametrize("harm", HARMS, ids=lambda f: f.__name__)
def test_a_damaged_index_is_reported_searched_exactly_and_rebuilt(
    template: Path, tmp_path: Path, harm: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    harm(folder / "index")
    with open_library(folder, settings=small_settings()) as library:
        with monkeypatch.context() as patch:
            patch.setattr(FrameSpace, "rebuild", lambda *_, **__: None)
            degraded = open_space(library)
            assert degraded.status().state == "degraded"
            assert "Searching goes on" in degraded.status().notice
            check_complete(degraded, library)
            queries = queries_of(degraded, 200)
            before = degraded.exact_search(queries, 10)[0]
            degraded.close()
        space = open_space(library)
        assert space.wait(30)
        status = space.status()
        assert (status.state, status.notice, status.tail_frames) == ("ready", "", 0)
        assert space.verify() == ()
        check_complete(space, library)
        after = space.search(queries, 10)[0]
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(after, before, strict=True)])
        assert recall >= 0.99


def test_the_generation_before_steps_in_for_a_damaged_one(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    with open_library(folder, settings=small_settings(), read_only=True) as viewer:
        newest = open_space(viewer).view().generation
        assert newest is not None
        (newest.folder / "index.bin").write_bytes(b"damaged")
        space = open_space(viewer)
        before = space.view().generation
        assert before is not None
        assert before.number == newest.number - 1
        assert before.index is not None
        assert "index.bin" in space.status().notice
        check_complete(space, viewer)


def test_a_stale_generation_is_completed_from_the_blobs(template: Path, tmp_path: Path) -> None:
    """An index folder of yesterday under today's catalogue, rows and all."""
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    with open_library(folder, settings=small_settings()) as library:
        library.remove(content_id(CONTENTS[0]))
        put(library, b"new", "new.mp4")
        blob = next(library.folder.glob(f"features/*/{content_id(CONTENTS[1])}.safetensors"))
        blob.write_bytes(b"damaged")
        features = fake_video_features(content_id(CONTENTS[1]))
        half = VideoFeatures(
            features.video_id, EXTRACTOR, features.regions[:20], features.timestamps[:20]
        )
        library.put_features(half, MANIFEST)
    with open_library(folder, settings=small_settings()) as library:
        space = open_space(library)
        space.wait()
        check_complete(space, library)
        assert len(space) == 5 * FRAMES + 20


def test_a_failed_build_is_reported_and_keeps_the_old_generation(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)

    def short(self: HnswIndex, path: Path) -> None:
        path.write_bytes(b"half")
        raise StoreError(f"{path}: the index was not saved whole (4 of 8 bytes).")

    with open_library(folder, settings=small_settings()) as library:
        space = open_space(library)
        assert space.status().generation == 2 or space.wait()
        number = space.status().generation
        monkeypatch.setattr(HnswIndex, "save", short)
        with pytest.raises(StoreError, match="not saved whole"):
            space.rebuild(background=False)
        space.rebuild(background=True)
        assert space.wait(30)
        assert "last rebuild of the index failed" in space.status().notice
        assert space.status().generation == number
        check_complete(space, library)
    with open_library(folder, settings=small_settings()) as library:
        assert open_space(library).status().generation == number


def test_closing_stops_a_build_that_leaves_nothing(library: Library) -> None:
    for i, content in enumerate(CONTENTS):
        put(library, content, f"{i}.mp4")
    space = open_space(library, reduction="full")
    space.rebuild(background=False)
    began, closing = threading.Event(), threading.Event()
    add = HnswIndex.add

    def slow(self: HnswIndex, vectors: Array, ids: Array) -> None:
        began.set()
        assert closing.wait(10)
        add(self, vectors, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HnswIndex, "add", slow)
        patch.setattr("visil_dash.index.build.FRAMES_ADDED_AT_ONCE", 10)
        space.rebuild(background=True)
        assert began.wait(10)
        assert space.status().state == "rebuilding"
        threading.Timer(0.3, closing.set).start()  # when close() has asked the build to stop
        space.close()
    assert space.status().generation == 1
    assert [p.name for p in library.folder.glob("index/*/full-unit/*gen*")] == ["gen-000001"]


def test_a_viewer_uses_a_sound_index_and_builds_none(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    with open_library(folder, settings=small_settings(), read_only=True) as viewer:
        space = open_space(viewer)
        assert space.view().generation is not None
        check_complete(space, viewer)
    shutil.rmtree(folder / "index")
    with open_library(folder, settings=small_settings(), read_only=True) as viewer:
        space = open_space(viewer)
        assert space.status().state == "degraded"
        assert space.status().notice
        check_complete(space, viewer)
    assert not (folder / "index").exists()


# -- reads during swaps (R17) ---------------------------------------------------------------


def read_during_swaps(space: FrameSpace, library: Library, *, swaps: int) -> list[str]:
    """Searches from two threads while the space is changed and rebuilt; returns what was wrong.

    Video 1 stays all the time and must always be found. Others come and go; whatever is returned
    must have been committed.
    """
    wrong: list[str] = []
    ever = set(space.view().ordinals)
    always = library.videos()[0]
    own = fake_video_features(always.video_id).frame_vectors
    done = threading.Event()
    counts = [0, 0]

    def read(reader: int) -> None:
        while not done.is_set():
            view = space.view()
            ids, distances = view.search(view.reduction(own), 3)
            ordinals = split_ids(ids)[0]
            if set(ordinals[:, 0].tolist()) != {always.ordinal} or distances[:, 0].max() > 1e-3:
                wrong.append("an indexed video vanished")
            if not set(ordinals.ravel().tolist()) <= ever:
                wrong.append("a result was never committed")
            counts[reader] += 1

    threads = [threading.Thread(target=read, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for swap in range(swaps):
        content = b"comes and goes %d" % (swap // 2)
        if swap % 2 == 0:
            staged = library.stage("x")
            staged.write_bytes(content)
            record = library.put_video(staged, name="x", info=fake_info())
            ever.add(record.ordinal)
            library.put_features(fake_video_features(record.video_id), MANIFEST)
            space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
        else:
            record = library.video(content_id(content))
            space.remove_video(record.ordinal)
            library.remove(record.video_id)
        before = list(counts)
        space.rebuild(background=False)
        while min(c - b for c, b in zip(counts, before, strict=True)) < 1:
            time.sleep(0.001)
    done.set()
    for thread in threads:
        thread.join()
    return wrong


def test_searches_during_20_generation_swaps_miss_nothing(library: Library) -> None:
    for i, content in enumerate(CONTENTS[:4]):
        put(library, content, f"{i}.mp4")
    space = open_space(library)
    space.wait()
    assert read_during_swaps(space, library, swaps=20) == []


NAIVE = """
import sys, threading
import hnswlib, numpy as np

# One graph that is searched while it grows: what FrameSpace does not do.
random = np.random.default_rng(0)
first = random.normal(size=(2000, 32)).astype("f4")
index = hnswlib.Index(space="l2", dim=32)
index.init_index(max_elements=2000, M=16, ef_construction=60)
index.add_items(first, np.arange(2000))
index.set_ef(64)

def read():
    while True:
        labels, _ = index.knn_query(first[:200], k=3)
        if (labels[:, 0] != np.arange(200)).any():
            print("an indexed video vanished", flush=True)

for _ in range(2):
    threading.Thread(target=read, daemon=True).start()
for swap in range(1, 400):
    index.resize_index(2000 + 50 * swap)
    new = random.normal(size=(50, 32)).astype("f4")
    index.add_items(new, 2000 + 50 * (swap - 1) + np.arange(50))
print("survived", flush=True)
import os
os._exit(0)
"""


def test_the_naive_control_one_graph_changed_in_place_fails() -> None:
    """Otherwise the test above would prove nothing."""
    for _ in range(5):
        run = subprocess.run(
            [sys.executable, "-c", NAIVE], capture_output=True, text=True, timeout=120, check=False
        )
        if run.returncode != 0 or "vanished" in run.stdout:
            return
    pytest.fail("hnswlib took adding, resizing and searching at once five times")
