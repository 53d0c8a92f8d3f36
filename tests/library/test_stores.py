"""Media and features in a store of fsspec: a folder, and objects in memory. S3: tests/cluster."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.library_fakes import EXTRACTOR, build_folder, put, small_settings
from tests.support.store_contract import (
    Outage,
    StoreContract,
    check_outage,
    empty_cache,
    remote_of,
)
from visil_dash.errors import InputError, StoreMismatch
from visil_dash.library.remote.moving import send_all
from visil_dash.library.store import open_library
from visil_dash.safekeeping.backup import make_backup, restore_backup


class TestFolder(StoreContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"file://{tmp_path / 'store'}"


class TestMemory(StoreContract):
    @pytest.fixture
    def url(self) -> Iterator[str]:
        name = secrets.token_hex(8)
        yield f"memory://{name}"
        from fsspec.implementations.memory import MemoryFileSystem

        for path in [path for path in MemoryFileSystem.store if path.startswith(f"/{name}")]:
            del MemoryFileSystem.store[path]


class _Unmounted(Outage):
    def __init__(self, folder: Path) -> None:
        self.folder, self.aside = folder, folder.with_name("unmounted")

    def begin(self) -> None:
        shutil.move(self.folder, self.aside)
        self.folder.mkdir()  # what a mount point is without its disk

    def end(self) -> None:
        self.folder.rmdir()
        shutil.move(self.aside, self.folder)


def test_an_unmounted_folder_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with open_library(tmp_path / "library", settings=settings) as library:
        check_outage(library, _Unmounted(tmp_path / "store"))


def test_a_library_stays_with_its_store(tmp_path: Path) -> None:
    folder, url = tmp_path / "library", f"file://{tmp_path / 'store'}"
    with open_library(folder, settings=small_settings(store=url)) as library:
        record = put(library, b"one", "one.mp4")
        assert remote_of(library).name.startswith(url)
    with pytest.raises(StoreMismatch, match="Set VISIL_DASH_STORE"):
        open_library(folder, settings=small_settings())
    # The store may lie elsewhere now.
    shutil.move(tmp_path / "store", tmp_path / "moved")
    moved = small_settings(store=f"file://{tmp_path / 'moved'}")
    with open_library(folder, settings=moved) as library:
        (folder / "media" / record.video_id / "original").unlink()
        assert library.media_path(record.video_id).read_bytes() == b"one"


def test_a_library_with_videos_stays_in_its_folder_and_says_so(tmp_path: Path) -> None:
    build_folder(tmp_path / "library", [b"one"])
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with open_library(tmp_path / "library", settings=settings) as library:
        assert library.remote is None
        assert "in its folder alone" in library.notice


def test_a_library_moves_into_a_store_whole_or_not_yet(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    first, second = build_folder(folder, [b"one", b"two"])
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    damaged = folder / "media" / first.video_id / "original"
    damaged.write_bytes(b"???")
    with open_library(folder, settings=settings) as library:
        done = send_all(library)
        assert (done.sent, len(done.lacking), library.remote) == (4, 1, None)
    damaged.write_bytes(b"one")
    with open_library(folder, settings=settings) as library:
        assert send_all(library).lacking == ()
        assert library.verify() == ()
    with open_library(folder, settings=settings) as library:
        for path in (*folder.glob("media/*/original"), *folder.glob("features/*/*")):
            path.unlink()
        assert library.verify() == ()
        assert library.media_path(second.video_id).read_bytes() == b"two"
        assert library.features(first.video_id, extractor=EXTRACTOR).video_id == first.video_id


def test_what_the_store_lost_is_sent_again(tmp_path: Path) -> None:
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with open_library(tmp_path / "library", settings=settings) as library:
        put(library, b"one", "one.mp4")
        shutil.rmtree(tmp_path / "store")
        done = send_all(library)
        assert (done.sent, done.there, done.lacking) == (2, 0, ())
        assert library.verify() == ()


def test_two_libraries_of_one_store_share_no_object(tmp_path: Path) -> None:
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with (
        open_library(tmp_path / "a", settings=settings) as first,
        open_library(tmp_path / "b", settings=settings) as second,
    ):
        record = put(first, b"the same", "one.mp4")
        put(second, b"the same", "one.mp4")
        first.remove(record.video_id)
        assert second.verify() == ()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("s3://KEY:HIDDEN@bucket/prefix", "holds a name or a key"),
        ("nonsense://place", "fsspec cannot open it"),
    ],
)
def test_a_url_that_cannot_be_is_refused(tmp_path: Path, url: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        open_library(tmp_path / "library", settings=small_settings(store=url))
    assert "HIDDEN" not in str(caught.value)


def test_a_backup_holds_what_is_in_the_store_alone_and_fills_a_new_one(tmp_path: Path) -> None:
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with open_library(tmp_path / "library", settings=settings) as library:
        record = put(library, b"one", "one.mp4")
        empty_cache(library)
        made = make_backup(library.folder, tmp_path / "backup", settings=settings)
    assert made.left_out == ()
    assert len(made.files) == 3
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    moved = small_settings(store=f"file://{tmp_path / 'new'}")
    with open_library(tmp_path / "restored", settings=moved, read_only=True) as library:
        assert "does not hold this library" in str(library.verify()[0])
    shutil.rmtree(tmp_path / "store")
    with open_library(tmp_path / "restored", settings=settings) as library:
        assert send_all(library).lacking == ()
        empty_cache(library)
        assert library.features(record.video_id, extractor=EXTRACTOR).video_id == record.video_id
        assert library.verify() == ()
