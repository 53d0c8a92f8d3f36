"""Query clips: on disk at once, one copy of the same bytes, private, gone after their session."""

import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from visil_dash.errors import InputError
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.media.allowed import allowed_folders, allowed_path
from visil_dash.settings import Settings
from visil_dash.ui.shell.uploads import GRACE_SECONDS, Clips, sweep_dead


class World:
    """Sessions that come and go, a clock, and the ids of deleted clips."""

    def __init__(self) -> None:
        self.now, self.live = 1000.0, {"a", "b"}
        self.gone: list[str] = []
        self.ended: list[str] = []

    def clips(self, root: Path, **limits: Any) -> Clips:
        return Clips(
            Settings(**({"min_free_bytes": 0} | limits)),
            alive=lambda session: session in self.live,
            gone=self.gone.append,
            ended=self.ended.append,
            root=root,
            clock=lambda: self.now,
        )


@pytest.fixture
def world() -> World:
    return World()


def files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and p.name != "lock")


def test_an_upload_lies_on_disk_under_a_name_that_the_server_made(
    tmp_path: Path, world: World
) -> None:
    clips = world.clips(tmp_path)
    data = os.urandom(3_000_000)
    clip = clips.take("a", io.BytesIO(data), name="../../etc/pass\u202ewd<b>.mp4")
    assert clip.query_id == hashlib.sha256(data).hexdigest()
    assert clip.path.read_bytes() == data
    assert files(tmp_path) == [clip.path]
    assert clip.path.relative_to(tmp_path).parts[1:] == (clip.query_id, "original")
    assert "\u202e" not in clip.name
    assert clips.folder.stat().st_mode & 0o077 == 0


def test_a_session_sees_its_own_clips_only(tmp_path: Path, world: World) -> None:
    clips = world.clips(tmp_path)
    clips.take("a", io.BytesIO(b"one"), name="1")
    clips.take("b", io.BytesIO(b"two"), name="2")
    assert [clip.name for clip in clips.of("a")] == ["1"]
    assert [clip.name for clip in clips.of("b")] == ["2"]
    assert clips.of("c") == ()


def test_the_same_bytes_of_two_sessions_live_until_the_last_has_gone(
    tmp_path: Path, world: World
) -> None:
    clips = world.clips(tmp_path)
    first = clips.take("a", io.BytesIO(b"same"), name="1")
    second = clips.take("b", io.BytesIO(b"same"), name="2")
    assert first.path == second.path
    clips.drop("a", first.query_id)
    assert (second.path.read_bytes(), world.gone) == (b"same", [])
    clips.drop("b", second.query_id)
    assert (files(tmp_path), world.gone) == ([], [first.query_id])


def test_a_session_that_ended_loses_its_clips_within_five_minutes(
    tmp_path: Path, world: World
) -> None:
    clips = world.clips(tmp_path)
    clip = clips.take("a", io.BytesIO(b"one"), name="1")
    kept = clips.take("b", io.BytesIO(b"two"), name="2")
    world.live = {"b"}
    left = 0.0
    while clip.path.exists() and left < 300:
        clips.sweep()
        world.now += 20
        left += 20
    assert left < 300
    assert world.gone == [clip.query_id]
    assert world.ended == ["a"]
    assert kept.path.exists()


def test_a_deleted_clip_is_remembered_for_the_one_who_had_it(tmp_path: Path, world: World) -> None:
    clips = world.clips(tmp_path)
    clip = clips.take("a", io.BytesIO(b"one"), name="1")
    assert not clips.was_deleted("a", clip.query_id)
    clips.drop("a", clip.query_id)
    assert clips.was_deleted("a", clip.query_id[:16])
    assert not clips.was_deleted("b", clip.query_id[:16])


