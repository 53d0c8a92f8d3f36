"""The similarity map of a pair: cells, clicks, and matched segments over it.

Maps are dark where frames differ and bright where they agree, on a light and on a dark page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.style import (
    AMBER,
    CLICK_TRACE,
    COLOUR_SCALE,
    GREY,
    add_ring,
    click_markers,
    colour_bar,
    figure_layout,
    value_range,
)
from visil_dash.records import Array, Segment

MOST_CELLS = 1000  # cells a side: 2000 take a browser 6.5 s and 850 MB, 1000 take 2.3 s
MOST_MARKERS = 250  # markers a side; a click finds one, and more than 300 a side are slow to draw
PLOT_EPOCH_MS = 946_684_800_000.0  # 1 January 2000 in ms: plotly takes a small number for a year
_COMPARATOR_STRIDE = 4  # frames a side that one cell of the ViSiL output stands for


# ---- maps of one pair ----


@dataclass(frozen=True)
class TimeAxis:
    """Cells along one video: borders `edges` `[N + 1]` and the time `at` `[N]` each stands for."""

    edges: Array
    at: Array


def frame_axis(times: Array) -> TimeAxis:
    """One cell per sampled frame, with borders halfway between frames."""
    times = np.asarray(times, float)
    if len(times) == 1:
        return TimeAxis(np.array([times[0] - 0.5, times[0] + 0.5]), times)
    middle = (times[:-1] + times[1:]) / 2
    ends = [2 * times[0] - middle[0]], [2 * times[-1] - middle[-1]]
    return TimeAxis(np.concatenate([ends[0], middle, ends[1]]), times)


def output_axis(times: Array, cells: int) -> TimeAxis:
    """Cells of the ViSiL output over the sampled frames' `times`.

    A cell covers four frames; an incomplete last block has no cell. Videos of fewer frames were
    repeated until they had one.
    """
    edges = frame_axis(times).edges
    if len(times) < _COMPARATOR_STRIDE * cells:
        edges = np.linspace(edges[0], edges[-1], cells + 1)
    else:
        edges = edges[: _COMPARATOR_STRIDE * cells + 1 : _COMPARATOR_STRIDE]
    return TimeAxis(edges, (edges[:-1] + edges[1:]) / 2)


def _pool_starts(length: int, most: int) -> Array:
    """First index of each of at most `most` blocks that cut `length` evenly."""
    out: Array = np.unique(np.linspace(0, length, min(length, most), endpoint=False).astype(int))
    return out


def pool_max(matrix: Array, most: int = MOST_CELLS) -> tuple[Array, Array, Array]:
    """The matrix reduced to at most `most` blocks a side, by maximum, to keep thin diagonals.

    Returns the matrix, and the first row and the first column of each block.
    """
    rows, columns = (_pool_starts(n, most) for n in matrix.shape)
    if len(rows) < matrix.shape[0]:
        matrix = np.maximum.reduceat(matrix, rows, axis=0)
    if len(columns) < matrix.shape[1]:
        matrix = np.maximum.reduceat(matrix, columns, axis=1)
    return matrix, rows, columns


def is_pooled(matrix: Array) -> bool:
    """Whether `pair_similarity_map` shows blocks of cells."""
    return any(side > MOST_CELLS for side in matrix.shape)


def clickable_cells(matrix: Array, most: int = MOST_MARKERS) -> tuple[Array, Array]:
    """Row and column of the cell behind each marker of `pair_similarity_map`, in order.

    One marker per cell; where a side is long, one per block, for the block's best cell.
    """
    rows, columns = (_pool_starts(n, most) for n in matrix.shape)
    if len(rows) == matrix.shape[0] and len(columns) == matrix.shape[1]:
        i, j = np.divmod(np.arange(matrix.size), matrix.shape[1])
        return i, j
    row_ends = np.append(rows[1:], matrix.shape[0])
    column_ends = np.append(columns[1:], matrix.shape[1])
    cells = np.empty((len(rows), len(columns), 2), np.int64)
    for a, (top, bottom) in enumerate(zip(rows, row_ends, strict=True)):
        band = matrix[top:bottom]
        best_row = band.argmax(0)
        best = band[best_row, np.arange(band.shape[1])]
        for b, (left, right) in enumerate(zip(columns, column_ends, strict=True)):
            column = left + int(best[left:right].argmax())
            cells[a, b] = top + best_row[column], column
    return cells[..., 0].ravel(), cells[..., 1].ravel()


def every_cell_clickable(matrix: Array) -> bool:
    """Whether each cell of `pair_similarity_map` has a marker of its own."""
    return all(side <= MOST_MARKERS for side in matrix.shape)


def best_below(frame_map: Array, cell: tuple[int, int]) -> tuple[int, int]:
    """The best cell of the frame-to-frame map inside one cell of the ViSiL output."""
    spans = [
        slice(0, None)
        if length < _COMPARATOR_STRIDE
        else slice(at * _COMPARATOR_STRIDE, (at + 1) * _COMPARATOR_STRIDE)
        for at, length in zip(cell, frame_map.shape, strict=True)
    ]
    block = frame_map[spans[0], spans[1]]
    i, j = np.unravel_index(int(block.argmax()), block.shape)
    return spans[0].start + int(i), spans[1].start + int(j)


def clicked(points: Sequence[dict[str, Any]], matrix: Array) -> tuple[int, int] | None:
    """The cell of a selection's last point on the markers, or None."""
    mine = [p for p in points if p.get("curve_number") == CLICK_TRACE]
    if not mine:
        return None
    rows, columns = clickable_cells(matrix)
    at = int(mine[-1]["point_index"])
    return (int(rows[at]), int(columns[at])) if 0 <= at < len(rows) else None


