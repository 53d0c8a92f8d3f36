"""The planner's arithmetic by hand, and its sizes against a real index."""

import math
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from tests.support.benches import page_settings
from tests.support.fakes import fake_model
from tests.support.rates import RATES
from tests.support.scenes import make_scene
from visil_dash.errors import Cancelled, StoreDamaged
from visil_dash.index.hnsw import HnswIndex, M
from visil_dash.laboratory.planner.costs import (
    LINK_BYTES,
    Advice,
    Collection,
    advice,
    estimate_costs,
    view_cost,
)
from visil_dash.laboratory.planner.extraction import (
    ExtractionRates,
    extraction_cost,
    measure_extraction,
    typical_file,
)
from visil_dash.laboratory.planner.rates import measure_rates
from visil_dash.progress import Progress, Watch
from visil_dash.records import MediaInfo, VideoRecord
from visil_dash.ui.shell.text import duration_text

ASKED = Collection(
    hours=100,
    mean_clip_minutes=10,
    frames_per_second=1,
    dims=256,
    precision="fp32",
    feature_values=9 * 512,
    media_bytes_per_second=125_000,
)


def test_a_hundred_hours_by_hand() -> None:
    made = estimate_costs(ASKED, RATES, query_minutes=2)
    assert made.videos == 600
    assert made.frames == 360_000
    assert made.media_bytes == 45_000_000_000
    assert made.feature_bytes == 360_000 * 4608 * 2
    assert made.index_memory_bytes == 360_000 * (1024 + 1024 + LINK_BYTES)
    assert made.disk_bytes == made.media_bytes + made.feature_bytes + made.index_disk_bytes
    # 3,600 s of extraction and 7,200 s of decoding.
    assert made.extraction_hours == pytest.approx(3.0)
    growth = np.log2(360_000) / 12
    assert made.index_build_hours == pytest.approx(180 * growth / 3600)
    assert made.candidate_seconds_per_query == pytest.approx(120 * 0.0005 * growth)
    assert made.exhaustive_seconds_per_query == pytest.approx(43.2)


def test_views_of_a_query_cost_readings_and_searches_and_no_index() -> None:
    one, two = (view_cost(ASKED, RATES, views, query_minutes=2) for views in (1, 2))
    whole = estimate_costs(ASKED, RATES, query_minutes=2)
    assert one.candidate_seconds == whole.candidate_seconds_per_query
    assert two.candidate_seconds == 2 * one.candidate_seconds
    # 1.2 s of extraction and 2.4 s of decoding for two minutes; both are done twice.
    assert (one.reading_seconds, two.reading_seconds) == pytest.approx((3.6, 7.2))


def test_precision_shrinks_only_the_vectors_beside_the_graph() -> None:
    sizes = {p: estimate_costs(replace(ASKED, precision=p), RATES).index_memory_bytes / 360_000
             for p in ("fp32", "fp16", "int8", "binary")}  # fmt: skip
    assert sizes == {p: 1024 + LINK_BYTES + b for p, b in
                     {"fp32": 1024, "fp16": 512, "int8": 256, "binary": 32}.items()}  # fmt: skip


def test_a_small_collection_is_never_faster_than_what_was_measured() -> None:
    made = estimate_costs(replace(ASKED, hours=0.1), RATES)
    assert made.index_build_hours == pytest.approx(360 / 2000 / 3600)


def test_without_a_video_decoding_is_left_out() -> None:
    made = estimate_costs(ASKED, replace(RATES, decoded_seconds_per_second=None))
    assert made.extraction_hours == pytest.approx(1.0)


def test_one_machine_is_left_where_it_ends_and_not_before() -> None:
    assert advice(estimate_costs(ASKED, RATES), RATES) == ()
    found = advice(estimate_costs(replace(ASKED, hours=100_000), RATES), RATES)
    assert [type(line) for line in found] == [Advice] * 3
    assert "index server" in found[0].to
    assert "45,000" not in found[1].what
    assert "GB are free" in found[1].what
    assert "GPU" in found[2].to
    slow = replace(RATES, graph_milliseconds_per_query_frame=100)
    assert "more cores" in advice(estimate_costs(ASKED, slow), slow)[0].to


