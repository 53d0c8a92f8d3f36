"""A typed path reaches videos within the allowed folders, and nothing else, whatever it is."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from visil_dash.errors import InputError, MediaRefused
from visil_dash.media import beneath
from visil_dash.media.beneath import open_beneath
from visil_dash.settings import Settings

SETTINGS = Settings(max_file_bytes=1000)
VIDEO = b"\0\0\0\x18ftypisom" + b"public " * 20
SECRET = b"\0\0\0\x18ftypisom" + b"secret " * 20


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """in/ is allowed; out/ and the folder `in side` are not, though their names begin alike."""
    for folder in ("in/sub", "out", "in side"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "in/a.mp4").write_bytes(VIDEO)
    (tmp_path / "in/sub/ü ☃.mp4").write_bytes(VIDEO)
    for folder in ("out", "in side"):
        (tmp_path / folder / "b.mp4").write_bytes(SECRET)
    return tmp_path


def read(typed: str, *folders: Path) -> bytes:
    fd, _name = open_beneath(typed, folders, settings=SETTINGS)
    with os.fdopen(fd, "rb") as file:
        return file.read()


@pytest.fixture
def descriptors() -> Iterator[Callable[[], int]]:
    """How many descriptors are open; a test ends with as many as it began with."""

    def count() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    before = count()
    yield count
    assert count() == before


@pytest.mark.parametrize("name", ["a.mp4", "sub/ü ☃.mp4", "./sub/.//ü ☃.mp4"])
def test_a_video_of_the_folder_is_opened(
    world: Path, name: str, descriptors: Callable[[], int]
) -> None:
    assert read(f"  {world}/in/{name} ", world / "out", world / "in") == VIDEO


def test_the_folder_may_be_named_by_a_link_to_it(world: Path) -> None:
    (world / "videos").symlink_to(world / "in")
    assert read(f"{world}/videos/a.mp4", world / "videos") == VIDEO
    assert read(f"{world}/in/a.mp4", world / "videos") == VIDEO


HOSTILE = (
    "",
    "a.mp4",
    "in/a.mp4",
    "{w}/out/b.mp4",
    "{w}/in side/b.mp4",
    "{w}/in/../out/b.mp4",
    "{w}/in/sub/../../out/b.mp4",
    "{w}/in/sub/../a.mp4",
    "{w}/in/missing.mp4",
    "{w}/in/a.mp4/b.mp4",
    "{w}/in/a.mp4\0",
    "{w}/in/\0/../../out/b.mp4",
    "{w}/in/\udcff.mp4",
    "{w}/in/a\u202e4pm.mp4",
    "{w}/in/%2e%2e/out/b.mp4",
    "{w}/in/..%2fout%2fb.mp4",
    "{w}/in/..\\out\\b.mp4",
    "{w}/in/a.mp4;{w}/out/b.mp4",
    "file://{w}/in/a.mp4",
    "concat:{w}/in/a.mp4|{w}/out/b.mp4",
    "http://127.0.0.1/x.mp4",
    "/dev/zero",
    "/proc/self/environ",
    "/etc/passwd",
    "~/a.mp4",
    "~nobody-of-that-name/a.mp4",
    "{w}/in/" + "x" * 5000,
    "{w}/in/" + "x/" * 5000 + "a.mp4",
    "{w}",
    "/",
)


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_is_not_allowed_and_what_is_missing_are_refused_alike(
    world: Path, typed: str, descriptors: Callable[[], int]
) -> None:
    with pytest.raises(InputError, match="no such file or folder") as refused:
        read(typed.replace("{w}", str(world)), world / "in")
    assert not isinstance(refused.value, MediaRefused)


def test_no_link_is_followed_wherever_it_leads(world: Path, descriptors: Callable[[], int]) -> None:
    (world / "in/link.mp4").symlink_to(world / "out/b.mp4")
    (world / "in/near.mp4").symlink_to("a.mp4")
    (world / "in/folder").symlink_to(world / "out")
    (world / "in/round").symlink_to("round")
    for typed in ("folder/b.mp4", "round/a.mp4", "round"):
        with pytest.raises(InputError):
            read(f"{world}/in/{typed}", world / "in")
    for typed in ("link.mp4", "near.mp4"):
        with pytest.raises(MediaRefused, match="it is a link"):
            read(f"{world}/in/{typed}", world / "in")


def test_pipes_sockets_folders_and_other_files_are_refused_without_waiting(
    world: Path, descriptors: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(world / "in/pipe.mp4")
    monkeypatch.chdir(world / "in")  # addresses of sockets are short
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("sock.mp4")
    listener.close()
    (world / "in/text.mp4").write_text("not a video")
    (world / "in/large.mp4").write_bytes(VIDEO + bytes(1000))
    for name, reason in {
        "pipe.mp4": "named pipe",
        "sock.mp4": "device or socket",
        "text.mp4": "it is text",
        "large.mp4": "1000 are allowed",
        "sub": "it is a folder",
        "": "it is a folder",
    }.items():
        with pytest.raises(MediaRefused, match=reason):
            read(f"{world}/in/{name}", world / "in")


def test_a_device_within_the_folder_is_not_opened() -> None:
    opened = []

    def noticed(path: str, flags: int, **options: int) -> int:
        opened.append(path)
        return real(path, flags, **options)

    real = os.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beneath.os, "open", noticed)
        with pytest.raises(MediaRefused, match="device"):
            read("/dev/null", Path("/dev"))
    assert "null" not in opened


def test_a_file_swapped_after_the_check_is_not_read(
    world: Path, monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], int]
) -> None:
    real = os.stat

    def swap_then(answer: object, path: object) -> None:
        if path == "a.mp4":
            (world / "in/a.mp4").unlink()
            (world / "in/a.mp4").symlink_to(world / "out/b.mp4")

    def stat(path: object, **options: object) -> os.stat_result:
        found = real(path, **options)  # type: ignore[arg-type]
        if "dir_fd" in options:
            swap_then(found, path)
        return found

    monkeypatch.setattr(beneath.os, "stat", stat)
    with pytest.raises(InputError):
        read(f"{world}/in/a.mp4", world / "in")


def test_a_folder_swapped_on_the_way_leads_nowhere_else(
    world: Path, monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], int]
) -> None:
    (world / "out/ü ☃.mp4").write_bytes(SECRET)
    real = os.open

    def after(path: object, flags: int, **options: object) -> int:
        fd = real(path, flags, **options)  # type: ignore[arg-type]
        if path == "sub":
            (world / "in/sub").rename(world / "in/moved")
            (world / "in/sub").symlink_to(world / "out")
        return fd

    monkeypatch.setattr(beneath.os, "open", after)
    assert read(f"{world}/in/sub/ü ☃.mp4", world / "in") == VIDEO


def test_a_path_swapped_while_it_is_read_changes_nothing(world: Path) -> None:
    fd, name = open_beneath(f"{world}/in/a.mp4", [world / "in"], settings=SETTINGS)
    (world / "in/a.mp4").unlink()
    (world / "in/a.mp4").symlink_to(world / "out/b.mp4")
    with os.fdopen(fd, "rb") as file:
        assert file.read() == VIDEO
    assert name == "a.mp4"


def test_without_allowed_folders_there_is_no_path(world: Path) -> None:
    with pytest.raises(InputError, match="an allowed folder"):
        read(f"{world}/in/a.mp4")
