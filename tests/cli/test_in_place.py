"""`add --in-place`: a folder is used where it lies, and later adds report what became of it."""

from collections.abc import Callable
from pathlib import Path

from tests.support.scenes import make_scene

Shell = Callable[..., tuple[int, str, str]]


def test_the_shell_adds_a_folder_in_place_and_reports_what_becomes_of_it(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for number, name in enumerate(("a.mp4", "b.mp4")):
        make_scene(films / name, 20 + number, seconds=3.0)
    originals = len(list(folder.rglob("original")))
    code, out, _ = shell("add", "--in-place", films)
    assert (code, "2 added, 0 not added" in out) == (0, True)
    assert len(list(folder.rglob("original"))) == originals
    (films / "a.mp4").rename(films / "new name.mp4")
    (films / "b.mp4").rename(tmp_path / "away.mp4")
    code, out, _ = shell("add", "--in-place", films)
    assert f"moved    a.mp4  {films / 'a.mp4'}  →  {films / 'new name.mp4'}" in out
    assert f"missing  b.mp4  {films / 'b.mp4'}" in out
    code, out, _ = shell("places")
    assert code == 1
    assert f"missing  b.mp4  {films / 'b.mp4'}" in out
    (tmp_path / "away.mp4").rename(films / "b.mp4")
    code, out, _ = shell("places")
    assert f"back     b.mp4  {films / 'b.mp4'}" in out
    code, out, _ = shell("doctor")
    assert "is gone" not in out
    code, out, _ = shell("search", films / "new name.mp4", "--json")
    assert code == 0