def test_a_tab_that_comes_back_soon_finds_its_clips(tmp_path: Path, world: World) -> None:
    clips = world.clips(tmp_path)
    clip = clips.take("a", io.BytesIO(b"one"), name="1")
    world.live = set()
    world.now += GRACE_SECONDS - 1
    clips.sweep()
    world.live = {"a"}
    clips.sweep()
    world.live = set()
    world.now += GRACE_SECONDS - 1
    clips.sweep()
    assert clip.path.exists()


@pytest.mark.parametrize(
    ("data", "limits", "reason"),
    [
        (b"", {}, "empty"),
        (b"x" * 101, {"max_file_bytes": 100}, "larger than 100 B"),
        (b"x" * 60, {"session_bytes": 100}, "100 B in total"),
    ],
)
def test_what_is_over_a_limit_is_refused_and_leaves_nothing(
    tmp_path: Path, world: World, data: bytes, limits: dict[str, int], reason: str
) -> None:
    clips = world.clips(tmp_path, **limits)
    before = clips.take("a", io.BytesIO(b"y" * 50), name="before")
    with pytest.raises(InputError, match=reason):
        clips.take("a", io.BytesIO(data), name="clip")
    assert files(tmp_path) == [before.path]
    clips.drop("a", before.query_id)
    if data and reason.endswith("in total"):
        assert clips.take("a", io.BytesIO(data), name="clip").bytes == 60


def test_a_nearly_full_disk_takes_no_upload(tmp_path: Path, world: World) -> None:
    clips = world.clips(tmp_path, min_free_bytes=2**62)
    with pytest.raises(InputError, match="disk is nearly full"):
        clips.take("a", io.BytesIO(b"x"), name="clip")
    assert files(tmp_path) == []


def test_clips_of_a_process_that_was_killed_are_swept_and_those_of_a_live_one_stay(
    tmp_path: Path,
) -> None:
    dead, live, fresh = (tmp_path / name for name in ("dead", "live", "fresh"))
    for folder in (dead, live, fresh):
        folder.mkdir()
        (folder / "clip").write_bytes(b"x")
    (dead / "lock").touch()
    lock = WriterLock(live / "lock")
    assert lock.acquire()
    sweep_dead(tmp_path)
    assert (dead.exists(), live.exists(), fresh.exists()) == (False, True, True)
    os.utime(fresh, (time.time() - 3600,) * 2)
    sweep_dead(tmp_path)
    assert not fresh.exists()
    lock.release()


def test_the_folder_goes_with_its_process(tmp_path: Path, world: World) -> None:
    clips = world.clips(tmp_path)
    clips.start()
    clips.take("a", io.BytesIO(b"one"), name="1")
    clips.close()
    assert list(tmp_path.iterdir()) == []


def test_path_boxes_accept_only_what_lies_in_an_allowed_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.mp4").touch()
    (outside / "b.mp4").touch()
    (inside / "link.mp4").symlink_to(outside / "b.mp4")
    settings = Settings(allowed_folders=os.pathsep.join([str(inside), str(tmp_path / "absent")]))
    assert allowed_folders(settings) == (inside.resolve(),)
    assert allowed_path(f"  {inside}/a.mp4 ", settings=settings) == (inside / "a.mp4").resolve()
    assert allowed_path(str(inside), settings=settings) == inside.resolve()
    for typed in (
        "",
        "a.mp4",
        str(outside / "b.mp4"),
        str(inside / "link.mp4"),
        f"{inside}/../out/b.mp4",
        str(inside / "missing.mp4"),
        str(tmp_path),
        f"{inside}\0",
        "http://127.0.0.1/x.mp4",
        f"file:{inside}/a.mp4",
        f"concat:{inside}/a.mp4",
        "~root/x",
        "x" * 5000,
    ):
        with pytest.raises(InputError, match="no such file or folder"):
            allowed_path(typed, settings=settings)


def test_without_allowed_folders_no_path_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(InputError):
        allowed_path(str(tmp_path / "a.mp4"), settings=Settings(allowed_folders=""))
