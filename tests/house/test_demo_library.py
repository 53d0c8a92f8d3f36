"""The demo library that is shipped: its files, their labels and their sizes agree."""

import csv
from pathlib import Path

import av
import pytest

DEMO = Path(__file__).resolve().parents[2] / "demo"
VIDEOS = DEMO / "videos"
HEADER = "file,scene,relation,anchor,shared_start,shared_end,anchor_start,anchor_end,note"
RELATIONS = ("ANCHOR", "ND", "DS", "CS", "IS")
TIMES = ("shared_start", "shared_end", "anchor_start", "anchor_end")


def labels() -> list[dict[str, str]]:
    with (DEMO / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def presentation_times(path: Path) -> list[float]:
    """Seconds at which every frame is shown; raises where a frame does not decode."""
    with av.open(str(path)) as container:
        return [float(frame.time or 0.0) for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def durations() -> dict[str, float]:
    """Length of every video in seconds, from its decoded frames."""
    lengths = {}
    for path in sorted(VIDEOS.iterdir()):
        times = presentation_times(path)
        assert times == sorted(times), path.name
        lengths[path.name] = times[-1] + (times[1] - times[0])
    return lengths


def test_the_header_is_the_documented_one() -> None:
    first = (DEMO / "labels.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first == HEADER


def test_five_scenes_with_one_video_of_each_relation() -> None:
    pairs = {(row["scene"], row["relation"]) for row in labels()}
    scenes = {scene for scene, _ in pairs}
    assert len(labels()) == 25
    assert len(scenes) == 5
    assert pairs == {(scene, relation) for scene in scenes for relation in RELATIONS}


def test_labels_and_files_name_each_other() -> None:
    assert {row["file"] for row in labels()} == {path.name for path in VIDEOS.iterdir()}
    for row in labels():
        assert row["file"] == f"{row['scene']}_{row['relation'].lower()}.mp4"
        assert row["anchor"] == f"{row['scene']}_anchor.mp4"
        assert row["note"]


def test_every_video_decodes_and_lasts_15_to_40_seconds(durations: dict[str, float]) -> None:
    assert len(durations) == 25
    wrong = {name: length for name, length in durations.items() if not 15 <= length <= 40}
    assert wrong == {}


def test_all_videos_together_stay_within_15_megabytes() -> None:
    assert sum(path.stat().st_size for path in VIDEOS.iterdir()) <= 15_000_000


def test_browsers_can_play_and_start_every_video_at_once() -> None:
    for path in VIDEOS.iterdir():
        with av.open(str(path)) as container:
            codec = container.streams.video[0].codec_context
            assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p"), path.name
        head = path.read_bytes()
        assert head.index(b"moov") < head.index(b"mdat"), f"{path.name}: not made for streaming"


def test_shared_spans_lie_within_both_videos(durations: dict[str, float]) -> None:
    for row in labels():
        if row["relation"] in ("ANCHOR", "IS"):
            assert [row[name] for name in TIMES] == [""] * 4
            continue
        start, end, anchor_start, anchor_end = (float(row[name]) for name in TIMES)
        # A span may end one frame (0.1 s) after the last frame's own time.
        assert 0 <= start < end <= durations[row["file"]] + 0.11, row["file"]
        assert 0 <= anchor_start < anchor_end <= durations[row["anchor"]] + 0.11, row["file"]


def test_a_duplicate_scene_shares_a_part_and_a_complementary_scene_runs_in_step(
    durations: dict[str, float],
) -> None:
    for row in labels():
        if row["relation"] not in ("DS", "CS"):
            continue
        start, end, anchor_start, anchor_end = (float(row[name]) for name in TIMES)
        assert end - start == pytest.approx(anchor_end - anchor_start, abs=0.01), row["file"]
        if row["relation"] == "DS":
            assert end - start < durations[row["file"]] - 3, f"{row['file']}: nothing added"
