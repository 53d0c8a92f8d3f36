"""Parts of one clip are other takes of one place, unless the clip repeats itself."""

import sys

import pytest

from benchmarks import takes
from tests.support.filming import film, write_film
from visil_dash.records import ProofState

SECONDS = 9.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    once = film(1, 1, SECONDS)
    write_film(folder / "once.mp4", once)
    loop = once[: len(once) // 2]
    write_film(folder / "twice.mp4", [*loop, *loop])
    write_film(folder / "short.mp4", once[:40])
    (folder / "notes.txt").write_text("no video")
    return folder


def test_a_clip_that_repeats_itself_is_told_from_one_that_goes_on(clips, tmp_path):
    found = {take.clip: takes.verified(take) for take in takes.takes(clips, tmp_path, part="first")}
    assert set(found) == {"once.mp4", "twice.mp4"}
    assert found["once.mp4"].state is ProofState.CONTRADICTED
    assert found["twice.mp4"].state is ProofState.PROVED


def test_what_is_proved_is_pictured_and_fails(clips, tmp_path, monkeypatch, capsys):
    options = ["--videos", str(clips), "--out", str(tmp_path), "--json", str(tmp_path / "all.json")]
    monkeypatch.setattr(sys, "argv", ["takes", *options])
    assert takes.main() == 1
    assert [p.name for p in tmp_path.glob("*.png")] == ["twice.mp4.first.png"]
    assert "same place, in motion: 2: 1 proved, 1 contradicted, 0 undecidable" in (
        capsys.readouterr().out
    )
