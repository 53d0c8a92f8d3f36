"""The folder of libraries (library/folders.py): which there are, and making one."""

from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.page_world import shared_library
from tests.support.scenes import make_scene
from visil_dash.errors import InputError
from visil_dash.library.folders import libraries_in, new_library_folder


def test_folders_with_a_library_or_room_for_one_are_offered(tmp_path: Path) -> None:
    root = tmp_path / "libraries"
    assert libraries_in(root) == ()
    copy_library(shared_library(), root / "films")
    (root / "empty").mkdir()
    (root / "photos").mkdir()
    (root / "photos" / "a.jpg").write_bytes(b"x")
    (root / ".hidden").mkdir()
    (root / "link").symlink_to(root / "films")
    make_scene(root / "clip.mp4", 1, seconds=1)
    assert [path.name for path in libraries_in(root)] == ["empty", "films"]


@pytest.mark.parametrize(
    "name", ["", "  ", ".hidden", "..", "a/b", "../up", "/etc", "a\\b", "x\0", "a" * 61, "-rf"]
)
def test_a_hostile_name_makes_no_library(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        new_library_folder(tmp_path / "libraries", name)
    assert list(tmp_path.rglob("*")) == []


def test_a_new_library_gets_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    folder = new_library_folder(tmp_path / "libraries", " Films 2024 ")
    assert folder == tmp_path / "libraries" / "Films 2024"
    assert libraries_in(folder.parent) == (folder,)
    with pytest.raises(InputError, match="there is one of this name"):
        new_library_folder(tmp_path / "libraries", "Films 2024")
