"""Figures hold what the records say, cell by cell; a click leads back to it; names are text."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visil_dash.plots import collection, distances, maps, operating, style
from visil_dash.plots.regions import Labels, draw_regions, match_labels, visible_area
from visil_dash.records import Array, PairTable, Preprocess, Segment

HOSTILE = '<a href="x">&amp;</a> $\\alpha$ \u202egpj.4pm\x07%{customdata}'


@st.composite
def matrices(draw: st.DrawFn, most: int = 14) -> Array:
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    return draw(arrays(np.float32, shape, elements=st.integers(-4, 8).map(float)))


@st.composite
def times(draw: st.DrawFn) -> Array:
    """Presentation times of a variable frame rate."""
    gaps = draw(st.lists(st.floats(0.04, 3), min_size=0, max_size=20))
    return np.concatenate([[0.0], np.cumsum(gaps)])


def seconds(axis_values: Any) -> Array:
    """Plotly's dates as seconds since their midnight."""
    out = np.asarray(axis_values, float)
    assert (out > 10_000).all(), "plotly reads small numbers on a date axis as years"
    return out / 1000 - 946_684_800


# ---- times and cells ----


@given(times())
def test_the_nearest_frame_owns_each_moment(at: Array) -> None:
    edges = maps.frame_axis(at).edges
    assert len(edges) == len(at) + 1
    for moment in np.random.default_rng(0).uniform(edges[0], edges[-1], 50):
        cell = int(np.searchsorted(edges, moment, side="right")) - 1
        assert abs(at[cell] - moment) <= abs(at - moment).min() + 1e-9


@given(times())
def test_an_output_cell_spans_its_four_frames(at: Array) -> None:
    cells = max(1, len(at) // 4)
    edges = maps.output_axis(at, cells).edges
    frames = maps.frame_axis(at).edges
    assert len(edges) == cells + 1
    for cell in range(cells):
        last = 4 * cell + 4 if len(at) >= 4 else len(at)
        assert edges[cell] == frames[4 * cell]
        assert edges[cell + 1] == frames[last]


@given(matrices(), st.integers(1, 16))
def test_a_pooled_map_shows_the_largest_value_of_each_block(matrix: Array, most: int) -> None:
    pooled, rows, columns = maps.pool_max(matrix, most)
    assert max(pooled.shape) <= most
    row_ends, column_ends = [*rows[1:], matrix.shape[0]], [*columns[1:], matrix.shape[1]]
    for i, (top, bottom) in enumerate(zip(rows, row_ends, strict=True)):
        for j, (left, right) in enumerate(zip(columns, column_ends, strict=True)):
            assert pooled[i, j] == matrix[top:bottom, left:right].max()


@given(matrices(), st.integers(1, 16))
def test_a_marker_stands_for_the_best_cell_of_its_block(matrix: Array, most: int) -> None:
    rows, columns = maps.clickable_cells(matrix, most)
    pooled, first_rows, first_columns = maps.pool_max(matrix, most)
    assert len(rows) == pooled.size
    np.testing.assert_array_equal(matrix[rows, columns].reshape(pooled.shape), pooled)
    block_row = np.searchsorted(first_rows, rows, side="right") - 1
    block_column = np.searchsorted(first_columns, columns, side="right") - 1
    np.testing.assert_array_equal(
        block_row * pooled.shape[1] + block_column, np.arange(pooled.size)
    )


@given(matrices(), st.data())
def test_a_click_leads_back_to_its_cell(matrix: Array, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, matrix.shape[0] - 1))
    j = data.draw(st.integers(0, matrix.shape[1] - 1))
    point = {"curve_number": style.CLICK_TRACE, "point_index": i * matrix.shape[1] + j}
    assert maps.clicked([{"curve_number": 0, "point_index": 0}, point], matrix) == (i, j)


