"""What the library promises in ordinary life: content-addressed, one writer, versions."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    FRAMES,
    MANIFEST,
    REGIONS,
    FakePipeline,
    build_folder,
    content_id,
    fake_info,
    fake_video_features,
    found_videos,
    old_library,
    open_space,
    put,
    small_settings,
    violations,
)
from visil_dash.errors import (
    InputError,
    NotFound,
    StoreDamaged,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.library import tables
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    checked_rows,
    next_count,
)
from visil_dash.library.jobs import Worker
from visil_dash.library.rows import clean_name
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.store import Library, open_library
from visil_dash.records import JobState, VideoFeatures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def library(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        yield opened


# -- videos and features --------------------------------------------------------------------


def test_a_video_comes_back_as_it_was_put(library: Library) -> None:
    record = put(library, b"one", "holiday.mp4")
    assert record.video_id == content_id(b"one")
    assert (record.name, record.bytes, record.frames, record.ordinal) == (
        "holiday.mp4",
        3,
        FRAMES,
        1,
    )
    assert record.info == fake_info()
    assert library.media_path(record.video_id).read_bytes() == b"one"
    assert library.videos() == (record,)
    assert not list(library.folder.glob("incoming/*"))


def test_features_come_back_in_half_precision_as_float32(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    truth = fake_video_features(record.video_id)
    stored = library.features(record.video_id, extractor=EXTRACTOR)
    assert stored.regions.dtype == np.float32
    np.testing.assert_array_equal(stored.regions, truth.regions.astype(np.float32))
    np.testing.assert_array_equal(stored.timestamps, truth.timestamps)
    assert library.features_ids(EXTRACTOR) == (record.video_id,)
    assert library.has_features(record.video_id, extractor=EXTRACTOR)


def test_the_same_bytes_twice_are_one_video_with_two_names(library: Library) -> None:
    first = put(library, b"one", "a.mp4")
    again = put(library, b"one", "b.mp4")
    third = put(library, b"one", "a.mp4")
    assert (again.video_id, again.ordinal, again.name) == (first.video_id, first.ordinal, "a.mp4")
    assert third.other_names == ("b.mp4",)
    assert len(library.videos()) == 1
    assert library.video("b.mp4").video_id == first.video_id


def test_the_control_videos_that_are_known_by_their_names_would_be_two(library: Library) -> None:
    for name in ("first.mp4", "second.mp4"):
        staged = library.stage(name)
        staged.write_bytes(b"the same bytes")
        library.put_video(staged, name=name, info=fake_info(), video_id=content_id(name.encode()))
    assert len(library.videos()) == 2


def test_another_extractor_is_another_set_of_features(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    other = FeatureManifest(extractor="fake-2", weights_sha256="d0" * 32, regions=REGIONS, dim=DIM)
    assert not library.has_features(record.video_id, extractor="fake-2")
    with pytest.raises(NotFound, match=r"a\.mp4: no features of fake-2"):
        library.features(record.video_id, extractor="fake-2")
    features = fake_video_features(record.video_id, frames=3, extractor="fake-2")
    library.put_features(features, other)
    assert len(library.features(record.video_id, extractor="fake-2")) == 3
    assert len(library.features(record.video_id, extractor=EXTRACTOR)) == FRAMES


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


def test_features_of_an_unknown_video_are_refused(library: Library) -> None:
    with pytest.raises(NotFound):
        library.put_features(fake_video_features(content_id(b"nobody")), MANIFEST)
    assert not list(library.folder.glob("features/*/*"))


def test_whole_features_are_never_overwritten_and_damaged_ones_are_remade(
    library: Library,
) -> None:
    record = put(library, b"one", "a.mp4")
    [blob] = library.folder.glob("features/*/*.safetensors")
    before = blob.stat()
    library.put_features(fake_video_features(record.video_id), MANIFEST)
    assert (blob.stat().st_ino, blob.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(StoreDamaged, match="altered"):
        library.features(record.video_id, extractor=EXTRACTOR)
    library.put_features(fake_video_features(record.video_id), MANIFEST)
    assert len(library.features(record.video_id, extractor=EXTRACTOR)) == FRAMES
    assert len(list(library.folder.glob("quarantine/*"))) == 1


def test_a_removed_video_leaves_nothing_and_its_ordinal_is_never_used_again(
    library: Library,
) -> None:
    record = put(library, b"one", "a.mp4")
    kept = put(library, b"two", "b.mp4")
    library.asset(record.video_id, "poster.jpg").write_bytes(b"jpeg")
    library.remove(record.video_id)
    assert library.videos() == (kept,)
    assert not list(library.folder.rglob(f"*{record.video_id}*"))
    with pytest.raises(NotFound):
        library.remove(record.video_id)
    library.remove(kept.video_id)
    assert put(library, b"one", "a.mp4").ordinal == 3


def test_a_video_is_found_by_id_prefix_and_name(library: Library) -> None:
    one, two = put(library, b"one", "a.mp4"), put(library, b"two", "a.mp4")
    assert library.video(one.video_id) == one
    assert library.video(two.video_id[:6].upper()) == two
    with pytest.raises(InputError, match="2 videos fit"):
        library.video("a.mp4")
    for key in (one.video_id[:5], "A.mp4", "", "../a.mp4"):
        with pytest.raises(NotFound):
            library.video(key)


def test_names_tags_and_settings_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with open_library(folder, settings=small_settings()) as library:
        record = put(library, b"one", "a.mp4")
        library.rename(record.video_id, "b.mp4")
        library.set_tags(record.video_id, ("harbour", "night"))
        library.set_setting("threshold", {"value": 4.0, "history": [1, 2]})
        assert library.setting("other") is None
    with open_library(folder, settings=small_settings()) as library:
        again = library.video(record.video_id)
        assert (again.name, again.tags) == ("b.mp4", ("harbour", "night"))
        assert library.setting("threshold") == {"value": 4.0, "history": [1, 2]}


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


def test_verify_reports_what_was_altered_and_what_no_row_knows(library: Library) -> None:
    record = put(library, b"one", "a.mp4")
    put(library, b"two", "b.mp4")
    assert library.verify() == ()
    library.media_path(record.video_id).write_bytes(b"0ne")
    blob = next(library.folder.glob(f"features/*/{content_id(b'two')}.safetensors"))
    blob.unlink()
    (library.folder / "media" / ("f" * 64)).mkdir()
    problems = [finding.problem for finding in library.verify()]
    assert len(problems) == 3
    assert problems[0] == "the media file was altered"
    assert "cannot be read" in problems[1]
    assert problems[2] == "no row knows it"


# -- disk -----------------------------------------------------------------------------------


def test_too_little_free_disk_stops_new_work_with_a_message(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])
    with open_library(folder, settings=small_settings(min_free_bytes=2**60)) as library:
        with pytest.raises(StoreError, match=r"only .* MiB of disk are free"):
            library.stage("a.mp4")
        assert set(found_videos(open_space(library), content_id(b"one"))) == {1}


def test_a_folder_of_something_else_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="not a library"):
        open_library(tmp_path, settings=small_settings())
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["incoming", "mine.txt"]


@pytest.mark.parametrize(
    "place",
    [
        "media:flushed",
        "media:renamed",
        "media:before-commit",
        "blob:half-written",
        "blob:written",
        "blob:flushed",
        "row:before-commit",
    ],
)
def test_a_disk_that_fills_at_any_step_changes_nothing_that_was_committed(
    tmp_path: Path, place: str
) -> None:
    """R4, the writes of one video; afterwards the same file goes in."""
    full = threading.Event()

    def step(name: str) -> None:
        if full.is_set() and name == place:
            raise OSError(28, "No space left on device")

    folder = tmp_path / "library"
    with open_library(folder, settings=small_settings(), step=step) as library:
        first = put(library, b"one", "a.mp4")
        blobs = {p: p.read_bytes() for p in folder.glob("features/*/*")}
        full.set()
        with pytest.raises((StoreError, OSError)) as caught:
            put(library, b"two", "b.mp4")
        if isinstance(caught.value, StoreError):
            assert "the disk is full. Free some space" in str(caught.value)
        assert library.video("a.mp4") == first
        assert {p: p.read_bytes() for p in folder.glob("features/*/*")} == blobs or (
            place == "row:before-commit"
        )
        assert not library.has_features(content_id(b"two"), extractor=EXTRACTOR)
        full.clear()
        put(library, b"two", "b.mp4")
    assert violations(folder, [("indexed", content_id(c)) for c in (b"one", b"two")]) == []


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

HOLD = """
import sys, time
from pathlib import Path
from tests.support.library_fakes import small_settings
from visil_dash.library.store import open_library
library = open_library(Path(sys.argv[1]), settings=small_settings())
print("read-only" if library.read_only else "writer", flush=True)
time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writer\n"
    return process