def pair_similarity_map(
    matrix: Array,
    query: TimeAxis,
    reference: TimeAxis,
    *,
    segments: Sequence[Segment] = (),
    chosen: tuple[int, int] | None = None,
    within: tuple[TimeAxis, TimeAxis] | None = None,
    colours: tuple[float, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """A map `[P, Q]` with clickable cells; query time runs down, reference time to the right.

    Segments are lines over it, dotted where the copy plays backwards. `within`: axes whose range is
    shown instead, so that two maps can be compared. `colours`: values of the darkest and brightest
    colour; by those of this map, the default, noise looks like structure. Raises ValueError on axes
    of another length.
    """
    if (len(query.at), len(reference.at)) != matrix.shape:
        raise ValueError(
            f"expected axes of {matrix.shape[0]} and {matrix.shape[1]} cells, "
            f"got {len(query.at)} and {len(reference.at)}"
        )
    shown, first_rows, first_columns = pool_max(matrix)
    low, high = colours or value_range(matrix)
    figure = go.Figure(
        go.Heatmap(
            z=shown.astype(np.float32),
            x=_plotly_time(np.append(reference.edges[first_columns], reference.edges[-1])),
            y=_plotly_time(np.append(query.edges[first_rows], query.edges[-1])),
            zmin=low,
            zmax=high,
            colorscale=COLOUR_SCALE,
            hoverinfo="skip",
            colorbar=colour_bar(low, high),
        )
    )
    rows, columns = clickable_cells(matrix)
    figure.add_trace(
        click_markers(
            _plotly_time(reference.at[columns]),
            _plotly_time(query.at[rows]),
            matrix[rows, columns].astype(np.float32),
            hover="query %{y}<br>reference %{x}<br><b>%{customdata:.3f}</b><extra></extra>",
        )
    )
    down, across = within or (query, reference)
    for segment in segments:
        _add_segment(figure, segment, down, across)
    if chosen is not None:
        add_ring(
            figure, _plotly_time(reference.at[[chosen[1]]]), _plotly_time(query.at[[chosen[0]]])
        )
    reading = {"clickmode": "event+select", "hovermode": "closest", "hoverdistance": -1}
    figure.update_layout(figure_layout(height=height, **reading))
    figure.update_xaxes(**_time_axis(across.edges), title="reference")
    figure.update_yaxes(**_time_axis(down.edges, reverse=True), title="query")
    return figure


def _plotly_time(seconds: Array) -> Array:
    """Times as plotly dates in milliseconds, whose labels read m:ss at every zoom."""
    return np.asarray(PLOT_EPOCH_MS + np.asarray(seconds, float) * 1000.0)


def _time_axis(edges: Array, *, reverse: bool = False) -> dict[str, Any]:
    start, end = _plotly_time(edges[[0, -1]]).tolist()
    form = "%-H:%M:%S" if edges[-1] >= 3600 else "%-M:%S"
    return {
        "type": "date",
        "range": [end, start] if reverse else [start, end],
        "tickformat": form,
        "hoverformat": form,
        "nticks": 7,
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": GREY,
        "automargin": True,
        "title_standoff": 6,
        "fixedrange": False,
    }


def _add_segment(figure: go.Figure, s: Segment, query: TimeAxis, reference: TimeAxis) -> None:
    # A segment runs from its first frame's time to the end of its last frame's interval, while
    # cells are centred on their frames: half a step back puts the line on the cells' corners.
    back_q, back_r = (
        s_start - float(np.interp(s_start, axis.at, axis.edges[:-1]))
        for s_start, axis in ((s.query_start, query), (s.reference_start, reference))
    )
    across = [s.reference_start - back_r, s.reference_end - back_r]
    x = _plotly_time(np.array(across[::-1] if s.reversed else across))
    y = _plotly_time(np.array([s.query_start - back_q, s.query_end - back_q]))
    for width, colour in ((5, "rgba(11,22,38,0.85)"), (2.5, AMBER)):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers",
                line={"color": colour, "width": width, "dash": "dot" if s.reversed else "solid"},
                marker={"color": colour, "size": width + 3},
                hoverinfo="skip",
            )
        )
