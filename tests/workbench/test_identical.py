"""A clip whose very bytes are in the library already: said so in every form of the answer."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.exports.search import search_as_dict
from visil_dash.matching.headline import headline
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.questions import search_frame
from visil_dash.workbench.reports import search_report


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(copy_library(copy_world(), tmp_path / "library")) as opened:
        yield opened


@pytest.fixture
def twin(bench: Workbench, tmp_path: Path) -> Path:
    """The bytes of market.mp4 under another name, outside the library."""
    path = tmp_path / "mine.mp4"
    shutil.copyfile(bench.library.media_path(bench.library.video("market.mp4").video_id), path)
    return path


def test_a_byte_identical_copy_names_the_original_and_lists_the_rest(
    bench: Workbench, twin: Path
) -> None:
    result = bench.search(bench.open_clip(twin).query_id, exhaustive=True)
    assert result.identical_to == "market.mp4"
    assert "already in the library as market.mp4" in result.notices[0]
    assert headline(result).startswith("Already in the library as market.mp4; apart from it, ")
    assert {m.name for m in result.matches} == {v.name for v in bench.videos()} - {"market.mp4"}
    assert search_as_dict(result)["identical_to"] == "market.mp4"
    assert "already in the library as market.mp4" in search_report(
        bench, result, matches=5, spans=1
    )


def test_a_library_video_and_a_new_clip_are_not_called_identical(
    bench: Workbench, twin: Path
) -> None:
    for query in ("market.mp4", "excerpt.mp4"):
        result = bench.search(query)
        assert (result.identical_to, search_as_dict(result)["identical_to"]) == ("", None)
        assert "Already" not in headline(result)
    bench.remove("market.mp4")
    assert bench.search(bench.open_clip(twin).query_id).identical_to == ""


def test_the_nearest_videos_of_an_identical_copy_say_so_too(bench: Workbench, twin: Path) -> None:
    result = bench.search_nearest(bench.open_clip(twin).query_id, most=2)
    assert result.identical_to == "market.mp4"


def test_the_nearest_frames_of_an_identical_copy_say_so_too(bench: Workbench, twin: Path) -> None:
    result = search_frame(bench, bench.open_clip(twin).query_id, 4.0, most=3)
    assert "already in the library as market.mp4" in result.notice
    named = {frames[0].name for frames in result.videos}
    assert named
    assert "market.mp4" not in named
    assert search_frame(bench, "excerpt.mp4", 4.0, most=3).notice == ""


def test_a_clip_of_one_frame_is_said_to_have_no_certain_place(
    bench: Workbench, tmp_path: Path
) -> None:
    short = make_scene(tmp_path / "short.mp4", 1, start=3, seconds=1)
    clip = bench.open_clip(short)
    assert len(clip.features) == 1
    result = bench.search(clip.query_id, exhaustive=True)
    assert any("only one frame of it was sampled" in notice for notice in result.notices)
    assert all(len(match.segments) <= 1 for match in result.matches)
    assert not any("one frame" in n for n in bench.search("market.mp4").notices)


def test_the_shell_says_so_in_text_and_json(
    bench: Workbench,
    twin: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = bench.library.folder
    bench.close()
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    assert main(["search", str(twin), "--library", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"{twin}: already in the library as market.mp4; " in out
    assert "note: This clip is already in the library as market.mp4" in out
    assert main(["search", str(twin), "--library", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical_to"] == "market.mp4"
