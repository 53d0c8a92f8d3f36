"""A catalogue in PostgreSQL when things go wrong: servers, writers and settings."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.library_contract import hold, start
from tests.support.library_fakes import (
    EXTRACTOR,
    FakePipeline,
    by_hand,
    content_id,
    fake_video_features,
    found_videos,
    old_library,
    open_space,
    put,
    small_settings,
)
from tests.support.postgres import PASSWORD, SCHEMAS, PostgresServer, running_postgres
from visil_dash.errors import (
    InputError,
    StoreAway,
    StoreDamaged,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.labels.label import Label
from visil_dash.library.catalogue import CATALOGUE_NAME, next_count
from visil_dash.library.jobs import Worker
from visil_dash.library.postgres.marker import MARKER_NAME
from visil_dash.library.sharing.beside_writer import hand_over, may_become_writer, put_labels
from visil_dash.library.store import Library, open_library
from visil_dash.records import JobState

END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'visil_dash'"
    " AND datname = current_database()"
)


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    made = postgres.new_database()
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", made)
    return made


@pytest.fixture
def folder(url: str, tmp_path: Path) -> Path:
    """A closed library of one video."""
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        put(library, b"one", "a.mp4")
    return tmp_path / "library"


def opened(folder: Path, **changes: object) -> Library:
    return open_library(folder, settings=small_settings(), **changes)  # type: ignore[arg-type]


def names(library: Library) -> list[str]:
    return [video.name for video in library.videos()]


def as_on_another_machine(folder: Path) -> None:
    """Its locks of files are not seen here."""
    (folder / "writer.lock").unlink()


# -- servers ---------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A server to be killed."""
    with running_postgres(tmp_path / "server") as server:
        monkeypatch.setenv("VISIL_DASH_CATALOGUE", server.new_database())
        yield server


def test_a_server_killed_within_a_change_loses_nothing_and_the_writer_goes_on(
    own: PostgresServer, tmp_path: Path
) -> None:
    folder, second = tmp_path / "library", tmp_path / "b.mp4"
    second.write_bytes(b"two")
    with opened(folder) as library:
        one = put(library, b"one", "a.mp4")
        space = open_space(library)
        worker = Worker(library, FakePipeline(library, space), settings=library.settings)
        with pytest.raises(StoreAway, match="does not answer") as caught:
            killed_within_a_change(own, library)
        assert PASSWORD not in str(caught.value)
        with pytest.raises(StoreAway, match="start the server or mend the network"):
            library.videos()
        with pytest.raises(StoreAway):
            put(library, b"lost", "lost.mp4")
        own.start()
        assert library.videos() == (one,)
        assert library.revision() < 10**6
        two = put(library, b"two", "b.mp4")
        assert not library.read_only
        worker.start()
        job = worker.enqueue(second, name="again.mp4")
        assert worker.wait_idle(30)
        assert worker.job(job.job_id).state is JobState.INDEXED
        worker.stop()
    with opened(folder) as library:
        assert [v.video_id for v in library.videos()] == [one.video_id, two.video_id]
        assert library.notice == ""


def killed_within_a_change(server: PostgresServer, library: Library) -> None:
    with library.catalogue.write() as connection:
        next_count(connection, "revision", at_least=10**6)
        server.kill()
        next_count(connection, "revision")


