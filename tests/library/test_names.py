"""One video keeps every name and place that its bytes were added under, until the last is gone."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.fakes import fake_model
from tests.support.library_fakes import content_id, fake_info, old_library, small_settings
from tests.support.pair_world import copy_world
from visil_dash.cli.main import main
from visil_dash.library.store import Library, open_library
from visil_dash.records import VideoRecord


def put(library: Library, name: str, place: str) -> VideoRecord:
    staged = library.stage(name)
    staged.write_bytes(b"one")
    return library.put_video(staged, name=name, info=fake_info(), place=place)


ADDED = [
    ("a.mp4", "/videos/a.mp4"),
    ("a.mp4", "/videos/a.mp4"),  # again
    ("b.mp4", "/videos/b.mp4"),
    ("a.mp4", "/copies/a.mp4"),
    ("sent.mp4", ""),  # an upload has no place
]


def test_every_name_and_place_is_kept_and_survives_reopening(tmp_path: Path) -> None:
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        for name, place in ADDED:
            put(library, name, place)
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        [video] = library.videos()
    assert (video.name, video.other_names) == ("a.mp4", ("b.mp4", "sent.mp4"))
    assert video.places == ("/videos/a.mp4", "/videos/b.mp4", "/copies/a.mp4")


def test_a_name_goes_with_its_places_and_the_next_becomes_the_first(tmp_path: Path) -> None:
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        for name, place in ADDED:
            put(library, name, place)
        revision = library.revision()
        left = library.remove_name(content_id(b"one"), "a.mp4")
        assert (left.name, left.other_names) == ("b.mp4", ("sent.mp4",))
        assert left.places == ("/videos/b.mp4",)
        assert library.revision() > revision, "viewers see it"
        assert library.remove_name(content_id(b"one"), "sent.mp4").other_names == ()
        for name in ("b.mp4", "a.mp4"):
            with pytest.raises(ValueError, match="expected one of several"):
                library.remove_name(content_id(b"one"), name)
        assert library.media_path(content_id(b"one")).read_bytes() == b"one"
        library.remove(content_id(b"one"))
        assert put(library, "a.mp4", "/new/a.mp4").places == ("/new/a.mp4",)


def test_an_older_library_has_no_places_and_takes_new_ones(tmp_path: Path) -> None:
    old_library(tmp_path / "library")
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        [video] = library.videos()
        assert (video.name, video.places) == ("old.mp4", ())
        again = put(library, "old.mp4", "/videos/old.mp4")
        assert (again.name, again.other_names) == ("old.mp4", ())
        assert again.places == ("/videos/old.mp4",)


def test_places_survive_a_damaged_catalogue(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with open_library(folder, settings=small_settings()) as library:
        for name, place in ADDED:
            put(library, name, place)
        before = library.videos()
        library.set_setting("wrong", 1)
    database = sqlite3.connect(folder / "catalogue.db")
    database.execute("UPDATE settings SET value = '2'")
    database.commit()
    database.close()
    with open_library(folder, settings=small_settings()) as library:
        assert "was damaged" in library.notice
        assert library.videos() == before


# -- from a folder and from the shell -------------------------------------------------------


@pytest.fixture
def twice(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A library with one video, added from two folders under two names."""
    with fake_bench(copy_library(copy_world(), tmp_path / "library")) as bench:
        market = bench.library.video("market.mp4")
        files = [tmp_path / "here" / "first.mp4", tmp_path / "there" / "second.mp4"]
        for file in files:
            file.parent.mkdir()
            file.write_bytes(bench.library.media_path(market.video_id).read_bytes())
        bench.remove(market.video_id)
        fill(bench, files)
    return tmp_path / "library", files


@pytest.fixture
def shell(
    twice: tuple[Path, list[Path]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[int, str]]:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())

    def run(*arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--library", str(twice[0])])
        return code, capsys.readouterr().out

    return run


def test_the_shell_lists_both_names_with_their_folders(
    shell: Callable[..., tuple[int, str]], twice: tuple[Path, list[Path]]
) -> None:
    code, out = shell("list")
    assert code == 0
    assert "first.mp4 (also second.mp4)" in out
    assert all(f"added from {file}" in out for file in twice[1])
    assert all(str(file) in shell("list", "--json")[1] for file in twice[1])


def test_removing_one_name_keeps_the_video_until_the_last(
    shell: Callable[..., tuple[int, str]],
) -> None:
    code, out = shell("remove", "first.mp4")
    assert code == 0
    assert "name      first.mp4 removed; the video stays as second.mp4" in out
    assert "second.mp4" in shell("list")[1]
    code, out = shell("remove", "second.mp4")
    assert (code, out) == (0, "removed   second.mp4\n")
    assert "second.mp4" not in shell("list")[1]


def test_removing_by_id_removes_all_names(
    shell: Callable[..., tuple[int, str]], twice: tuple[Path, list[Path]]
) -> None:
    with open_library(twice[0], settings=small_settings()) as library:
        video = library.video("second.mp4")
    assert shell("remove", video.video_id[:12])[0] == 0
    assert "first.mp4" not in shell("list")[1]
