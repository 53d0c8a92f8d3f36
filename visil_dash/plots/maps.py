"""Figures: records in, plotly figures out.

Backgrounds are transparent and texts take the page's colour, so that a figure sits in a light and
in a dark page alike; marks keep colours that stand out on both. Maps are dark where frames differ
and bright where they agree, on either page. Names are escaped: plotly reads HTML in its texts.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.records import Array, Segment

TEAL, AMBER, GREY = "#0d9488", "#f59e0b", "#8492a6"
MAP_COLOURS = ["#0b1626", "#0f2f45", "#0f5563", "#128079", "#4fb396", "#98dcb9", "#d9f7e3"]
SCALE = [[i / (len(MAP_COLOURS) - 1), colour] for i, colour in enumerate(MAP_COLOURS)]

MOST_CELLS = 1000  # cells a side: 2000 take a browser 6.5 s and 850 MB, 1000 take 2.3 s
MOST_MARKERS = 250  # markers a side; a click finds one, and more than 300 a side are slow to draw
CLICK_TRACE = 1  # position of the markers among a figure's traces
_MIDNIGHT = 946_684_800_000.0  # 1 January 2000 in ms: plotly takes a small number for a year
COMPARATOR_STRIDE = 4  # frames a side that one cell of the ViSiL output stands for


def layout(*, height: int, **changes: Any) -> dict[str, Any]:
    """What all figures share; `changes` win."""
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 13},
        "showlegend": False,
        "hoverlabel": {"font": {"size": 13}, "namelength": -1},
        "dragmode": False,
    }
    return base | changes


def plot_text(name: str, *, longest: int = 60) -> str:
    """A name as plotly shows it literally: nothing hidden or reordered, no HTML, no TeX."""
    seen = "".join(c for c in name if unicodedata.category(c)[0] != "C")
    if len(seen) > longest:
        head = longest * 2 // 3
        seen = f"{seen[:head]}…{seen[-(longest - head - 1) :]}"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        seen = seen.replace(character, entity)
    return seen or "unnamed"


# ---- maps of one pair ----


@dataclass(frozen=True)
class TimeAxis:
    """Cells along one video: borders `edges` `[N + 1]` and the time `at` `[N]` each stands for."""

    edges: Array
    at: Array


def frame_axis(times: Array) -> TimeAxis:
    """One cell a sampled frame; borders halfway, so that the nearest frame owns each moment."""
    times = np.asarray(times, float)
    if len(times) == 1:
        return TimeAxis(np.array([times[0] - 0.5, times[0] + 0.5]), times)
    middle = (times[:-1] + times[1:]) / 2
    ends = [2 * times[0] - middle[0]], [2 * times[-1] - middle[-1]]
    return TimeAxis(np.concatenate([ends[0], middle, ends[1]]), times)


def output_axis(times: Array, cells: int) -> TimeAxis:
    """Cells of the ViSiL output over the sampled frames' `times`.

    A cell stands for four frames; a last incomplete block has no cell. Videos of fewer frames
    were repeated to have one.
    """
    edges = frame_axis(times).edges
    if len(times) < COMPARATOR_STRIDE * cells:
        edges = np.linspace(edges[0], edges[-1], cells + 1)
    else:
        edges = edges[: COMPARATOR_STRIDE * cells + 1 : COMPARATOR_STRIDE]
    return TimeAxis(edges, (edges[:-1] + edges[1:]) / 2)


def pool_starts(length: int, most: int) -> Array:
    """First index of each of at most `most` blocks that cut `length` evenly."""
    out: Array = np.unique(np.linspace(0, length, min(length, most), endpoint=False).astype(int))
    return out


def pool_max(matrix: Array, most: int = MOST_CELLS) -> tuple[Array, Array, Array]:
    """The matrix with blocks in place of cells where a side is longer than `most`.

    A block shows its largest value, so that a thin diagonal survives. Returns the matrix and the
    first row and column of each block.
    """
    rows, columns = (pool_starts(n, most) for n in matrix.shape)
    if len(rows) < matrix.shape[0]:
        matrix = np.maximum.reduceat(matrix, rows, axis=0)
    if len(columns) < matrix.shape[1]:
        matrix = np.maximum.reduceat(matrix, columns, axis=1)
    return matrix, rows, columns


def is_pooled(matrix: Array) -> bool:
    """Whether `similarity_map` shows blocks in place of cells."""
    return any(side > MOST_CELLS for side in matrix.shape)


def clickable_cells(matrix: Array, most: int = MOST_MARKERS) -> tuple[Array, Array]:
    """Row and column that each marker of `similarity_map` stands for, in its order.

    One marker a cell; on long sides one a block, which stands for the block's best cell.
    """
    rows, columns = (pool_starts(n, most) for n in matrix.shape)
    if len(rows) == matrix.shape[0] and len(columns) == matrix.shape[1]:
        i, j = np.divmod(np.arange(matrix.size), matrix.shape[1])
        return i, j
    row_ends = np.append(rows[1:], matrix.shape[0])
    column_ends = np.append(columns[1:], matrix.shape[1])
    found = np.empty((len(rows), len(columns), 2), np.int64)
    for a, (top, bottom) in enumerate(zip(rows, row_ends, strict=True)):
        band = matrix[top:bottom]
        best_row = band.argmax(0)
        best = band[best_row, np.arange(band.shape[1])]
        for b, (left, right) in enumerate(zip(columns, column_ends, strict=True)):
            column = left + int(best[left:right].argmax())
            found[a, b] = top + best_row[column], column
    return found[..., 0].ravel(), found[..., 1].ravel()


def every_cell_clickable(matrix: Array) -> bool:
    """Whether each cell of `similarity_map` has a marker of its own."""
    return all(side <= MOST_MARKERS for side in matrix.shape)


def best_below(frame_map: Array, cell: tuple[int, int]) -> tuple[int, int]:
    """The best cell of the frame-to-frame map inside one cell of the ViSiL output."""
    spans = [
        slice(0, None)
        if length < COMPARATOR_STRIDE
        else slice(at * COMPARATOR_STRIDE, (at + 1) * COMPARATOR_STRIDE)
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


def similarity_map(
    matrix: Array,
    query: TimeAxis,
    reference: TimeAxis,
    *,
    segments: Sequence[Segment] = (),
    chosen: tuple[int, int] | None = None,
    within: tuple[TimeAxis, TimeAxis] | None = None,
    height: int = 380,
) -> go.Figure:
    """A map `[P, Q]` with clickable cells; query time runs down, reference time to the right.

    Segments lie over it as lines, dotted where the copy plays backwards. Colours span the values
    at hand: whitened features seldom come near 1. `within`: axes whose span is shown in place of
    the map's own, to line up two maps. Raises ValueError on axes of another length.
    """
    if (len(query.at), len(reference.at)) != matrix.shape:
        raise ValueError(
            f"expected axes of {matrix.shape[0]} and {matrix.shape[1]} cells, "
            f"got {len(query.at)} and {len(reference.at)}"
        )
    shown, first_rows, first_columns = pool_max(matrix)
    low, high = value_range(matrix)
    figure = go.Figure(
        go.Heatmap(
            z=shown.astype(np.float32),
            x=_clock(np.append(reference.edges[first_columns], reference.edges[-1])),
            y=_clock(np.append(query.edges[first_rows], query.edges[-1])),
            zmin=low,
            zmax=high,
            colorscale=SCALE,
            hoverinfo="skip",
            colorbar=colour_bar(low, high),
        )
    )
    rows, columns = clickable_cells(matrix)
    figure.add_trace(
        markers(
            _clock(reference.at[columns]),
            _clock(query.at[rows]),
            matrix[rows, columns].astype(np.float32),
            hover="query %{y}<br>reference %{x}<br><b>%{customdata:.3f}</b><extra></extra>",
        )
    )
    down, across = within or (query, reference)
    for segment in segments:
        _add_segment(figure, segment, down, across)
    if chosen is not None:
        add_ring(figure, _clock(reference.at[[chosen[1]]]), _clock(query.at[[chosen[0]]]))
    figure.update_layout(
        layout(height=height, clickmode="event+select", hovermode="closest", hoverdistance=-1)
    )
    figure.update_xaxes(**_time_axis(across.edges), title="reference")
    figure.update_yaxes(**_time_axis(down.edges, reverse=True), title="query")
    return figure


def value_range(matrix: Array) -> tuple[float, float]:
    """Colour limits: the smallest hundredth of the values may saturate, the largest may not."""
    low, high = float(np.quantile(matrix, 0.01)), float(matrix.max())
    return (low, high) if high - low > 1e-6 else (low - 0.5, low + 0.5)


def _clock(seconds: Array) -> Array:
    """Times as plotly's dates (milliseconds), which it labels as mm:ss at every zoom."""
    out: Array = _MIDNIGHT + np.asarray(seconds, float) * 1000.0
    return out


