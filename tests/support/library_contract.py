"""What a library promises, wherever its catalogue is: in a file, or in a PostgreSQL database.

A class of tests derives from each contract. Where VISIL_DASH_CATALOGUE names a database, new
libraries have their catalogues there.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

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
    by_hand,
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
from visil_dash.labels.label import Label
from visil_dash.library import tables
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.catalogue import (
    checked_rows,
    next_count,
)
from visil_dash.library.jobs import Worker
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.store import Library, open_library

ROOT = Path(__file__).resolve().parents[2]


A, B, C = (content_id(name) for name in (b"one", b"two", b"three"))

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
    return start(HOLD, folder)


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    """Another process, which has become the library's writer."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        env={
            **{name: value for name, value in os.environ.items() if name.startswith("VISIL_DASH_")},
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            "PATH": "",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writer\n"
    return process


def as_tuples(labels: tuple[Label, ...]) -> set[tuple[str, str, str, str, str]]:
    return {(v.query, v.reference, v.verdict, v.relation, v.source) for v in labels}


class LibraryContract:
    """Videos, features, names, settings, removal; one writer; versions; rows."""

    @pytest.fixture(autouse=True)
    def catalogue(self) -> None:
        """Says where, before any library is made."""

    @pytest.fixture
    def library(self, tmp_path: Path, catalogue: None):  # type: ignore[no-untyped-def]
        with open_library(tmp_path / "library", settings=small_settings()) as opened:
            yield opened

    def test_what_was_added_is_found_after_reopening(self, tmp_path: Path) -> None:
        contents = [b"one", b"two", b"three"]
        build_folder(tmp_path / "library", contents)
        with open_library(tmp_path / "library", settings=small_settings()) as library:
            space = open_space(library)
            for number, content in enumerate(contents, 1):
                assert set(found_videos(space, content_id(content))) == {number}

    def test_a_video_comes_back_as_it_was_put(self, library: Library) -> None:
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

    def test_the_same_bytes_twice_are_one_video_with_two_names(self, library: Library) -> None:
        first = put(library, b"one", "a.mp4")
        again = put(library, b"one", "b.mp4")
        third = put(library, b"one", "a.mp4")
        assert (again.video_id, again.ordinal, again.name) == (
            first.video_id,
            first.ordinal,
            "a.mp4",
        )
        assert third.other_names == ("b.mp4",)
        assert len(library.videos()) == 1
        assert library.video("b.mp4").video_id == first.video_id

    def test_another_extractor_is_another_set_of_features(self, library: Library) -> None:
        record = put(library, b"one", "a.mp4")
        other = FeatureManifest(
            extractor="fake-2", weights_sha256="d0" * 32, regions=REGIONS, dim=DIM
        )
        assert not library.has_features(record.video_id, extractor="fake-2")
        with pytest.raises(NotFound, match=r"a\.mp4: no features of fake-2"):
            library.features(record.video_id, extractor="fake-2")
        features = fake_video_features(record.video_id, frames=3, extractor="fake-2")
        library.put_features(features, other)
        assert len(library.features(record.video_id, extractor="fake-2")) == 3
        assert len(library.features(record.video_id, extractor=EXTRACTOR)) == FRAMES

    def test_features_of_an_unknown_video_are_refused(self, library: Library) -> None:
        with pytest.raises(NotFound):
            library.put_features(fake_video_features(content_id(b"nobody")), MANIFEST)
        assert not list(library.folder.glob("features/*/*"))

    def test_whole_features_are_never_overwritten_and_damaged_ones_are_remade(
        self,
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
        self,
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

    def test_a_video_is_found_by_id_prefix_and_name(self, library: Library) -> None:
        one, two = put(library, b"one", "a.mp4"), put(library, b"two", "a.mp4")
        assert library.video(one.video_id) == one
        assert library.video(two.video_id[:6].upper()) == two
        with pytest.raises(InputError, match="2 videos fit"):
            library.video("a.mp4")
        for key in (one.video_id[:5], "A.mp4", "", "../a.mp4"):
            with pytest.raises(NotFound):
                library.video(key)

    def test_names_tags_and_settings_are_kept(self, tmp_path: Path) -> None:
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

    def test_verify_reports_what_was_altered_and_what_no_row_knows(self, library: Library) -> None:
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

    def test_too_little_free_disk_stops_new_work_with_a_message(self, tmp_path: Path) -> None:
        folder = tmp_path / "library"
        build_folder(folder, [b"one"])
        with open_library(folder, settings=small_settings(min_free_bytes=2**60)) as library:
            with pytest.raises(StoreError, match=r"only .* MiB of disk are free"):
                library.stage("a.mp4")
            assert set(found_videos(open_space(library), content_id(b"one"))) == {1}

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
        self, tmp_path: Path, place: str
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

    def test_a_second_process_reads_only_and_a_killed_writer_frees_the_lock(
        self, tmp_path: Path
    ) -> None:
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
            for stream in filter(None, (holder.stdin, holder.stdout)):
                stream.close()
        lock = WriterLock(folder / "writer.lock")
        assert lock.acquire()
        assert time.monotonic() - start < 1
        lock.release()

    def test_a_viewer_sees_what_the_writer_adds_and_removes(self, tmp_path: Path) -> None:
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

    def test_an_older_library_is_brought_up_to_date(self, tmp_path: Path) -> None:
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

    def test_a_newer_library_is_refused_and_left_as_it_is(self, tmp_path: Path) -> None:
        folder = tmp_path / "library"
        build_folder(folder, [b"one"])
        by_hand(folder, "INSERT INTO migrations VALUES (99, 'later', '9.9')")
        before = {path: path.read_bytes() for path in folder.glob("catalogue.*")}
        for read_only in (None, True):
            with pytest.raises(StoreMismatch, match="newer visil_dash"):
                open_library(folder, settings=small_settings(), read_only=read_only)
        assert {path: path.read_bytes() for path in folder.glob("catalogue.*")} == before

    def test_migrations_make_the_tables_that_the_code_declares(self, library: Library) -> None:
        with library.catalogue.read() as connection:
            inspector = sa.inspect(connection)
            for table in tables.metadata.sorted_tables:
                made = {c["name"]: c for c in inspector.get_columns(table.name)}
                assert made.keys() == {c.name for c in table.columns}
                key = inspector.get_pk_constraint(table.name)["constrained_columns"]
                assert set(key) == {c.name for c in table.primary_key}
                assert all(not c["nullable"] for c in made.values())

    def test_an_altered_row_is_not_believed(self, tmp_path: Path) -> None:
        folder = tmp_path / "library"
        build_folder(folder, [b"one"])
        by_hand(folder, "UPDATE videos SET name = 'forged.mp4'")
        with pytest.raises(StoreDamaged, match="table videos was altered"):
            open_library(folder, settings=small_settings(), read_only=True)

    def test_transactions_of_many_threads_lose_no_count(self, library: Library) -> None:
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


class LabelsContract:
    """Labels of pairs: one for an unordered pair, gone with either of its videos."""

    @pytest.fixture(autouse=True)
    def catalogue(self) -> None:
        """Says where, before any library is made."""

    @pytest.fixture
    def library(self, tmp_path: Path, catalogue: None):  # type: ignore[no-untyped-def]
        with open_library(tmp_path / "library", settings=small_settings()) as opened:
            for content in (b"one", b"two", b"three"):
                put(opened, content, f"{content.decode()}.mp4")
            yield opened

    def test_labels_outlive_the_process_and_keep_who_asked(self, library: Library) -> None:
        library.set_label(Label(B, A, "match", "DS", "review"), Label(A, C, "unsure", "", "review"))
        library.close()
        with open_library(library.folder, settings=small_settings()) as again:
            assert as_tuples(again.labels()) == {
                (B, A, "match", "DS", "review"),
                (A, C, "unsure", "", "review"),
            }
            assert all(label.updated for label in again.labels())

    def test_a_pair_has_one_label_and_it_can_be_taken_back(self, library: Library) -> None:
        before = library.labels_revision()
        library.set_label(Label(A, B, "match"))
        library.set_label(Label(B, A, "not_match", "IS"))
        assert as_tuples(library.labels()) == {(B, A, "not_match", "IS", "")}
        library.remove_label(A, B)
        library.remove_label(A, B)
        assert library.labels() == ()
        assert library.labels_revision() > before

    def test_labels_are_stored_all_or_none(self, library: Library) -> None:
        with pytest.raises(NotFound, match="no such video"):
            library.set_label(Label(A, B, "match"), Label(A, "ab" * 32, "match"))
        assert library.labels() == ()

    def test_removing_a_video_removes_its_labels(self, library: Library) -> None:
        library.set_label(Label(A, B, "match"), Label(C, A, "match"), Label(B, C, "not_match"))
        library.remove(A)
        assert as_tuples(library.labels()) == {(B, C, "not_match", "", "")}

    def test_a_viewer_reads_labels_and_changes_none(self, library: Library) -> None:
        library.set_label(Label(A, B, "match"))
        with open_library(library.folder, settings=small_settings(), read_only=True) as viewer:
            assert as_tuples(viewer.labels()) == {(A, B, "match", "", "")}
            with pytest.raises(StoreReadOnly):
                viewer.set_label(Label(A, C, "match"))
            with pytest.raises(StoreReadOnly):
                viewer.remove_label(A, B)

    def test_an_altered_label_is_noticed(self, library: Library) -> None:
        library.set_label(Label(A, B, "match"))
        library.close()
        by_hand(library.folder, "UPDATE labels SET verdict = 'not_match'")
        with pytest.raises(StoreDamaged, match="table labels"):
            open_library(library.folder, settings=small_settings(), read_only=True)

    def test_an_older_library_gets_room_for_labels(self, tmp_path: Path) -> None:
        folder = tmp_path / "library"
        old_library(folder)
        with open_library(folder, settings=small_settings()) as library:
            assert library.labels() == ()
            other = put(library, b"two", "b.mp4")
            library.set_label(Label(content_id(b"one"), other.video_id, "match"))
            assert len(library.labels()) == 1
