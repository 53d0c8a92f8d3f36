"""What the players loop: the alignment inside a box, or the box itself; and a link to it."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.comparisons import pair
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.maps import Direction, scorer_rows
from visil_dash.matching.similarity import chamfer
from visil_dash.plots.box import add_range, allow_box, box_seconds
from visil_dash.plots.maps import pair_similarity_map
from visil_dash.records import Comparison, Segment
from visil_dash.ui.compare.link import PairView, is_own, linked_view, note_written, view_params
from visil_dash.ui.compare.loops import (
    LoopRange,
    box_range,
    frames_between,
    reference_time,
    segment_range,
    whole_range,
)
from visil_dash.ui.compare.player import range_text

OPTIONS = AlignOptions(frame_level=0.7)


def diagonal(*, backwards: bool = False) -> Comparison:
    """Frames 1–5 of the query are frames 4–8 of the reference (or 8–4)."""
    matrix = np.full((8, 12), 0.1, np.float32)
    for n in range(5):
        matrix[1 + n, 8 - n if backwards else 4 + n] = 0.9
    return pair(frame_similarity=matrix, frame_similarity_reverse=matrix.T)


# ---- boxes ----


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=20, unique=True),
    st.floats(-5, 105),
    st.floats(-5, 105),
)
def test_frames_of_a_span_are_those_whose_times_it_holds(
    times: list[float], a: float, b: float
) -> None:
    axis = np.array(sorted(times))
    inside = [t for t in axis if min(a, b) <= t <= max(a, b)]
    found = list(axis[frames_between(axis, a, b)])
    if inside:
        assert found == inside
    else:
        assert len(found) == 1
        middle = (a + b) / 2
        assert abs(found[0] - middle) == min(abs(axis - middle))


@pytest.mark.parametrize("backwards", [False, True])
def test_a_box_loops_the_alignment_inside_it(backwards: bool) -> None:
    compared = diagonal(backwards=backwards)
    whole = box_range(compared, query=(0, 7), reference=(0, 11), options=OPTIONS)
    assert whole == LoopRange(1, 6, 4, 9, reversed=backwards)
    # Frames 2–4 of the query only: the box cuts the segment, both ends in any order.
    part = box_range(compared, query=(4.4, 1.6), reference=(11, 0), options=OPTIONS)
    reference = (5, 8)
    assert part == LoopRange(2, 5, *reference, reversed=backwards)


def test_a_box_where_nothing_aligns_is_played_as_it_is() -> None:
    found = box_range(diagonal(), query=(1.6, 4.4), reference=(0, 2.2), options=OPTIONS)
    assert found == LoopRange(2, 5, 0, 3, aligned=False)
    assert "Nothing is aligned" in range_text(found)
    assert range_text(found).startswith("Loop: query 0:02.0–0:05.0, reference 0:00.0–0:03.0")


def test_without_segments_both_play_from_end_to_end() -> None:
    assert whole_range(pair()) == LoopRange(0, 8, 0, 12, aligned=False)


def test_speed_is_played_only_where_sampling_can_tell_it() -> None:
    segment = Segment(0, 8, 3, 15, 0.8, speed=1.5)
    assert segment_range(segment).speed == 1.5
    assert segment_range(replace(segment, speed=1.02)).speed == 1.0
    assert "1.50 s of the reference per second" in range_text(segment_range(segment))
    assert "backwards" in range_text(segment_range(replace(segment, reversed=True)))


@pytest.mark.parametrize(
    ("span", "query", "reference"),
    [
        (LoopRange(2, 6, 10, 14), 2, 10),
        (LoopRange(2, 6, 10, 14), 5, 13),
        (LoopRange(2, 6, 10, 16, speed=1.5), 4, 13),
        (LoopRange(2, 6, 10, 14, reversed=True), 2, 14),
        (LoopRange(2, 6, 10, 14, reversed=True), 5, 11),
        (LoopRange(2, 6, 10, 12), 6, 12),
    ],
)
def test_the_reference_stands_where_the_alignment_says(
    span: LoopRange, query: float, reference: float
) -> None:
    assert reference_time(span, query) == pytest.approx(reference)


# ---- the map ----


@given(st.tuples(*[st.integers(0, 200_000)] * 4))
def test_a_dragged_box_is_read_in_seconds(ends: tuple[int, int, int, int]) -> None:
    def date(ms: int) -> str:
        return str(np.datetime64("2000-01-01") + np.timedelta64(ms, "ms")).replace("T", " ")

    a, b, c, d = ends
    event = {"box": [{"x": [date(c), date(d)], "y": [date(b), date(a)]}]}
    found = box_seconds(event)
    assert found is not None
    query, reference = found
    assert query == pytest.approx((min(a, b) / 1000, max(a, b) / 1000), abs=1e-5)
    assert reference == pytest.approx((min(c, d) / 1000, max(c, d) / 1000), abs=1e-5)
    assert box_seconds({"box": []}) is None
    assert box_seconds({}) is None


def test_the_range_is_outlined_on_the_corners_of_its_cells() -> None:
    from visil_dash.plots.maps import frame_axis

    axes = frame_axis(np.arange(8.0)), frame_axis(np.arange(12.0))
    figure = pair_similarity_map(np.eye(8, 12), *axes)
    allow_box(figure)
    add_range(figure, query_span=(2, 5), reference_span=(5, 8), query=axes[0], reference=axes[1])
    assert figure.layout.dragmode == "select"
    start = figure.layout.xaxis.range[0] + 500  # the axis begins half a cell before time 0
    shape = figure.layout.shapes[-1]
    assert [(v - start) / 1000 for v in (shape.x0, shape.x1)] == [4.5, 7.5]
    assert [(v - start) / 1000 for v in (shape.y0, shape.y1)] == [1.5, 4.5]


# ---- links ----


@given(
    st.sampled_from(list(Direction)),
    st.none() | st.tuples(st.integers(0, 7), st.integers(0, 11)),
    st.none() | st.sampled_from([(True, False), (True, True), (False, False)]),
)
def test_a_link_reopens_the_view_that_it_was_made_of(
    direction: Direction, cell: tuple[int, int] | None, kind: tuple[bool, bool] | None
) -> None:
    compared = pair()
    span = None
    if kind is not None:
        span = LoopRange(1.0, 5.0, 2.0, 8.25, speed=1.562, aligned=kind[0], reversed=kind[1])
    view = PairView(direction, cell, span)
    params = dict(parse_qsl(urlencode(view_params(view, compared))))
    assert linked_view(params, compared) == view


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"d": "sideways", "cell": "1", "span": "1,2,3"},
        {"cell": "nan,1", "span": "0,1,0,1,nan,aligned"},
        {"cell": "1,99", "span": "0,99,0,1,1,aligned"},
        {"cell": "x,y", "span": "5,1,0,4,1,aligned"},
        {"cell": "1,2,3", "span": "0,1,0,1,1,upwards"},
        {"cell": "-9,1", "span": "0,1,0,1,0,aligned"},
        {"cell": ",", "span": ""},
    ],
)
def test_a_link_that_does_not_fit_asks_for_nothing(params: dict[str, str]) -> None:
    assert linked_view(params, pair()) == PairView()


def test_a_plain_view_has_a_plain_link() -> None:
    assert view_params(PairView(), pair()) == {}


# ---- scorers ----


def test_scorers_are_chamfer_over_each_map_both_ways() -> None:
    rng = np.random.default_rng(3)
    there, back = rng.random((2, 3)), rng.random((3, 2))
    changes: dict[str, Any] = {"visil_output": there, "visil_output_reverse": back}
    compared = pair(**changes)
    rows = {row.name: row for row in scorer_rows(compared)}
    assert set(rows) == {"Raw Chamfer", "Symmetric Chamfer", "ViSiL", "Symmetric ViSiL"}
    assert (rows["ViSiL"].forward, rows["ViSiL"].reverse) == (0.3, 0.2)
    mean = [[(there[i, j] + back[j, i]) / 2 for j in range(3)] for i in range(2)]
    assert rows["Symmetric ViSiL"].forward == pytest.approx(np.mean([max(row) for row in mean]))
    assert rows["Symmetric ViSiL"].reverse == pytest.approx(
        np.mean([max(row[j] for row in mean) for j in range(3)])
    )
    symmetric = compared.symmetric
    assert rows["Symmetric Chamfer"].reverse == chamfer(symmetric.T)
    assert [row.name for row in scorer_rows(compared) if row.decides] == ["ViSiL"]
    assert scorer_rows(compared)[0].decides
    without = scorer_rows(pair())
    assert [row.name for row in without if row.decides] == ["Raw Chamfer"]
    assert len(without) == 2


def test_an_address_that_a_click_overtook_is_no_link_and_an_old_one_is() -> None:
    first, second = {"cell": "5.000,0.000"}, {"cell": "0.000,11.000"}
    written = note_written((), first, now=100.0)
    assert is_own(first, written, now=500.0), "it is in force until replaced"
    written = note_written(written, second, now=500.0)
    assert is_own(second, written, now=900.0)
    assert is_own(first, written, now=501.0), "still on its way from the browser"
    assert not is_own(first, written, now=510.0), "somebody went back to it"
    assert not is_own({"cell": "2.000,6.000"}, written, now=501.0)
    assert note_written(written, second, now=502.0) == written
    # What no browser can still send is not kept.
    assert len(note_written(written, first, now=600.0)) == 2
