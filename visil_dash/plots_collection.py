"""Figures of a collection: everything against everything."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots import (
    CLICK_TRACE,
    SCALE,
    add_ring,
    colour_bar,
    layout,
    markers,
    plot_text,
    value_range,
)
from visil_dash.records import PairTable


def pair_matrix(
    table: PairTable,
    order: Sequence[int],
    *,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """The scores `[N, N]` in the given order, cells clickable; rows are queries.

    `chosen` are positions in the order. A video against itself is left grey: it would only tell
    that the brightest colour is the diagonal. Markers run row by row, whatever N.
    """
    n = len(order)
    height = min(580, 220 + 60 * n)
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
