"""A case file holds its evidence, and every later change of it or of its videos is noticed."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.benches import filled_library
from tests.support.fakes import fake_model
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.library.paths import media_file
from visil_dash.media.files import content_hash
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library, a clip from outside and a case of two pairs; copy it to change it.

    The files that the library was filled from are no longer where they lay.
    """
    root = tmp_path_factory.mktemp("case")
    (root / "videos").mkdir()
    market = make_scene(root / "videos" / "market.mp4", 1, seconds=8.0)
    excerpt = make_scene(root / "videos" / "excerpt.mp4", 1, start=3.0, seconds=4.0)
    folder = filled_library(root / "library", [market, excerpt])
    (root / "videos").rename(root / "away")
    clip = make_scene(root / "clip.mp4", 1, start=2.0, seconds=4.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
        where = ["--library", str(folder)]
        note = ["--note", "<b>same</b> stall", "--by", "ann"]
        assert main(["case", "pin", "excerpt.mp4", "market.mp4", *note, *where]) == 0
        assert main(["case", "pin", str(clip), "market.mp4", "--by", "bob", *where]) == 0
        assert main(["case", "export", str(root / "case.zip"), *where]) == 0
    return root


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "world"))


@pytest.fixture
def shell(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    settings = Settings(library=world / "library", min_free_bytes=0)
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


def manifest(world: Path) -> dict[str, Any]:
    with zipfile.ZipFile(world / "case.zip") as archive:
        read: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return read


def ids(world: Path) -> dict[str, str]:
    return {path.name: content_hash(path) for path in (world / "away").iterdir()}


def rewrite(case: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(case) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(case, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_case_names_all_that_made_it_and_shows_both_sides(world: Path) -> None:
    said = manifest(world)
    assert {"visil_dash", "python", "torch", "numpy", "FFmpeg of av"} <= said["made_with"].keys()
    assert said["model"]["weights_sha256"] == fake_model().weights_sha256
    assert said["model"]["frames_per_second"] == 1.0
    videos = {video["sha256"]: video for video in said["videos"]}
    assert set(ids(world).values()) < videos.keys()
    assert videos[ids(world)["market.mp4"]]["places"][0].endswith("videos/market.mp4")
    first, second = said["pairs"]
    assert (first["by"], first["note"], second["by"]) == ("ann", "<b>same</b> stall", "bob")
    for pair in (first, second):
        assert pair["result"]["match"]
        assert pair["result"]["proof"]["state"] == "proved"
        assert pair["frames"]
    with zipfile.ZipFile(world / "case.zip") as archive:
        report = archive.read("report.html").decode()
        assert archive.read(first["frames"][0]).startswith(b"\xff\xd8")
    assert "&lt;b&gt;same&lt;/b&gt; stall" in report
    assert report.count("data:image/jpeg") == len(first["frames"]) + len(second["frames"])
    assert "<script" not in report
    assert "http" not in report.replace("http-equiv", "")


def test_a_case_holds_while_nothing_changes(shell: Shell, world: Path) -> None:
    code, out, _ = shell("verify", world / "case.zip")
    assert code == 0
    assert "the case holds: 2 pairs" in out
    assert out.count("unchanged") == 3


def test_videos_that_moved_are_found_where_the_reader_says(shell: Shell, world: Path) -> None:
    shutil.rmtree(world / "library")
    code, out, _ = shell("verify-case", world / "case.zip")
    assert (code, out.count("MISSING"), "does NOT hold" in out) == (1, 2, True)
    moved = world / "archive" / "deep"
    moved.mkdir(parents=True)
    for name in ("market.mp4", "excerpt.mp4"):
        shutil.copy(world / "away" / name, moved / f"renamed-{name}")
    assert shell("verify-case", world / "case.zip", world / "archive")[0] == 0


def test_one_changed_byte_of_a_video_refuses_the_case(shell: Shell, world: Path) -> None:
    flip_a_byte(media_file(world / "library", ids(world)["market.mp4"]))
    code, out, _ = shell("verify-case", world / "case.zip", "--json")
    assert code == 1
    *videos, conclusion = [json.loads(line) for line in out.splitlines()]
    assert conclusion == {"holds": False}
    assert [v["name"] for v in videos if v["path"] is None] == ["market.mp4"]
    assert [v["name"] for v in videos if v["changed"]] == ["market.mp4"]


@pytest.mark.parametrize("member", ["report.html", "frames/1-01.jpg"])
def test_one_changed_byte_of_the_case_refuses_it(shell: Shell, world: Path, member: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[member] = members[member][:-1] + b"x"

    rewrite(world / "case.zip", change)
    code, _, err = shell("verify-case", world / "case.zip")
    assert (code, f"{member}: was changed" in err) == (1, True)


def test_members_that_go_or_come_are_noticed(shell: Shell, world: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        del members["report.html"]
        members["other.html"] = b"x"

    rewrite(world / "case.zip", change)
    code, _, err = shell("verify-case", world / "case.zip")
    assert code == 1
    assert "report.html: is missing" in err
    assert "other.html: does not belong to the case" in err


def test_a_case_rewritten_as_a_whole_is_noticed_by_the_noted_hash(
    shell: Shell, world: Path
) -> None:
    """Nothing inside can show it: that is what the hash is shown for."""
    code, out, _ = shell("case", "export", world / "second.zip", "--json")
    assert code == 0
    noted = json.loads(out)["manifest_sha256"]
    assert shell("verify-case", world / "second.zip", "--sha256", noted)[0] == 0
    said = manifest(world)
    said["pairs"][0]["note"] = "another"

    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(said).encode()

    rewrite(world / "case.zip", change)
    assert shell("verify-case", world / "case.zip")[0] == 0
    code, _, err = shell("verify-case", world / "case.zip", "--sha256", noted)
    assert (code, "another one than was noted" in err) == (1, True)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_case_file_is_refused(shell: Shell, world: Path, data: bytes) -> None:
    (world / "case.zip").write_bytes(data)
    code, _, err = shell("verify-case", world / "case.zip")
    assert (code, "case.zip" in err, "no case file" in err) == (2, True, True)


def test_pins_are_listed_taken_out_and_needed(shell: Shell, world: Path) -> None:
    assert "ann" in shell("case", "list")[1]
    assert shell("case", "unpin", "excerpt.mp4", "market.mp4")[0] == 0
    assert shell("case", "unpin", "excerpt.mp4", "market.mp4")[0] == 2
    assert len(shell("case", "list")[1].splitlines()) == 1
    assert shell("case", "pin", "gone.mp4", "market.mp4")[0] == 2
    (clip,) = [
        json.loads(line)["query"] for line in shell("case", "list", "--json")[1].splitlines()
    ]
    assert shell("case", "unpin", clip, "market.mp4")[0] == 0
    code, _, err = shell("case", "export", world / "empty.zip")
    assert (code, "case pin" in err, (world / "empty.zip").exists()) == (2, True, False)
