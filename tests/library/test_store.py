"""What the library promises in ordinary life: content-addressed, one writer, versions."""

import os
import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.library_contract import LibraryContract
from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    REGIONS,
    FakePipeline,
    build_folder,
    content_id,
    fake_info,
    fake_video_features,
    old_library,
    open_space,
    put,
    small_settings,
    violations,
)
from visil_dash.errors import (
    InputError,
    StoreError,
    StoreMismatch,
)
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
)
from visil_dash.library.jobs import Worker
from visil_dash.library.rows import clean_name
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.store import Library, open_library
from visil_dash.records import JobState, VideoFeatures


class TestTheContractWithItsCatalogueInAFile(LibraryContract):
    """Most of what a library promises."""


@pytest.fixture
def library(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        yield opened


# -- videos and features --------------------------------------------------------------------


def test_features_come_back_in_half_precision_as_float32(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    truth = fake_video_features(record.video_id)
    stored = library.features(record.video_id, extractor=EXTRACTOR)
    assert stored.regions.dtype == np.float32
    np.testing.assert_array_equal(stored.regions, truth.regions.astype(np.float32))
    np.testing.assert_array_equal(stored.timestamps, truth.timestamps)
    assert library.features_ids(EXTRACTOR) == (record.video_id,)
    assert library.has_features(record.video_id, extractor=EXTRACTOR)


def test_the_control_videos_that_are_known_by_their_names_would_be_two(library: Library) -> None:
    for name in ("first.mp4", "second.mp4"):
        staged = library.stage(name)
        staged.write_bytes(b"the same bytes")
        library.put_video(staged, name=name, info=fake_info(), video_id=content_id(name.encode()))
    assert len(library.videos()) == 2


def test_features_of_other_weights_under_the_same_extractor_are_refused(library: Library) -> None:
    put(library, b"one", "a.mp4")
    staged = library.stage("b.mp4")
    staged.write_bytes(b"two")
    record = library.put_video(staged, name="b.mp4", info=fake_info())
    other = FeatureManifest(extractor=EXTRACTOR, weights_sha256="d0" * 32, regions=REGIONS, dim=DIM)
    with pytest.raises(StoreMismatch, match="weights c0c0c0c0"):
        library.put_features(fake_video_features(record.video_id), other)
    assert not library.has_features(record.video_id, extractor=EXTRACTOR)


def test_features_that_half_precision_cannot_hold_are_refused(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    huge = VideoFeatures(
        record.video_id,
        "fake-2",
        np.full((2, REGIONS, DIM), 1e6, np.float32),
        np.arange(2.0),
    )
    manifest = FeatureManifest(extractor="fake-2", weights_sha256="e0", regions=REGIONS, dim=DIM)
    with pytest.raises(InputError, match="half precision"):
        library.put_features(huge, manifest)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.mp4", "y.mp4"),
        ("a\nb\x00c\u202egpj.mp4", "abcgpj.mp4"),
        ("   ", "unnamed"),
        ("ä" * 300, "ä" * 200),
        ("<b>=1+1</b>.mp4", "b>.mp4"),
        (os.fsdecode(b"caf\xe9.mp4"), "caf%E9.mp4"),
    ],
)
def test_names_are_text_without_folders_or_control_characters(given: str, shown: str) -> None:
    assert clean_name(given) == shown


def test_no_name_becomes_a_path(library: Library, tmp_path: Path) -> None:
    before = {p for p in tmp_path.rglob("*") if "library" not in p.parts}
    record = put(library, b"one", "../../../../outside.mp4")
    assert record.name == "outside.mp4"
    assert {p for p in tmp_path.rglob("*") if "library" not in p.parts} == before
    with pytest.raises(ValueError, match="asset"):
        library.asset(record.video_id, "../original")
    bad = FeatureManifest(extractor="../../x", weights_sha256="a", regions=REGIONS, dim=DIM)
    with pytest.raises(ValueError, match="id:"):
        library.put_features(fake_video_features(record.video_id, extractor="../../x"), bad)


# -- disk -----------------------------------------------------------------------------------


def test_a_folder_of_something_else_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="not a library"):
        open_library(tmp_path, settings=small_settings())
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["incoming", "mine.txt"]