def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_job_waits_for_the_server_and_is_done_once(own: PostgresServer, tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    killed: list[str] = []

    def kill(job: object, source: Path, watch: object) -> None:
        if not killed:
            killed.append(str(source))
            own.kill()

    with opened(tmp_path / "library") as library:
        pipeline = FakePipeline(library, open_space(library), before=kill)
        worker = Worker(library, pipeline, settings=library.settings)
        worker.start()
        job = worker.enqueue(file, name="a.mp4")
        until(lambda: "does not answer" in worker.paused)
        own.start()
        until(lambda: worker.job(job.job_id).state is JobState.INDEXED)
        worker.stop()
        assert [v.name for v in library.videos()] == ["a.mp4"]
        assert worker.job(job.job_id).reason == ""


def test_a_server_that_is_away_when_a_library_is_opened_is_a_sentence(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = url.replace("127.0.0.1", "127.0.0.2")
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", elsewhere)
    for read_only in (None, True, False):
        with pytest.raises(StoreAway, match=r"visil@127\.0\.0\.2.*does not answer") as caught:
            opened(folder, read_only=read_only)
        assert PASSWORD not in str(caught.value)
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", url)
    with opened(folder) as library:
        assert not library.read_only, "the folder's lock was given back"


# -- one writer -------------------------------------------------------------------------------


def test_a_writer_on_another_machine_is_named_and_followed_once_it_is_killed(folder: Path) -> None:
    holder = hold(folder)
    try:
        as_on_another_machine(folder)
        with opened(folder) as viewer:
            assert viewer.read_only
            assert f"process {holder.pid} on" in viewer.notice
            assert str(folder) in viewer.notice
            assert not may_become_writer(viewer)
            with pytest.raises(StoreReadOnly):
                viewer.rename(content_id(b"one"), "x.mp4")
        with pytest.raises(StoreReadOnly, match="is the writer of this catalogue"):
            opened(folder, read_only=False)
    finally:
        ended(holder)
    with opened(folder, read_only=True) as viewer:
        assert may_become_writer(viewer)
    with opened(folder, read_only=False) as library:
        library.rename(content_id(b"one"), "b.mp4")
        assert library.notice == ""


def ended(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    for stream in filter(None, (holder.stdin, holder.stdout)):
        stream.close()


def test_a_lost_connection_costs_the_writer_nothing_if_nobody_took_its_place(
    folder: Path, postgres: PostgresServer, url: str
) -> None:
    with opened(folder) as library:
        library.videos()
        postgres.run(END_SESSIONS, url=url)
        library.rename(content_id(b"one"), "b.mp4")
        assert [v.name for v in library.videos()] == ["b.mp4"]
        as_on_another_machine(folder)
        with opened(folder) as other:
            assert other.read_only, "the lock was taken anew"


def test_a_writer_whose_place_was_taken_changes_nothing_more(
    folder: Path, postgres: PostgresServer, url: str
) -> None:
    with opened(folder) as first:
        postgres.run(END_SESSIONS, url=url)
        as_on_another_machine(folder)
        with opened(folder, read_only=False) as second:
            with pytest.raises(StoreReadOnly, match="is the writer of this catalogue"):
                first.rename(content_id(b"one"), "first.mp4")
            second.rename(content_id(b"one"), "second.mp4")
        with pytest.raises(StoreReadOnly, match="became the writer meanwhile"):
            first.rename(content_id(b"one"), "first.mp4")
        assert [v.name for v in first.videos()] == ["second.mp4"], "it still reads"


ADDING = """
import sys
from pathlib import Path
from tests.support.library_fakes import open_space, put, small_settings
from visil_dash.library.store import open_library
with open_library(Path(sys.argv[1]), settings=small_settings(), read_only=False) as library:
    space = open_space(library)
    print("writer", flush=True)
    sys.stdin.readline()
    put(library, b"two", "b.mp4")
    library.remove(library.video("a.mp4").video_id)
    print("done", flush=True)
    sys.stdin.readline()
"""


def test_what_one_process_adds_and_removes_the_others_see_and_find(folder: Path) -> None:
    adding = start(ADDING, folder)
    try:
        with opened(folder) as viewer, opened(folder) as other:
            spaces = [open_space(viewer), open_space(other)]
            for library in (viewer, other):
                assert library.read_only
                assert [v.name for v in library.videos()] == ["a.mp4"]
            assert adding.stdin is not None
            assert adding.stdout is not None
            print(file=adding.stdin, flush=True)
            assert adding.stdout.readline() == "done\n"
            for library in (viewer, other):
                until(lambda library=library: names(library) == ["b.mp4"], 1.0)  # type: ignore[misc]
            for space in spaces:
                until(lambda space=space: space.view().ordinals == {2})  # type: ignore[misc]
                assert set(found_videos(space, content_id(b"two"))) == {2}
    finally:
        ended(adding)


def test_beside_the_writer_a_viewer_labels_and_hands_files_over(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.mp4"
    file.write_bytes(b"two")
    with opened(folder) as writer:
        two = put(writer, b"three", "c.mp4")
        with opened(folder) as viewer:
            put_labels(viewer, [Label(content_id(b"one"), two.video_id, "match")])
            (job_id,) = hand_over(viewer, [file])
        assert [label.verdict for label in writer.labels()] == ["match"]
        worker = Worker(writer, FakePipeline(writer, open_space(writer)), settings=writer.settings)
        worker.start()
        assert worker.wait_idle(30)
        worker.stop()
        assert worker.job(job_id).state is JobState.INDEXED


def test_with_a_store_each_machine_has_a_folder_of_its_own(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIL_DASH_STORE", f"file://{tmp_path / 'store'}")
    (tmp_path / "store").mkdir()
    here, there = tmp_path / "here", tmp_path / "there"
    with opened(here) as library:
        put(library, b"one", "a.mp4")
    there.mkdir()
    (there / MARKER_NAME).write_bytes((here / MARKER_NAME).read_bytes())  # is all it needs
    with opened(here) as writer, opened(there) as viewer:
        assert viewer.read_only
        assert str(here) in viewer.notice, "the writer is named"
        two = put(writer, b"two", "b.mp4")
        assert viewer.media_path(two.video_id).read_bytes() == b"two"
        assert set(found_videos(open_space(viewer), two.video_id)) == {2}
    with opened(there) as writer:
        assert not writer.read_only
        three = put(writer, b"three", "c.mp4")
        assert writer.verify() == ()
    with opened(here) as library:
        assert library.media_path(three.video_id).read_bytes() == b"three"
        assert set(found_videos(open_space(library), three.video_id)) == {3}


# -- what is not as it must be ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "wrong"}, "does not let this program in .*password authentication failed"),
        ({"user": "nobody"}, "does not let this program in .*Correct user, password and database"),
        ({"database": "nowhere"}, 'does not let this program in .*"nowhere" does not exist'),
    ],
)
def test_a_server_that_refuses_is_a_sentence_without_the_password(
    folder: Path,
    postgres: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", postgres.url(**({"database": "postgres"} | wrong)))
    with pytest.raises(StoreError, match=sentence) as caught:
        opened(folder)
    assert PASSWORD not in str(caught.value)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("setting", ["mysql://a:b@c/d", "postgresql://a:b@c", "a secret"])
def test_a_setting_that_is_no_address_is_refused_without_quoting_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", setting)
    with pytest.raises(InputError, match="VISIL_DASH_CATALOGUE: ") as caught:
        opened(tmp_path / "library")
    assert setting not in str(caught.value)


def test_without_the_setting_the_library_names_its_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISIL_DASH_CATALOGUE")
    for read_only in (None, True):
        with pytest.raises(StoreMismatch, match="Set VISIL_DASH_CATALOGUE"):
            opened(folder, read_only=read_only)
    assert not (folder / CATALOGUE_NAME).exists()


def test_another_database_holds_no_catalogue_of_this_library(
    folder: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = postgres.new_database()
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", other)
    with pytest.raises(StoreMismatch, match="holds no catalogue of this library"):
        opened(folder)
    assert postgres.run(SCHEMAS, url=other) == [], "none is made in its place"


def test_the_catalogue_of_another_library_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "other") as other:
        put(other, b"two", "b.mp4")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / MARKER_NAME).write_bytes((folder / MARKER_NAME).read_bytes())
    with pytest.raises(StoreMismatch, match="belongs to another library folder"):
        opened(copy)
    folder.rename(tmp_path / "moved")
    with opened(tmp_path / "moved", read_only=False) as library:
        assert len(library.videos()) == 1, "a folder may be moved"
    by_hand(tmp_path / "moved", "UPDATE shared SET library = '0123456789abcdef'")
    with pytest.raises(StoreMismatch, match=r"belongs to another library folder \(0123"):
        opened(tmp_path / "moved")


def test_a_damaged_marker_is_noticed(folder: Path) -> None:
    (folder / MARKER_NAME).write_text('{"library": "../x", "database": ""}')
    with pytest.raises(StoreDamaged, match="it does not name the library's catalogue"):
        opened(folder)


def test_an_altered_row_is_damage_and_nothing_is_set_aside(folder: Path) -> None:
    by_hand(folder, "UPDATE videos SET name = 'forged.mp4'")
    with pytest.raises(StoreDamaged, match="table videos was altered"):
        opened(folder)
    assert not (folder / "quarantine").exists()


# -- older and lost catalogues ----------------------------------------------------------------


def test_tables_of_an_older_schema_are_kept_aside_in_the_database(
    url: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    old_library(tmp_path / "library")

    def stop(name: str) -> None:
        if name == "migrate:before-commit":
            raise RuntimeError(name)

    with pytest.raises(RuntimeError):
        opened(tmp_path / "library", step=stop)
    assert by_hand(tmp_path / "library", "SELECT max(version) FROM migrations") == [(1,)]
    with opened(tmp_path / "library") as library:
        assert [v.name for v in library.videos()] == ["old.mp4"]
    [(schema,), (aside,)] = postgres.run(SCHEMAS, url=url)
    assert aside == f"{schema}_schema1"
    assert postgres.run(f'SELECT name FROM "{aside}".videos', url=url) == [("old.mp4",)]


def test_a_database_restored_to_an_earlier_state_gets_the_later_videos_from_their_files(
    folder: Path,
) -> None:
    with opened(folder) as library:
        two = put(library, b"two", "b.mp4")
    by_hand(folder, f"DELETE FROM videos WHERE video_id = '{two.video_id}'")
    by_hand(folder, f"DELETE FROM features WHERE video_id = '{two.video_id}'")
    with opened(folder) as library:
        assert "1 videos were restored from their files" in library.notice
        assert [v.name for v in library.videos()] == ["a.mp4", "b.mp4"]
        stored = library.features(two.video_id, extractor=EXTRACTOR)
        np.testing.assert_array_equal(
            stored.regions, fake_video_features(two.video_id).regions.astype(np.float32)
        )
        assert set(found_videos(open_space(library), two.video_id)) == {two.ordinal}


def test_without_its_marker_a_folder_gets_a_new_catalogue_from_its_files(folder: Path) -> None:
    (folder / MARKER_NAME).unlink()
    with opened(folder) as library:
        assert "it was missing" in library.notice
        assert [v.name for v in library.videos()] == ["a.mp4"]
