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

from visil_dash.records import Array, PairTable, Segment

TEAL, AMBER, GREY = "#0d9488", "#f59e0b", "#8492a6"
MAP_COLOURS = ["#0b1626", "#0f2f45", "#0f5563", "#128079", "#4fb396", "#a8e3c3", "#f3fff6"]
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
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "autoexpand": True},
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
            colorbar=_colour_bar(low, high),
        )
    )
    rows, columns = clickable_cells(matrix)
    figure.add_trace(
        _markers(
            _clock(reference.at[columns]),
            _clock(query.at[rows]),
            matrix[rows, columns].astype(np.float32),
            hover="query %{y}<br>reference %{x}<br><b>%{customdata:.3f}</b><extra></extra>",
        )
    )
    for segment in segments:
        _add_segment(figure, segment, query, reference)
    if chosen is not None:
        _add_ring(figure, _clock(reference.at[[chosen[1]]]), _clock(query.at[[chosen[0]]]))
    figure.update_layout(
        layout(height=height, clickmode="event+select", hovermode="closest", hoverdistance=-1)
    )
    down, across = within or (query, reference)
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


def _colour_bar(low: float, high: float) -> dict[str, Any]:
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


def _markers(x: Any, y: Any, values: Any, *, hover: str) -> go.Scatter:
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


def _add_ring(figure: go.Figure, x: Any, y: Any) -> None:
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


def pair_matrix(
    table: PairTable,
    order: Sequence[int],
    *,
    chosen: tuple[int, int] | None = None,
    height: int = 560,
) -> go.Figure:
    """The scores `[N, N]` in the given order, cells clickable; rows are queries.

    `chosen` are positions in the order. A video against itself is left blank: it would only tell
    that the brightest colour is the diagonal. Markers run row by row, whatever N.
    """
    n = len(order)
    scores = table.scores[np.ix_(order, order)].astype(np.float32)
    shown = scores.copy()
    np.fill_diagonal(shown, np.nan)
    others = scores[~np.eye(n, dtype=bool)]
    low, high = value_range(others) if len(others) else (0.0, 1.0)
    names = [plot_text(table.names[i], longest=20) for i in order]
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            zmin=low,
            zmax=high,
            colorscale=SCALE,
            hoverinfo="skip",
            xgap=1 if n <= 60 else 0,
            ygap=1 if n <= 60 else 0,
            colorbar=_colour_bar(low, high),
        )
    )
    rows, columns = np.divmod(np.arange(n * n), max(n, 1))
    figure.add_trace(
        _markers(
            columns,
            rows,
            scores.ravel(),
            hover="query %{y}<br>reference %{x}<br><b>%{customdata:.3f}</b><extra></extra>",
        )
    )
    if chosen is not None:
        _add_ring(figure, [chosen[1]], [chosen[0]])
    figure.update_layout(
        layout(height=height, clickmode="event+select", hovermode="closest", hoverdistance=-1)
    )
    axis: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(n)),
        "ticktext": names,
        "tickfont": {"size": 11},
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    # Columns stand in the order of the rows: told twice, the names would leave a phone no matrix.
    figure.update_xaxes(
        **axis, range=[-0.5, n - 0.5], showticklabels=False, title="reference", side="top"
    )
    figure.update_yaxes(**axis, range=[n - 0.5, -0.5], showticklabels=n <= 40, title="query")
    return figure


def clicked_pair(points: Sequence[dict[str, Any]], videos: int) -> tuple[int, int] | None:
    """Row and column of a selection's last point on `pair_matrix`, positions in its order."""
    mine = [p for p in points if p.get("curve_number") == CLICK_TRACE]
    if not mine or not 0 <= int(mine[-1]["point_index"]) < videos * videos:
        return None
    row, column = divmod(int(mine[-1]["point_index"]), videos)
    return row, column


# ---- distances ----


def distance_histogram(
    edges: Array,
    counts: Array,
    *,
    threshold: float,
    default: float,
    unrelated: float,
    orthogonal: float,
    nearest: Array,
    names: Sequence[str],
    log: bool,
    height: int = 330,
) -> go.Figure:
    """All squared-L2 distances counted, what the threshold admits in colour.

    `edges` `[B + 1]`, `counts` `[B]` as `thresholds.histogram` gives them. Below the bars each
    library video is a tick at its `nearest` `[V]` distance: the tick turns amber when the
    threshold makes it a candidate.
    """
    edges = np.asarray(edges, float)
    inside = edges[:-1] <= threshold
    width = np.diff(edges)
    bars = go.Bar(
        x=edges[:-1] + width / 2,
        y=counts,
        width=width * 0.92,
        customdata=np.stack([edges[:-1], edges[1:]], 1),
        marker={"color": np.where(inside, TEAL, GREY), "line": {"width": 0}},
        opacity=0.9,
        hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}<br>"
        "<b>%{y:,}</b> pairs of frames<extra></extra>",
    )
    real = np.isfinite(nearest)
    at = np.asarray(nearest)[real]
    ticks = go.Scatter(
        x=at,
        y=np.zeros(len(at)),
        yaxis="y2",
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 13,
            "line": {"width": 2},
            "color": np.where(at <= threshold, AMBER, GREY),
        },
        text=[plot_text(name) for name, kept in zip(names, real, strict=True) if kept],
        hovertemplate="%{text}<br>nearest frame at <b>%{x:.3f}</b><extra></extra>",
    )
    end = max(float(edges[-1]), orthogonal, unrelated, threshold, default) * 1.03
    marks = (
        (threshold, "threshold", AMBER, "solid", 3),
        (default, "default", TEAL, "dash", 1.5),
        (unrelated, "unrelated", GREY, "dot", 1.5),
        (orthogonal, "nothing shared", GREY, "dot", 1.5),
    )
    lines = [_level(i, *mark, end=end) for i, mark in enumerate(marks)]
    # In one piece: adding shapes one by one takes plotly longer than all the rest of the page.
    return go.Figure(
        [bars, ticks],
        layout(
            height=height,
            margin={"l": 8, "r": 8, "t": 84, "b": 8},
            bargap=0,
            shapes=[shape for shape, _ in lines],
            annotations=[label for _, label in lines],
            yaxis={
                "domain": [0.16, 1],
                "type": "log" if log else "linear",
                "title": {"text": "pairs of frames"},
                "gridcolor": "rgba(132,146,166,0.25)",
                "zeroline": False,
                "automargin": True,
                "exponentformat": "SI",
                "dtick": 1 if log else None,
                "fixedrange": True,
            },
            yaxis2={"domain": [0, 0.1], "visible": False, "range": [-1, 1], "fixedrange": True},
            xaxis={
                "range": [0, end],
                "title": {"text": "squared L2 distance of two frames"},
                "showgrid": False,
                "zeroline": False,
                "anchor": "y2",
                "automargin": True,
                "fixedrange": True,
            },
        ),
    )


def _level(
    place: int, at: float, label: str, colour: str, dash: str, width: float, *, end: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A line up to its label; labels stand one above the other, towards the middle."""
    top = 1.04 + 0.07 * place
    on_the_left = at > end / 2
    line = {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0 if place == 0 else 0.16,
        "y1": top + 0.03,
        "yref": "paper",
        "line": {"color": colour, "width": width, "dash": dash},
    }
    text = {
        "x": at,
        "y": top,
        "yref": "paper",
        "yanchor": "middle",
        "xanchor": "right" if on_the_left else "left",
        "xshift": -5 if on_the_left else 5,
        "text": f"{label} {at:.2f}",
        "showarrow": False,
        "font": {"size": 12},
    }
    return line, text