@given(matrices(), st.data())
def test_a_click_on_the_output_leads_to_the_best_frames_inside(
    matrix: Array, data: st.DataObject
) -> None:
    shape = [max(1, side // 4) for side in matrix.shape]
    a, b = (data.draw(st.integers(0, side - 1)) for side in shape)
    i, j = maps.best_below(matrix, (a, b))
    rows = range(4 * a, 4 * a + 4) if matrix.shape[0] >= 4 else range(matrix.shape[0])
    columns = range(4 * b, 4 * b + 4) if matrix.shape[1] >= 4 else range(matrix.shape[1])
    assert i in rows
    assert j in columns
    assert matrix[i, j] == max(matrix[row, column] for row in rows for column in columns)


def test_clicks_elsewhere_and_stale_ones_choose_nothing() -> None:
    matrix = np.zeros((2, 3), np.float32)
    assert maps.clicked([], matrix) is None
    assert maps.clicked([{"curve_number": 3, "point_index": 1}], matrix) is None
    assert maps.clicked([{"curve_number": 1, "point_index": 6}], matrix) is None


# ---- maps of one pair ----


def example_map(**options: Any) -> tuple[go.Figure, Array, Array, Array]:
    matrix = np.random.default_rng(0).random((5, 8)).astype(np.float32)
    query, reference = np.array([0.0, 1.1, 1.9, 3.0, 4.0]), np.arange(8.0)
    figure = maps.pair_similarity_map(
        matrix, maps.frame_axis(query), maps.frame_axis(reference), **options
    )
    return figure, matrix, query, reference


def test_the_map_holds_the_matrix_and_its_true_times() -> None:
    figure, matrix, query, reference = example_map()
    np.testing.assert_array_equal(figure.data[0].z, matrix)
    np.testing.assert_allclose(seconds(figure.data[0].y), maps.frame_axis(query).edges)
    np.testing.assert_allclose(seconds(figure.data[0].x), maps.frame_axis(reference).edges)
    markers = figure.data[style.CLICK_TRACE]
    np.testing.assert_array_equal(markers.customdata, matrix.ravel())
    np.testing.assert_allclose(seconds(markers.x).reshape(5, 8)[0], reference)
    np.testing.assert_allclose(seconds(markers.y).reshape(5, 8)[:, 0], query)
    assert figure.layout.xaxis.tickformat == "%-M:%S"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "query time runs down"


def test_cells_take_clicks_and_stay_invisible() -> None:
    figure, *_ = example_map()
    markers = figure.data[style.CLICK_TRACE]
    assert figure.layout.clickmode == "event+select"
    assert figure.layout.hovermode == "closest"
    assert figure.layout.hoverdistance == -1
    assert markers.hovertemplate
    assert markers.marker.opacity == markers.selected.marker.opacity == 0
    assert markers.unselected.marker.opacity == 0
    assert all(t.hoverinfo == "skip" for i, t in enumerate(figure.data) if i != style.CLICK_TRACE)


def test_colours_span_the_data_and_not_zero_to_one() -> None:
    matrix = np.linspace(0.02, 0.31, 200, dtype=np.float32).reshape(10, 20)
    figure = maps.pair_similarity_map(
        matrix, maps.frame_axis(np.arange(10.0)), maps.frame_axis(np.arange(20.0))
    )
    assert figure.data[0].zmax == pytest.approx(0.31)
    assert 0.02 <= figure.data[0].zmin < 0.03
    low, high = style.value_range(np.full((3, 3), 0.4, np.float32))
    assert low < 0.4 < high


def test_segments_are_lines_from_their_start_to_their_end() -> None:
    forward = Segment(1.0, 4.0, 2.0, 5.0, 0.8)
    backwards = Segment(1.0, 4.0, 2.0, 5.0, 0.8, reversed=True)
    one, matrix, *_ = example_map(segments=(forward,))
    lines = [t for t in one.data[1:] if t.mode == "lines+markers"]
    assert {tuple(seconds(t.x)) for t in lines} == {(1.5, 4.5)}
    assert len({tuple(seconds(t.y)) for t in lines}) == 1
    other, *_ = example_map(segments=(backwards,))
    line = [t for t in other.data[1:] if t.mode == "lines+markers"][-1]
    assert tuple(seconds(line.x)) == (4.5, 1.5)
    assert line.line.dash == "dot"
    assert matrix.shape == (5, 8)


def test_the_chosen_cell_is_ringed() -> None:
    figure, _, query, reference = example_map(chosen=(3, 6))
    rings = [t for t in figure.data[1:] if t.marker.symbol == "square-open"]
    assert rings
    for ring in rings:
        assert seconds(ring.x) == pytest.approx([reference[6]])
        assert seconds(ring.y) == pytest.approx([query[3]])


def test_two_maps_can_be_lined_up() -> None:
    times = np.arange(10.0)
    frames = maps.frame_axis(times)
    output = maps.output_axis(times, 2)
    figure = maps.pair_similarity_map(np.zeros((2, 2)), output, output, within=(frames, frames))
    segment = Segment(2, 8, 1, 7, 0.8)
    lines = [
        maps.pair_similarity_map(
            matrix, axis, axis, segments=(segment,), within=(frames, frames)
        ).data[-1]
        for matrix, axis in ((np.zeros((2, 2)), output), (np.zeros((10, 10)), frames))
    ]
    assert tuple(seconds(lines[0].x)) == tuple(seconds(lines[1].x)) == (0.5, 6.5)
    assert tuple(seconds(figure.layout.xaxis.range)) == (-0.5, 9.5)
    assert tuple(seconds(figure.data[0].x)) == (-0.5, 3.5, 7.5)


def test_hours_get_a_clock_with_hours() -> None:
    long, short = np.arange(0.0, 4000, 100), np.arange(5.0)
    figure = maps.pair_similarity_map(
        np.zeros((5, 40), np.float32), maps.frame_axis(short), maps.frame_axis(long)
    )
    assert figure.layout.xaxis.tickformat == "%-H:%M:%S"
    assert figure.layout.yaxis.tickformat == "%-M:%S"


def test_long_videos_are_pooled_and_said_to_be() -> None:
    matrix = np.zeros((1500, 1200), np.float32)
    matrix[1234, 987] = 1
    figure = maps.pair_similarity_map(
        matrix, maps.frame_axis(np.arange(1500.0)), maps.frame_axis(np.arange(1200.0))
    )
    assert maps.is_pooled(matrix)
    assert not maps.every_cell_clickable(matrix)
    assert maps.every_cell_clickable(matrix[:250, :250])
    assert not maps.is_pooled(matrix[:1000, :1000])
    assert max(figure.data[0].z.shape) <= maps.MOST_CELLS
    assert figure.data[0].z.max() == 1
    markers = figure.data[style.CLICK_TRACE]
    assert len(markers.x) <= maps.MOST_MARKERS**2
    best = int(np.argmax(markers.customdata))
    assert maps.clicked([{"curve_number": 1, "point_index": best}], matrix) == (1234, 987)


def test_axes_of_another_length_are_refused() -> None:
    axis = maps.frame_axis(np.arange(2.0))
    with pytest.raises(ValueError, match="axes of 2 and 3 cells, got 2 and 2"):
        maps.pair_similarity_map(np.zeros((2, 3)), axis, axis)


# ---- names, backgrounds ----


def example_figures() -> list[go.Figure]:
    table = PairTable(("a", "b"), (HOSTILE, "b.mp4"), np.eye(2, dtype=np.float32), "x")
    return [
        example_map()[0],
        collection.pair_matrix(table, [1, 0]),
        example_histogram(names=(HOSTILE, "b.mp4")),
    ]


def test_no_name_reaches_plotly_as_markup() -> None:
    for figure in example_figures():
        text = figure.to_json().encode().decode("unicode_escape")
        assert "<a" not in text
        assert "\u202e" not in text
        assert "$" not in text
        # A template must not read a name: names are data, and stand in no template.
        assert "gpj" not in "".join(str(t.hovertemplate) for t in figure.data)


def test_names_are_escaped_shortened_and_never_empty() -> None:
    assert style.plot_text("a & b <i>") == "a &amp; b &lt;i&gt;"
    assert style.plot_text("x" * 100, longest=20) == "x" * 13 + "…" + "x" * 6
    assert style.plot_text("\u202e\x00") == "unnamed"


def test_figures_sit_on_any_page() -> None:
    for figure in example_figures():
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert float(figure.layout.plot_bgcolor.rstrip(")").split(",")[-1]) < 0.3
        assert figure.layout.font.color is None, "the page decides the colour of texts"


# ---- everything against everything ----


def test_the_pair_matrix_follows_the_order_and_blanks_the_diagonal() -> None:
    scores = np.arange(9, dtype=np.float32).reshape(3, 3) / 10
    table = PairTable(("a", "b", "c"), ("a.mp4", "b.mp4", "c.mp4"), scores, "x")
    order = [2, 0, 1]
    figure = collection.pair_matrix(table, order, chosen=(0, 2))
    z = np.asarray(figure.data[0].z)
    for row, i in enumerate(order):
        for column, j in enumerate(order):
            marker = row * 3 + column
            markers = figure.data[style.CLICK_TRACE]
            assert (markers.y[marker], markers.x[marker]) == (row, column)
            assert markers.customdata[marker] == scores[i, j]
            assert np.isnan(z[row, column]) if i == j else z[row, column] == scores[i, j]
    assert list(figure.layout.yaxis.ticktext) == ["c.mp4", "a.mp4", "b.mp4"]


def test_a_click_on_the_pair_matrix_leads_to_its_pair() -> None:
    for row in range(3):
        for column in range(3):
            point = {"curve_number": style.CLICK_TRACE, "point_index": row * 3 + column}
            assert collection.clicked_pair([point], 3) == (row, column)
    assert collection.clicked_pair([], 3) is None
    assert collection.clicked_pair([{"curve_number": 0, "point_index": 1}], 3) is None
    assert collection.clicked_pair([{"curve_number": 1, "point_index": 9}], 3) is None


@pytest.mark.parametrize("videos", [0, 1])
def test_a_matrix_of_no_pairs_is_drawn_without_complaint(videos: int) -> None:
    table = PairTable(("a",) * videos, ("a.mp4",) * videos, np.zeros((videos, videos)), "x")
    assert collection.pair_matrix(table, list(range(videos))).data


# ---- distances ----


def example_histogram(**changes: Any) -> go.Figure:
    options: dict[str, Any] = {
        "threshold": 2.5,
        "default": 3.0,
        "unrelated": 8.0,
        "orthogonal": 9.0,
        "nearest": np.array([0.5, 4.0]),
        "names": ("a.mp4", "b.mp4"),
        "log": False,
    }
    return distances.distance_histogram(
        np.linspace(0, 10, 11), np.arange(10), **(options | changes)
    )


def test_bars_and_ticks_show_what_the_threshold_admits() -> None:
    figure = example_histogram()
    np.testing.assert_array_equal(figure.data[0].y, np.arange(10))
    colours = list(figure.data[0].marker.color)
    assert colours == [style.TEAL] * 3 + [style.GREY] * 7
    scale = [colour for _, colour in figure.data[1].marker.colorscale]
    assert [scale[i] for i in figure.data[1].marker.color] == [style.AMBER, style.GREY]


def test_the_four_levels_are_marked_where_they_are() -> None:
    figure = example_histogram()
    assert [s.x0 for s in figure.layout.shapes] == [2.5, 3.0, 8.0, 9.0]
    assert [a.x for a in figure.layout.annotations] == [2.5, 3.0, 8.0, 9.0]
    assert figure.layout.annotations[0].text == "threshold 2.50"
    assert figure.layout.xaxis.range[1] > 10


def test_counts_can_be_read_on_a_log_axis() -> None:
    assert example_histogram(log=True).layout.yaxis.type == "log"
    assert example_histogram(log=False).layout.yaxis.type == "linear"


def test_videos_without_frames_have_no_tick() -> None:
    figure = example_histogram(nearest=np.array([np.inf, 4.0]))
    assert list(figure.data[1].text) == ["b.mp4"]


# ---- pictures ----


def test_the_grid_lies_on_what_the_model_sees() -> None:
    assert visible_area(640, 360, Preprocess(side=160)) == (0, 0, 640, 360)
    left, top, right, bottom = visible_area(640, 360, Preprocess(side=224, mode="crop", resize=256))
    assert (right - left, bottom - top) == pytest.approx((315, 315))
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((320, 180))


def test_regions_with_less_attention_are_darker() -> None:
    frame = np.full((90, 90, 3), 200, np.uint8)
    attention = np.array([0.2] + [0.9] * 8)
    out = draw_regions(
        frame,
        labels=Labels([""] * 9, [False] * 9),
        attention=attention,
        preprocess=Preprocess(side=48),
    )
    assert out.shape == frame.shape
    assert out.dtype == np.uint8
    inside = np.array([out[15 + 30 * r, 15 + 30 * c].mean() for r in range(3) for c in range(3)])
    assert inside[0] < 150
    np.testing.assert_array_equal(inside[1:], 200)


def test_labels_are_drawn_and_equal_attention_dims_nothing() -> None:
    frame = np.full((90, 90, 3), 200, np.uint8)
    even = np.ones(9)
    plain = draw_regions(
        frame,
        labels=Labels([""] * 9, [False] * 9),
        attention=even,
        preprocess=Preprocess(side=48),
    )
    marked = draw_regions(
        frame,
        labels=Labels(["1", *[""] * 8], [True, *[False] * 8]),
        attention=even,
        preprocess=Preprocess(side=48),
    )
    assert (plain[15, 15] == 200).all()
    changed = (plain != marked).any(-1)
    assert changed[:30, :30].any()
    assert not changed[30:].any()
    with pytest.raises(ValueError, match="square grid"):
        draw_regions(
            frame,
            labels=Labels(["1"] * 8, [True] * 8),
            attention=np.ones(8),
            preprocess=Preprocess(side=48),
        )


@given(st.lists(st.integers(0, 8), min_size=9, max_size=9))
def test_a_query_regions_number_stands_in_its_best_partner(best: list[int]) -> None:
    query, reference = match_labels(np.array(best))
    for region, partner in enumerate(best):
        assert query.texts[region] == str(region + 1)
        assert str(region + 1) in reference.texts[partner].split()
        assert query.strong[region] == (region == partner)
    assert sum(len(text.split()) for text in reference.texts) == 9


def test_the_classes_are_drawn_over_each_other_with_the_threshold() -> None:
    edges, same, other = np.array([0.0, 1.0, 3.0]), np.array([0.25, 0.75]), np.array([1.0, 0.0])
    figure = operating.class_figure(edges, same, other, threshold=1.5, title="distance")
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars["copies"].y) == [0.25, 0.75]
    assert list(bars["copies"].x) == [0.5, 2.0]
    assert list(bars["copies"].width) == [1.0, 2.0]
    assert list(bars["other pairs"].y) == [1.0, 0.0]
    assert figure.layout.shapes[0].x0 == 1.5
