"""What a proof costs is measured on pairs that are proved, beside what decoding alone costs."""

import sys

import cv2
import pytest

from benchmarks import proof_cost
from tests.support.filming import film, write_film


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_film(folder / "few lines.mp4", film(1, 1, 4))
    write_film(folder / "short.mp4", [cv2.resize(f, (720, 406)) for f in film(1, 1, 2)])
    write_film(folder / "clip.mp4", [cv2.resize(f, (720, 406)) for f in film(2, 1, 4)])
    (folder / "notes.txt").write_text("no video")
    return folder


def test_a_further_match_costs_less_than_the_first_and_more_than_decoding(clips, tmp_path):
    (cost,) = proof_cost.costs(clips, tmp_path, seconds=3.0)
    assert (cost.clip, cost.state) == ("clip.mp4", "proved")
    assert cost.decoding_reference < cost.further < cost.first
    assert cost.decoding_reference < cost.decoding < cost.first


def test_a_folder_without_such_clips_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["proof_cost", "--videos", str(tmp_path), "--out", str(tmp_path / "copies")]
    )
    assert proof_cost.main() == 1
    assert "400 to 576 lines" in capsys.readouterr().err
