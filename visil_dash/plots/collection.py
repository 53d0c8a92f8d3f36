"""Figures of a collection: everything against everything."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.maps import (
    AMBER,
    CLICK_TRACE,
    GREY,
    SCALE,
    TEAL,
    add_ring,
    colour_bar,
    layout,
    markers,
    plot_text,
    value_range,
)
from visil_dash.plots.timeline import COLOURS
from visil_dash.records import Array, PairTable

MOST_LINES = 3000  # matching pairs joined on the map, strongest first


def pair_matrix(
    table: PairTable,
    order: Sequence[int],
    *,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """The scores `[N, N]` in the given order, cells clickable; rows are queries.

    `chosen` are positions in the order. A video against itself is left grey: it would only tell
    that the brightest colour is the diagonal. So are pairs without a score (NaN). Markers run row
    by row, whatever N.
    """
    n = len(order)
    height = min(580, 220 + 60 * n)
    scores = table.scores[np.ix_(order, order)].astype(np.float32)
    shown = scores.copy()
    np.fill_diagonal(shown, np.nan)
    others = shown[np.isfinite(shown)]
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
            colorbar=colour_bar(low, high),
        )
    )
    rows, columns = np.divmod(np.arange(n * n), max(n, 1))
    figure.add_trace(
        markers(
            columns,
            rows,
            scores.ravel(),
            hover="query %{y}<br>reference %{x}<br><b>%{customdata:.3f}</b><extra></extra>",
        )
    )
    blank = np.isnan(scores.ravel())
    if blank.any():
        figure.data[CLICK_TRACE].text = np.where(
            blank, "no score", np.char.mod("%.3f", scores.ravel())
        ).tolist()
        figure.data[
            CLICK_TRACE
        ].hovertemplate = "query %{y}<br>reference %{x}<br><b>%{text}</b><extra></extra>"
    if chosen is not None:
        add_ring(figure, [chosen[1]], [chosen[0]])
    figure.update_layout(
        layout(
            height=height,
            plot_bgcolor="rgba(132,146,166,0.22)",
            clickmode="event+select",
            hovermode="closest",
            hoverdistance=-1,
        )
    )
    axis: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(n)),
        "ticktext": names,
        "tickfont": {"size": 11},
        "ticks": "",
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


def similarity_dots(
    positions: Array,
    names: Sequence[str],
    *,
    group: Sequence[int],
    links: Sequence[tuple[int, int]],
    chosen: Sequence[int] = (),
    height: int = 520,
) -> go.Figure:
    """Videos as dots at `positions` `[N, 2]`, matching pairs joined, to be chosen by lasso or box.

    `group`: number of each video's group, -1 for none; a group has one colour, and groups beyond
    the colours share them. `links`, strongest first, and `chosen` are positions in `names`.
    Both axes have one scale, since distance is all that the map tells.
    """
    figure = go.Figure()
    x, y = positions[:, 0], positions[:, 1]
    ends = np.array(list(links)[:MOST_LINES], int).reshape(-1, 2)
    gaps = np.full(len(ends), np.nan)
    figure.add_trace(
        go.Scatter(
            x=np.column_stack([x[ends[:, 0]], x[ends[:, 1]], gaps]).ravel(),
            y=np.column_stack([y[ends[:, 0]], y[ends[:, 1]], gaps]).ravel(),
            mode="lines",
            line={"color": "rgba(132,146,166,0.45)", "width": 1},
            hoverinfo="skip",
        )
    )
    colours = [COLOURS[g % len(COLOURS)] if g >= 0 else GREY for g in group]
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={"size": 11 if len(names) <= 200 else 7, "color": colours},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            text=[plot_text(name) for name in names],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    if len(chosen):
        at = np.array(chosen, int)
        figure.add_trace(
            go.Scatter(
                x=x[at],
                y=y[at],
                mode="markers",
                marker={
                    "symbol": "circle-open",
                    "size": 19,
                    "color": AMBER,
                    "line": {"width": 2.5, "color": AMBER},
                },
                hoverinfo="skip",
            )
        )
    figure.update_layout(
        layout(
            height=height,
            dragmode="lasso",
            clickmode="event+select",
            hovermode="closest",
            modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": TEAL},
        )
    )
    span = max(float(np.ptp(x)), float(np.ptp(y)), 1e-3) if len(names) else 1.0
    around = 0.08 * span
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False}
    for update, values in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        ends_of = [float(values.min()) - around, float(values.max()) + around]
        update(**axis, range=ends_of, ticks="")
    figure.update_yaxes(scaleanchor="x")
    return figure


def selected_dots(points: Sequence[dict[str, Any]], videos: int) -> list[int]:
    """Positions of the dots in a selection on `similarity_dots`, in order."""
    mine = {int(p["point_index"]) for p in points if p.get("curve_number") == CLICK_TRACE}
    return sorted(at for at in mine if 0 <= at < videos)