def test_a_folder_that_cannot_be_written_is_shown_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])

    def refuse(_self: WriterLock) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(WriterLock, "acquire", refuse)
    with open_library(folder, settings=small_settings()) as library:
        assert library.read_only
        assert "cannot be written (Permission denied)" in library.notice
        assert len(library.videos()) == 1
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is not a folder"):
        open_library(tmp_path / "file" / "library", settings=small_settings())


# -- one writer (R18) -----------------------------------------------------------------------


def test_a_lock_that_is_a_link_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "writer.lock").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        WriterLock(tmp_path / "writer.lock").acquire()
    assert target.read_text() == "precious"


# -- versions and copies (R8) ---------------------------------------------------------------


def test_the_file_of_an_older_catalogue_is_kept_aside(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    old_library(folder)
    open_library(folder, settings=small_settings()).close()
    kept = sqlite3.connect(folder / f"{CATALOGUE_NAME}.schema1.backup")
    assert kept.execute("SELECT max(version) FROM migrations").fetchone() == (1,)
    kept.close()


@pytest.mark.parametrize("catalogue", ["first", "last"])
def test_a_copy_taken_during_ingest_opens_and_holds_what_was_indexed(
    tmp_path: Path, catalogue: str
) -> None:
    folder, copy = tmp_path / "library", tmp_path / "copy"
    files = []
    for i in range(12):
        files.append(tmp_path / f"{i}.mp4")
        files[-1].write_bytes(b"clip %d" % i)

    def copied(*, of_catalogue: bool) -> None:
        for entry in folder.iterdir():
            if entry.name.startswith(CATALOGUE_NAME) is not of_catalogue:
                continue
            if entry.is_dir():
                faults: list[str] = []
                try:
                    shutil.copytree(entry, copy / entry.name)
                except shutil.Error as error:  # raised after all else is copied
                    faults = [why for _, _, why in error.args[0] if "No such file" not in why]
                assert faults == []  # what moved on meanwhile is none
            else:
                shutil.copy2(entry, copy)

    with open_library(folder, settings=small_settings()) as library:
        worker = Worker(
            library, FakePipeline(library, open_space(library)), settings=library.settings
        )
        worker.start()

        def indexed() -> list[tuple[str, str]]:
            done = (job for job in worker.jobs() if job.state is JobState.INDEXED)
            return [("indexed", str(job.video_id)) for job in done]

        for file in files[:4]:
            worker.enqueue(file, name=file.name)
        assert worker.wait_idle(30)
        before = indexed()
        for file in files[4:8]:
            worker.enqueue(file, name=file.name)
        copy.mkdir()
        copied(of_catalogue=catalogue == "first")
        for file in files[8:]:
            worker.enqueue(file, name=file.name)
        while len(indexed()) < 9:
            time.sleep(0.005)
        copied(of_catalogue=catalogue == "last")
        assert worker.wait_idle(30)
    # A catalogue copied last knows videos whose files came too late: that is reported.
    # Whatever was whole when the copy began is whole in it.
    wrong = [v for v in violations(copy, before) if not v.startswith("notice")]
    assert [v for v in wrong if any(video_id in v for _, video_id in before)] == []
    if catalogue == "first":
        assert wrong == []
    else:
        assert any(v.endswith("the media file is gone") for v in wrong)
    with open_library(copy, settings=small_settings()) as library:
        worker = Worker(
            library, FakePipeline(library, open_space(library)), settings=library.settings
        )
        worker.start()
        assert worker.wait_idle(30)
        known = {v.name for v in library.videos()}
        queued = {job.name for job in worker.jobs()}
        assert queued <= known


# -- rows -----------------------------------------------------------------------------------