def test_a_second_process_reads_only_and_a_killed_writer_frees_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])
    holder = hold(folder)
    try:
        with open_library(folder, settings=small_settings()) as viewer:
            assert viewer.read_only
            assert f"process {holder.pid} since" in viewer.notice
            assert len(viewer.videos()) == 1
            assert set(found_videos(open_space(viewer), content_id(b"one"))) == {1}
            for change in (
                lambda: viewer.stage("x"),
                lambda: viewer.remove(content_id(b"one")),
                lambda: viewer.set_setting("a", 1),
                lambda: viewer.rename(content_id(b"one"), "x"),
                lambda: put(viewer, b"two", "b.mp4"),
                lambda: open_space(viewer).rebuild(),
                lambda: Worker(
                    viewer, FakePipeline(viewer, open_space(viewer)), settings=viewer.settings
                ).start(),
            ):
                with pytest.raises(StoreReadOnly):
                    change()
        with pytest.raises(StoreReadOnly):
            open_library(folder, settings=small_settings(), read_only=False)
    finally:
        start = time.monotonic()
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()
    lock = WriterLock(folder / "writer.lock")
    assert lock.acquire()
    assert time.monotonic() - start < 1
    lock.release()


def test_a_lock_that_is_a_link_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "writer.lock").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        WriterLock(tmp_path / "writer.lock").acquire()
    assert target.read_text() == "precious"


