"""The demo set: the anchor's footage is proved, its place or moment filmed otherwise is not."""

import csv
from pathlib import Path

import av
import pytest

from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.records import ProofState, Segment
from visil_dash.settings import Settings

DEMO = Path(__file__).resolve().parents[2] / "demo"
with (DEMO / "labels.csv").open(newline="") as stream:
    ROWS = [row for row in csv.DictReader(stream) if row["relation"] != "ANCHOR"]
SCENES = sorted({row["scene"] for row in ROWS})
WHOLE = Segment(0.0, 16.0, 0.0, 16.0, 0.8)  # no hint of where anything is


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_footage_is_proved_where_it_is_and_another_camera_or_day_is_not(scene):
    anchor = VideoFile(DEMO / "videos" / f"{scene}_anchor.mp4", length(f"{scene}_anchor.mp4"))
    verifier = Verifier(anchor, settings=Settings())
    for row in (row for row in ROWS if row["scene"] == scene):
        video = VideoFile(DEMO / "videos" / row["file"], length(row["file"]))
        proof = verifier.verify(video, [WHOLE])
        if row["relation"] in ("CS", "IS"):
            assert proof.state is not ProofState.PROVED, row["file"]
            continue
        assert proof.state is ProofState.PROVED, row["file"]
        assert not proof.span.reversed
        shift = float(row["shared_start"]) - float(row["anchor_start"])
        assert proof.span.reference_start - proof.span.query_start == pytest.approx(shift, abs=0.7)
        covered = proof.span.query_end - proof.span.query_start
        assert covered > 0.9 * (float(row["anchor_end"]) - float(row["anchor_start"]))


def length(file):
    with av.open(str(DEMO / "videos" / file)) as container:
        return float(container.duration) / 1e6
