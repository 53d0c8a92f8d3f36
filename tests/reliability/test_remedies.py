"""An answer says what it lacks, and the remedy that a message names is carried out here.

Each damage is done to a closed library; the commands are those that a user types.
"""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world, ids
from visil_dash.cli.main import main
from visil_dash.index.frames import FrameSpace
from visil_dash.labels.label import Label
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.store import open_library
from visil_dash.matching.rerank import rerank
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]
SETTINGS = Settings(min_free_bytes=0, threads=1, proof_seconds=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of a market, an excerpt of it and two others, with an index, labels and tags."""
    library = copy_library(copy_world(), tmp_path / "library")
    with fake_bench(library, start_worker=False) as bench:
        bench.space.rebuild(background=False)
        bench.library.set_label(Label(ids()["excerpt.mp4"], ids()["market.mp4"], "match"))
        bench.library.set_tags(ids()["market.mp4"], ("holiday",))
        bench.library.set_setting("match_score:fake", 0.5)
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _n, **_k: fake_model())
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: SETTINGS)
    return library


@pytest.fixture
def shell(folder: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, arguments), "--library", str(folder)])
        return (code, *capsys.readouterr())

    return run


def blob_of(folder: Path, name: str) -> Path:
    [path] = folder.glob(f"features/*/{ids()[name]}.safetensors")
    return path


def media_of(folder: Path, name: str) -> Path:
    return folder / "media" / ids()[name] / "original"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def labels_and_tags(folder: Path) -> tuple[object, ...]:
    with open_library(folder, settings=SETTINGS) as library:
        return library.labels(), library.video(ids()["market.mp4"]).tags


def matches(out: str) -> list[str]:
    return [match["name"] for match in json.loads(out)["matches"]]


# -- damaged features -----------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [True, False], ids=["index sound", "index gone too"])
def test_a_search_says_in_its_first_line_that_a_video_could_not_be_searched(
    shell: Shell, folder: Path, indexed: bool
) -> None:
    code, out, _ = shell("search", "excerpt.mp4", "--exhaustive")
    assert (code, "could not be searched" in out) == (0, False)
    flip(blob_of(folder, "market.mp4"))
    if not indexed:
        shutil.rmtree(folder / "index")
    for mode in ((), ("--exhaustive",)):
        code, out, _ = shell("search", "excerpt.mp4", *mode)
        assert code == 1
        assert "1 video could not be searched" in out.splitlines()[0]
        assert "missing: 1 of 4 videos could not be searched: " in out
        assert "market.mp4: " not in out
    code, out, _ = shell("search", "excerpt.mp4", "--json")
    assert code == 1
    assert list(json.loads(out)["skipped"]) == [ids()["market.mp4"]]


@pytest.mark.parametrize("remedy", ["add", "doctor"])
def test_damaged_features_are_made_again_by_either_remedy_and_labels_stay(
    shell: Shell, folder: Path, tmp_path: Path, remedy: str
) -> None:
    before, found = labels_and_tags(folder), matches(shell("search", "excerpt.mp4", "--json")[1])
    assert "market.mp4" in found
    sound = blob_of(folder, "market.mp4").read_bytes()
    again = Path(shutil.copy(media_of(folder, "market.mp4"), tmp_path / "market.mp4"))
    flip(blob_of(folder, "market.mp4"))
    _, out, _ = shell("search", "excerpt.mp4")
    assert "python -m visil_dash doctor --repair" in out
    assert "Adding the video again remakes it too" in out
    if remedy == "add":
        assert shell("add", again)[0] == 0
    else:
        assert shell("doctor", "--repair")[0] == 0
    assert blob_of(folder, "market.mp4").read_bytes() == sound
    code, out, _ = shell("search", "excerpt.mp4", "--json")
    assert (code, matches(out)) == (0, found)
    assert labels_and_tags(folder) == before
    assert shell("index", "verify")[:2] == (0, "no problems\n")


def test_verify_names_path_and_remedy_once(shell: Shell, folder: Path) -> None:
    flip(blob_of(folder, "market.mp4"))
    code, out, _ = shell("index", "verify")
    assert code == 1
    assert out.count(blob_of(folder, "market.mp4").name) == 1
    assert out.count("doctor --repair") == 1


def test_without_the_check_the_answer_would_be_shorter_without_a_word(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a search that drops what it cannot read."""
    flip(blob_of(folder, "market.mp4"))
    monkeypatch.setattr(
        "visil_dash.workbench.search.rerank", lambda *a, **k: (rerank(*a, **k)[0], {})
    )
    code, out, _ = shell("search", "excerpt.mp4", "--exhaustive")
    assert (code, "could not be searched" in out, "market.mp4: " in out) == (0, False, False)


# -- doctor ---------------------------------------------------------------------------------


def test_doctor_says_what_it_would_do_and_does_nothing_unasked(shell: Shell, folder: Path) -> None:
    code, out, _ = shell("doctor")
    assert code == 0, out
    assert "all is well" in out
    for subject in ("ffmpeg", "disk", "weights", "videos", "features", "index"):
        assert f" {subject} " in out
    flip(blob_of(folder, "market.mp4"))
    stray = folder / "features" / "fake-x" / f"{'ab' * 32}.safetensors"
    stray.parent.mkdir()
    stray.write_bytes(b"of nothing")
    before = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    code, out, _ = shell("doctor")
    assert code == 1
    assert "would, with --repair, extract the features of market.mp4 again" in out
    assert f"would, with --repair, move {stray.name} to quarantine/" in out
    assert {path: path.read_bytes() for path in folder.rglob("*.safetensors")} == before
    code, out, _ = shell("doctor", "--repair")
    assert code == 0, out
    assert "will extract the features of market.mp4 again" in out
    assert not stray.exists()
    assert "all is well" in shell("doctor")[1]


def test_doctor_rebuilds_a_damaged_index(shell: Shell, folder: Path) -> None:
    with fake_bench(folder, start_worker=False) as bench:
        assert bench.space.status().generation
        [graph] = folder.glob("index/*/*/gen-*/index.bin")
        flip(graph)
        assert any("index.bin" in text for text in bench.space.verify())
    code, out, _ = shell("doctor", "--repair")
    assert code == 0, out
    assert shell("index", "verify")[0] == 0


# -- a damaged catalogue --------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "search", "add", "pairwise", "doctor"])
def test_every_command_says_that_the_catalogue_was_remade_and_what_is_lost(
    shell: Shell, folder: Path, tmp_path: Path, command: str
) -> None:
    new = Path(shutil.copy(media_of(folder, "market.mp4"), tmp_path / "again.mp4"))
    for path in folder.glob("catalogue.db*"):
        path.unlink()
    arguments = {"search": ["excerpt.mp4"], "add": [new]}.get(command, [])
    _, _, err = shell(command, *arguments)
    for text in ("4 videos were restored", "Lost", "tags", "settings with thresholds", "labels"):
        assert text in err
    assert "python -m visil_dash restore" in err


def test_a_backup_brings_labels_tags_and_settings_back(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    """The remedy that the message on a damaged catalogue names."""
    before = labels_and_tags(folder)
    assert shell("backup", tmp_path / "backup", "--verify")[0] == 0
    for path in folder.glob("catalogue.db*"):
        path.unlink()
    assert "restore" in shell("list")[2]
    assert labels_and_tags(folder) != before
    folder.rename(tmp_path / "old")
    assert shell("restore", tmp_path / "backup")[0] == 0
    assert labels_and_tags(folder) == before
    assert shell("doctor")[0] == 0


# -- media removed behind the library's back -------------------------------------------------


@pytest.mark.parametrize("damage", [Path.unlink, flip], ids=["gone", "altered"])
def test_a_media_file_comes_back_when_it_is_added_again(
    shell: Shell, folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    before = labels_and_tags(folder)
    original = media_of(folder, "market.mp4")
    again = Path(shutil.copy(original, tmp_path / "market.mp4"))
    damage(original)
    code, out, _ = shell("index", "verify")
    assert code == 1
    assert "Add the same file again" in out
    code, out, _ = shell("doctor", "--repair")
    assert (code, "Add the same file again" in out) == (1, True)
    assert shell("add", again)[0] == 0
    assert original.read_bytes() == again.read_bytes()
    assert shell("index", "verify")[0] == 0
    assert labels_and_tags(folder) == before


# -- folders that cannot be written ----------------------------------------------------------


def test_a_read_only_disk_is_called_by_its_name(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: WriterLock) -> bool:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(WriterLock, "acquire", refuse)
    code, _, err = shell("remove", "market.mp4")
    assert code == 2
    assert "the folder cannot be written (Read-only file system)" in err
    assert "another visil_dash" not in err
    assert shell("search", "excerpt.mp4")[0] == 0


def test_a_second_writer_is_called_by_its_name(shell: Shell, folder: Path) -> None:
    with open_library(folder, settings=SETTINGS):
        code, _, err = shell("remove", "market.mp4")
    assert code == 2
    assert "another visil_dash (process " in err


# -- waiting --------------------------------------------------------------------------------


def test_a_wait_for_the_index_is_explained(
    shell: Shell, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Path(shutil.copy(media_of(folder, "market.mp4"), tmp_path / "again.mp4"))
    monkeypatch.setattr(FrameSpace, "wait", lambda _self, timeout=None: timeout is None)
    _, _, err = shell("add", new)
    assert "waiting   for the index, which is being built" in err