def test_a_viewer_sees_what_the_writer_adds_and_removes(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])
    with open_library(folder, settings=small_settings()) as writer:
        viewer = open_library(folder, settings=small_settings())
        with viewer:
            space = open_space(viewer)
            assert viewer.read_only
            two = put(writer, b"two", "b.mp4")
            writer.remove(content_id(b"one"))
            deadline = time.monotonic() + 10
            while space.view().ordinals != {two.ordinal} and time.monotonic() < deadline:
                time.sleep(0.02)
            assert space.view().ordinals == {two.ordinal}
            assert set(found_videos(space, two.video_id)) == {two.ordinal}


# -- versions and copies (R8) ---------------------------------------------------------------


def test_an_older_library_is_brought_up_to_date_and_kept_aside(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    old_library(folder)
    with pytest.raises(StoreMismatch, match="older schema 1"):
        open_library(folder, settings=small_settings(), read_only=True)
    with open_library(folder, settings=small_settings()) as library:
        assert [v.name for v in library.videos()] == ["old.mp4"]
        library.put_features(fake_video_features(content_id(b"one")), MANIFEST)
        assert (
            Worker(
                library, FakePipeline(library, open_space(library)), settings=library.settings
            ).jobs()
            == ()
        )
    kept = sqlite3.connect(folder / f"{CATALOGUE_NAME}.schema1.backup")
    assert kept.execute("SELECT max(version) FROM migrations").fetchone() == (1,)
    kept.close()


def test_a_newer_library_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])
    database = sqlite3.connect(folder / CATALOGUE_NAME)
    database.execute("INSERT INTO migrations VALUES (99, 'later', '9.9')")
    database.commit()
    database.close()
    before = (folder / CATALOGUE_NAME).read_bytes()
    for read_only in (None, True):
        with pytest.raises(StoreMismatch, match="newer visil_dash"):
            open_library(folder, settings=small_settings(), read_only=read_only)
    assert (folder / CATALOGUE_NAME).read_bytes() == before


def test_migrations_make_the_tables_that_the_code_declares(library: Library) -> None:
    with library.catalogue.read() as connection:
        inspector = sa.inspect(connection)
        for table in tables.metadata.sorted_tables:
            made = {c["name"]: c for c in inspector.get_columns(table.name)}
            assert made.keys() == {c.name for c in table.columns}
            assert {n for n, c in made.items() if c["primary_key"]} == {
                c.name for c in table.primary_key
            }
            assert all(not c["nullable"] for c in made.values())


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


def test_an_altered_row_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    build_folder(folder, [b"one"])
    database = sqlite3.connect(folder / CATALOGUE_NAME)
    database.execute("UPDATE videos SET name = 'forged.mp4'")
    database.commit()
    database.close()
    with pytest.raises(StoreDamaged, match="table videos was altered"):
        open_library(folder, settings=small_settings(), read_only=True)


def test_transactions_of_many_threads_lose_no_count(library: Library) -> None:
    def count() -> None:
        for _ in range(20):
            with library.catalogue.write() as connection:
                next_count(connection, "tries")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with library.catalogue.read() as connection:
        [row] = checked_rows(connection, tables.counters, tables.counters.c.name == "tries")
    assert row["value"] == 80
