"""Figures of a collection: the matrix of all pairs, and the map of all videos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.style import (
    AMBER,
    CLICK_TRACE,
    COLOUR_SCALE,
    GREY,
    SERIES_COLOURS,
    TEAL,
    add_ring,
    click_markers,
    colour_bar,
    figure_layout,
    plot_text,
    value_range,
)
from visil_dash.records import Array, PairTable

FEW_VIDEOS = 40  # up to so many, a matrix is as high as a screen
_ROW_PIXELS = 14  # of a row in a larger one: a line of small text
_MOST_LINES = 3000  # matching pairs joined on the map, strongest first


def pair_matrix(
    table: PairTable,
    order: Sequence[int],
    *,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """The scores `[N, N]` in the given order, with clickable cells; rows are queries.

    `chosen`: row and column in this order. The diagonal (a video against itself) and pairs without
    a score (NaN) stay grey: the diagonal would take the brightest colours and show nothing. Every
    row has room for its name; more than FEW_VIDEOS can be zoomed into.
    """
    n = len(order)
    scores = table.scores[np.ix_(order, order)].astype(np.float32)
    shown = scores.copy()
    np.fill_diagonal(shown, np.nan)
    others = shown[np.isfinite(shown)]
    low, high = value_range(others) if len(others) else (0.0, 1.0)
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            zmin=low,
            zmax=high,
            colorscale=COLOUR_SCALE,
            hoverinfo="skip",
            xgap=1 if n <= 60 else 0,
            ygap=1 if n <= 60 else 0,
            colorbar=colour_bar(low, high),
        )
    )
    figure.add_trace(_cell_markers(scores))
    if chosen is not None:
        add_ring(figure, [chosen[1]], [chosen[0]])
    figure.update_layout(
        figure_layout(
            height=min(580, 220 + 60 * n) if n <= FEW_VIDEOS else 160 + _ROW_PIXELS * n,
            plot_bgcolor="rgba(132,146,166,0.22)",
            dragmode="zoom" if n > FEW_VIDEOS else False,
            clickmode="event+select",
            hovermode="closest",
            hoverdistance=-1,
        )
    )
    _name_axes(figure, [plot_text(table.names[i], longest=20) for i in order])
    return figure


def _cell_markers(scores: Array) -> go.Scatter:
    """One marker per cell of `[N, N]`, row by row."""
    n = len(scores)
    rows, columns = np.divmod(np.arange(n * n), max(n, 1))
    hover = "query %{y}<br>reference %{x}<br><b>%{VALUE}</b><extra></extra>"
    values = scores.ravel()
    markers = click_markers(columns, rows, values, hover=hover.replace("VALUE", "customdata:.3f"))
    missing = np.isnan(values)
    if missing.any():
        markers.text = np.where(missing, "no score", np.char.mod("%.3f", values)).tolist()
        markers.hovertemplate = hover.replace("VALUE", "text")
    return markers


def _name_axes(figure: go.Figure, names: Sequence[str]) -> None:
    n = len(names)
    axis: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(n)),
        "ticktext": names,
        "tickfont": {"size": 11 if n <= FEW_VIDEOS else 10},
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    # Columns are in the order of the rows. Few are told by their row's name and the mark under the
    # pointer; many need names of their own, upright.
    columns = axis | {"tickangle": -90, "showticklabels": n > FEW_VIDEOS}
    figure.update_xaxes(**columns, range=[-0.5, n - 0.5], title="reference", side="top")
    figure.update_yaxes(**axis, range=[n - 0.5, -0.5], title="query")


def clicked_pair(points: Sequence[dict[str, Any]], videos: int) -> tuple[int, int] | None:
    """Row and column of a selection's last point on `pair_matrix`, positions in its order."""
    mine = [p for p in points if p.get("curve_number") == CLICK_TRACE]
    if not mine or not 0 <= int(mine[-1]["point_index"]) < videos * videos:
        return None
    row, column = divmod(int(mine[-1]["point_index"]), videos)
    return row, column


def similarity_dots(
    positions: Array,
    names: Sequence[str],
    *,
    group: Sequence[int],
    links: Sequence[tuple[int, int]],
    chosen: Sequence[int] = (),
    pictures: Mapping[int, str] | None = None,
) -> go.Figure:
    """Videos as dots at `positions` `[N, 2]`, matching pairs joined; selectable by lasso or box.

    `group`: number of each video's group, -1 for none; a group has one colour, and colours repeat
    when there are more groups. `links`, strongest first, and `chosen` are positions in `names`;
    `pictures`: data: addresses by position, each drawn above its dot.
    Both axes have the same scale: only distances have a meaning.
    """
    x, y = positions[:, 0], positions[:, 1]
    colours = [SERIES_COLOURS[g % len(SERIES_COLOURS)] if g >= 0 else GREY for g in group]
    dots = go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 11 if len(names) <= 200 else 7, "color": colours},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        text=[plot_text(name) for name in names],
        hovertemplate="%{text}<extra></extra>",
    )
    figure = go.Figure([_link_lines(x, y, links), dots])
    if len(chosen):
        at = np.array(chosen, int)
        figure.add_trace(_circles(x[at], y[at]))
    figure.update_layout(
        figure_layout(
            height=520,
            dragmode="lasso",
            clickmode="event+select",
            hovermode="closest",
            modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": TEAL},
        )
    )
    span = max(float(np.ptp(x)), float(np.ptp(y)), 1e-3) if len(names) else 1.0
    margin = 0.08 * span
    if pictures:
        width = span * min(0.16, 0.7 / max(1.0, float(np.sqrt(len(pictures)))))
        add_pictures(figure, positions, pictures, width=width)
        margin = max(margin, width)
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False}
    for update, values in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        ends = [float(values.min()) - margin, float(values.max()) + margin]
        update(**axis, range=ends, ticks="")
    figure.update_yaxes(scaleanchor="x")
    return figure


def _link_lines(x: Array, y: Array, links: Sequence[tuple[int, int]]) -> go.Scatter:
    ends = np.array(list(links)[:_MOST_LINES], int).reshape(-1, 2)
    gaps = np.full(len(ends), np.nan)
    return go.Scatter(
        x=np.column_stack([x[ends[:, 0]], x[ends[:, 1]], gaps]).ravel(),
        y=np.column_stack([y[ends[:, 0]], y[ends[:, 1]], gaps]).ravel(),
        mode="lines",
        line={"color": "rgba(132,146,166,0.45)", "width": 1},
        hoverinfo="skip",
    )


def _circles(x: Array, y: Array) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 19,
            "color": AMBER,
            "line": {"width": 2.5, "color": AMBER},
        },
        hoverinfo="skip",
    )


def add_pictures(
    figure: go.Figure, positions: Array, pictures: Mapping[int, str], *, width: float
) -> None:
    """Draws each picture with its lower edge just above its point; `width` in units of the axes.

    Pictures take no clicks: those go to the points.
    """
    for at, address in pictures.items():
        figure.add_layout_image(
            source=address,
            x=float(positions[at, 0]),
            y=float(positions[at, 1]) + 0.12 * width,
            xref="x",
            yref="y",
            sizex=width,
            sizey=width,
            xanchor="center",
            yanchor="bottom",
            layer="above",
        )


def selected_dots(points: Sequence[dict[str, Any]], videos: int) -> list[int]:
    """Positions of the dots in a selection on `similarity_dots`, in order."""
    mine = {int(p["point_index"]) for p in points if p.get("curve_number") == CLICK_TRACE}
    return sorted(at for at in mine if 0 <= at < videos)