def _time_axis(edges: Array, *, reverse: bool = False) -> dict[str, Any]:
    start, end = _clock(edges[[0, -1]]).tolist()
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


def colour_bar(low: float, high: float) -> dict[str, Any]:
    steps = np.linspace(low, high, 4)
    digits = 2 if high - low >= 0.1 else 3
    return {
        "thickness": 8,
        "outlinewidth": 0,
        "tickvals": steps.tolist(),
        "ticktext": [f"{step:.{digits}f}" for step in steps],
        "tickfont": {"size": 11},
        "xpad": 6,
    }


def markers(x: Any, y: Any, values: Any, *, hover: str) -> go.Scatter:
    """Invisible squares that take hover and clicks: a heatmap itself tells no clicks."""
    return go.Scatter(
        x=x,
        y=y,
        customdata=values,
        mode="markers",
        marker={"symbol": "square", "size": 9, "color": AMBER, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=hover,
        hoverlabel={"bgcolor": "#0f172a", "font": {"color": "#f8fafc"}, "bordercolor": "#0f172a"},
    )


def _add_segment(figure: go.Figure, s: Segment, query: TimeAxis, reference: TimeAxis) -> None:
    # A segment runs from its first frame's time to the end of its last frame's interval, while
    # cells are centred on their frames: half a step back puts the line on the cells' corners.
    back_q, back_r = (
        s_start - float(np.interp(s_start, axis.at, axis.edges[:-1]))
        for s_start, axis in ((s.query_start, query), (s.reference_start, reference))
    )
    across = [s.reference_start - back_r, s.reference_end - back_r]
    x = _clock(np.array(across[::-1] if s.reversed else across))
    y = _clock(np.array([s.query_start - back_q, s.query_end - back_q]))
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


def add_ring(figure: go.Figure, x: Any, y: Any) -> None:
    for size, colour, width in ((15, "#0b1626", 5), (15, "#ffffff", 2)):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="markers",
                marker={
                    "symbol": "square-open",
                    "size": size,
                    "color": colour,
                    "line": {"width": width, "color": colour},
                },
                hoverinfo="skip",
            )
        )


# ---- everything against everything ----
