"""Backups: each file once, verified, made while videos are added, restored byte for byte."""

import hashlib
import json
import shutil
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.library_fakes import (
    EXTRACTOR,
    build_folder,
    content_id,
    found_videos,
    open_space,
    put,
    small_settings,
)
from visil_dash.errors import DiskFull, InputError, NotFound, StoreDamaged
from visil_dash.library.store import open_library
from visil_dash.safekeeping.backup import (
    backups,
    build_indexes,
    make_backup,
    read_backup,
    restore_backup,
    verify_backup,
)

CONTENTS = [b"clip %d" % i for i in range(4)]


def files(folder: Path) -> dict[str, bytes]:
    """Media and features by path."""
    paths = [*folder.glob("media/*/original"), *folder.glob("features/*/*.safetensors")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    build_folder(tmp_path / "library", CONTENTS)
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        opened.set_tags(content_id(CONTENTS[1]), ("holiday",))
        opened.set_setting("threshold", 4.5)
    return tmp_path / "library"


def test_a_restored_library_holds_the_same_bytes_and_answers_the_same(
    library: Path, tmp_path: Path
) -> None:
    made = make_backup(library, tmp_path / "backup", settings=small_settings())
    assert (made.videos, made.left_out) == (4, ())
    assert verify_backup(tmp_path / "backup", made) == ()
    restore_backup(tmp_path / "backup", tmp_path / "moved")
    build_indexes(tmp_path / "moved", settings=small_settings())
    assert files(tmp_path / "moved") == files(library)
    with open_library(tmp_path / "moved", settings=small_settings()) as opened:
        assert opened.notice == ""
        assert opened.verify() == ()
        assert opened.setting("threshold") == 4.5
        assert opened.video("clip 1.mp4").tags == ("holiday",)
        space = open_space(opened)
        space.wait()
        assert space.verify() == ()
        for number, content in enumerate(CONTENTS, 1):
            assert set(found_videos(space, content_id(content))) == {number}


def test_a_second_backup_copies_only_what_is_new(library: Path, tmp_path: Path) -> None:
    first = make_backup(library, tmp_path / "backup", settings=small_settings())
    assert first.copied == len(first.files)
    assert make_backup(library, tmp_path / "backup", settings=small_settings()).copied == 0
    with open_library(library, settings=small_settings()) as opened:
        put(opened, b"new", "new.mp4")
    third = make_backup(library, tmp_path / "backup", settings=small_settings())
    assert third.copied == 3  # its media, its features and the catalogue
    assert len(backups(tmp_path / "backup")) == 3
    restore_backup(tmp_path / "backup", tmp_path / "old", name=first.name)
    assert len(files(tmp_path / "old")) == 8
    restore_backup(tmp_path / "backup", tmp_path / "new")
    assert files(tmp_path / "new") == files(library)


def test_a_backup_made_while_videos_are_added_holds_whole_videos_only(
    library: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    with open_library(library, settings=small_settings()) as opened:

        def add() -> None:
            number = 0
            while not stop.is_set():
                put(opened, b"more %d" % number, f"more {number}.mp4")
                number += 1

        adding = threading.Thread(target=add)
        adding.start()
        try:
            made = [
                make_backup(library, tmp_path / "backup", settings=small_settings())
                for _ in range(5)
            ]
        finally:
            stop.set()
            adding.join()
        assert made[-1].videos > 4
    for number, snapshot in enumerate(made):
        assert verify_backup(tmp_path / "backup", snapshot) == ()
        restored = tmp_path / f"restored {number}"
        restore_backup(tmp_path / "backup", restored, name=snapshot.name)
        with open_library(restored, settings=small_settings()) as again:
            assert again.verify() == ()
            assert len(again.videos()) == snapshot.videos
            whole = len(again.features_ids(EXTRACTOR))
            assert snapshot.videos - whole <= 1  # one may be between its media and its features
            now = files(library)
            assert all(now[path] == data for path, data in files(restored).items())


def test_the_control_a_plain_copy_during_a_change_is_not_consistent(
    library: Path, tmp_path: Path
) -> None:
    """Copying catalogue.db as a file loses what is only in its log; SQLite's backup does not."""
    with open_library(library, settings=small_settings()) as opened:
        put(opened, b"new", "new.mp4")
        shutil.copy(library / "catalogue.db", tmp_path / "plain.db")
        made = make_backup(library, tmp_path / "backup", settings=small_settings())
    plain = sqlite3.connect(tmp_path / "plain.db")
    assert plain.execute("SELECT count(*) FROM videos").fetchone() != (5,)
    plain.close()
    assert made.videos == 5


@pytest.mark.parametrize("kind", ["media", "features", "catalogue.db"])
@pytest.mark.parametrize("damage", ["flip", "gone"])
def test_a_damaged_backup_is_noticed_and_not_restored(
    library: Path, tmp_path: Path, kind: str, damage: str
) -> None:
    made = make_backup(library, tmp_path / "backup", settings=small_settings())
    file = next(file for file in made.files if file.path.startswith(kind))
    path = tmp_path / "backup" / "objects" / file.sha256[:2] / file.sha256
    if damage == "gone":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    [problem] = verify_backup(tmp_path / "backup", made)
    assert file.path in problem
    with pytest.raises(StoreDamaged, match="backup"):
        restore_backup(tmp_path / "backup", tmp_path / "moved")
    assert [path.name for path in tmp_path.iterdir()] == ["library", "backup"]


def test_what_is_damaged_in_the_library_is_left_out_and_reported(
    library: Path, tmp_path: Path
) -> None:
    [blob] = library.glob(f"features/*/{content_id(CONTENTS[0])}.safetensors")
    blob.write_bytes(b"damaged")
    (library / "media" / content_id(CONTENTS[1]) / "original").unlink()
    made = make_backup(library, tmp_path / "backup", settings=small_settings())
    assert len(made.left_out) == 2
    assert any("was altered" in text for text in made.left_out)
    assert any("is gone" in text for text in made.left_out)
    assert verify_backup(tmp_path / "backup", made) == ()


def test_an_altered_list_and_a_path_that_leads_out_are_refused(
    library: Path, tmp_path: Path
) -> None:
    made = make_backup(library, tmp_path / "backup", settings=small_settings())
    path = tmp_path / "backup" / "snapshots" / f"{made.name}.json"
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"media/", b"../../", 1))
    with pytest.raises(StoreDamaged, match="checksum"):
        read_backup(tmp_path / "backup")
    path.write_bytes(sound[: len(sound) // 2])
    with pytest.raises(StoreDamaged):
        read_backup(tmp_path / "backup")
    body = json.loads(sound)["backup"].replace("media/", "../../", 1)
    sealed = {"sha256": hashlib.sha256(body.encode()).hexdigest(), "backup": body}
    path.write_text(json.dumps(sealed))
    with pytest.raises(StoreDamaged, match="within a library"):
        restore_backup(tmp_path / "backup", tmp_path / "moved")


def test_folders_of_something_else_are_left_alone(library: Path, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="not empty"):
        make_backup(library, other, settings=small_settings())
    with pytest.raises(InputError, match="no backup"):
        restore_backup(other, tmp_path / "moved")
    with pytest.raises(NotFound):
        make_backup(tmp_path / "nothing", tmp_path / "backup", settings=small_settings())
    make_backup(library, tmp_path / "backup", settings=small_settings())
    with pytest.raises(InputError, match="not empty"):
        restore_backup(tmp_path / "backup", library)
    assert [path.name for path in other.iterdir()] == ["a.jpg"]


def test_a_restore_without_room_changes_nothing(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(library, tmp_path / "backup", settings=small_settings())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    with pytest.raises(DiskFull, match="Free some space"):
        restore_backup(tmp_path / "backup", tmp_path / "moved")
    assert not (tmp_path / "moved").exists()
    assert not list(tmp_path.glob(".*"))