@pytest.mark.parametrize(
    ("change", "message"),
    [({"hours": 0}, "hours"), ({"dims": 0}, "dims"), ({"precision": "fp8"}, "precision")],
)
def test_what_cannot_be_planned_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(ASKED, **change)  # type: ignore[arg-type]


def test_the_size_of_a_graph_is_that_of_a_real_one(tmp_path: Path) -> None:
    frames, dims = 3000, 32
    index = HnswIndex(dims, capacity=frames)
    vectors = np.random.default_rng(0).standard_normal((frames, dims)).astype(np.float32)
    index.add(vectors, np.arange(frames))
    index.save(tmp_path / "graph.bin")
    size = (tmp_path / "graph.bin").stat().st_size
    assert M == 16, "LINK_BYTES counts the links of this M"
    assert size == pytest.approx(frames * (4 * dims + LINK_BYTES), rel=0.02)


def test_the_machine_is_measured_step_by_step_and_stops(tmp_path: Path) -> None:
    video = make_scene(tmp_path / "v.mp4", 1, seconds=6)
    settings = page_settings(tmp_path)
    seen: list[Progress] = []
    found = measure_rates(
        fake_model(),
        dims=32,
        folder=tmp_path,
        settings=settings,
        video=video,
        frames=500,
        watch=Watch(seen.append),
    )
    assert len(seen) == 5
    assert found.graph_frames == 500
    for name in (
        "extracted_frames_per_second",
        "decoded_seconds_per_second",
        "indexed_frames_per_second",
        "graph_milliseconds_per_query_frame",
        "compared_pairs_per_second",
    ):
        assert 0 < getattr(found, name) < float("inf"), name
    with pytest.raises(Cancelled):
        measure_rates(
            fake_model(),
            dims=8,
            folder=tmp_path,
            settings=settings,
            watch=Watch(stopped=lambda: True),
        )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.02, "20 ms"), (7, "7 s"), (75, "1.25 min"), (90_000, "25 h"), (4e5, "4.6 days")],
)
def test_durations_are_said_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_reading_a_library_again_by_hand() -> None:
    lengths = (10.0, 59.5)
    videos = [fake_video(number, length) for number, length in enumerate(lengths)]
    rates = ExtractionRates(frames_per_second=100, decoded_seconds_per_second=50)
    cost = extraction_cost(videos, values=9 * 512, frames_per_second=1, rates=rates)
    assert (cost.videos, cost.frames) == (2, 70)
    assert cost.seconds == pytest.approx(70 / 100 + 69.5 / 50)
    assert cost.bytes == 70 * 9 * 512 * 2
    unknown = extraction_cost(videos, values=9 * 512, frames_per_second=2, rates=None)
    assert math.isnan(unknown.seconds)
    assert unknown.frames == 139


def test_a_model_is_timed_with_and_without_a_video(tmp_path: Path) -> None:
    settings = page_settings(tmp_path / "library")
    alone = measure_extraction(fake_model(), settings=settings)
    assert alone.frames_per_second > 0
    assert alone.decoded_seconds_per_second is None
    video = make_scene(tmp_path / "scene.mp4", 1, seconds=3)
    both = measure_extraction(fake_model(), settings=settings, video=video)
    assert both.decoded_seconds_per_second is not None
    assert both.decoded_seconds_per_second > 0


@pytest.mark.parametrize(("gone", "expected"), [((), 2), ((2,), 1), ((1, 2), 3), ((1, 2, 3), None)])
def test_work_is_timed_on_a_file_of_middling_length_that_is_there(
    gone: tuple[int, ...], expected: int | None
) -> None:
    videos = [fake_video(number, 10.0 * number) for number in (3, 1, 2)]
    missing = {fake_video(number, 1.0).video_id for number in gone}

    def media_path(video_id: str) -> Path:
        if video_id in missing:
            raise StoreDamaged("a file in place is gone")
        return Path(video_id)

    library = Mock(videos=lambda: tuple(videos), media_path=media_path)
    found = None if expected is None else Path(fake_video(expected, 1.0).video_id)
    assert typical_file(library) == found


def fake_video(number: int, length: float) -> VideoRecord:
    info = MediaInfo("mp4", "h264", 320, 180, length, 25)
    return VideoRecord(f"{number:064x}", number, f"{number}.mp4", (), 1000, info, "2026", 10)
