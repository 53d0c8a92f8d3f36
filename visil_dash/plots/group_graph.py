"""The figure of one group as a graph: its videos, and what holds them together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.collection import add_pictures
from visil_dash.plots.style import (
    AMBER,
    CLICK_TRACE,
    GREY,
    TEAL,
    click_markers,
    figure_layout,
    plot_text,
)
from visil_dash.records import Array

_HEIGHT = 560
_SIDE = 1.35  # half the side of the drawn square; nodes lie within 1


def group_figure(
    positions: Array,
    names: Sequence[str],
    links: Sequence[tuple[int, int, float, str]],
    *,
    pictures: Mapping[int, str] | None = None,
) -> go.Figure:
    """Videos at `positions` `[N, 2]` within -1..1, with lines between them.

    `links`: places in `names`, score, and kind: "direct", "holds" (the group falls apart without
    it) or "joined" (only through others). Each has a mark in its middle that takes clicks.
    `pictures`: data: addresses by place.
    """

    def of(kind: str) -> list[tuple[int, int, float, str]]:
        return [link for link in links if link[3] == kind]

    figure = go.Figure(
        [
            _lines(positions, of("joined"), GREY, "dot", 1.0),
            _middles(positions, names, links),
            _lines(positions, of("direct"), TEAL, "solid", 2.0),
            _lines(positions, of("holds"), AMBER, "solid", 3.0),
            _names(positions, names),
        ]
    )
    if pictures:
        width = min(0.55, 1.5 / max(2.0, np.sqrt(len(names))))
        add_pictures(figure, positions, pictures, width=width)
    figure.update_layout(
        figure_layout(
            height=_HEIGHT, clickmode="event+select", hovermode="closest", hoverdistance=20
        )
    )
    axis: dict[str, Any] = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "ticks": "",
        "fixedrange": True,
    }
    figure.update_xaxes(**axis, range=[-_SIDE, _SIDE])
    figure.update_yaxes(**axis, range=[-_SIDE + 0.1, _SIDE + 0.25], scaleanchor="x")
    return figure


def _names(positions: Array, names: Sequence[str]) -> go.Scatter:
    return go.Scatter(
        x=positions[:, 0],
        y=positions[:, 1],
        mode="markers+text",
        marker={"size": 10, "color": TEAL},
        text=[plot_text(name, longest=22) for name in names],
        textposition="bottom center",
        textfont={"size": 11},
        cliponaxis=False,
        hovertext=[plot_text(name) for name in names],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _middles(
    positions: Array, names: Sequence[str], links: Sequence[tuple[int, int, float, str]]
) -> go.Scatter:
    ends = np.array([link[:2] for link in links], int).reshape(-1, 2)
    middle = (positions[ends[:, 0]] + positions[ends[:, 1]]) / 2
    texts = [
        f"{plot_text(names[i], longest=30)} – {plot_text(names[j], longest=30)}<br>"
        + ("no score" if not np.isfinite(score) else f"<b>{score:.3f}</b>")
        + (", joined only through others" if kind == "joined" else "")
        for i, j, score, kind in links
    ]
    markers = click_markers(middle[:, 0], middle[:, 1], None, hover="%{text}<extra></extra>")
    markers.text = texts
    return markers


def _lines(
    positions: Array,
    links: Sequence[tuple[int, int, float, str]],
    colour: str,
    dash: str,
    width: float,
) -> go.Scatter:
    ends = np.array([link[:2] for link in links], int).reshape(-1, 2)
    gaps = np.full((len(ends), 1), np.nan)
    x, y = (
        np.hstack([positions[ends[:, 0], axis, None], positions[ends[:, 1], axis, None], gaps])
        for axis in (0, 1)
    )
    return go.Scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="lines",
        line={"color": colour, "width": width, "dash": dash},
        hoverinfo="skip",
    )


def clicked_link(points: Sequence[dict[str, Any]], count: int) -> int | None:
    """Place in `links` of a selection's last point on `group_figure`, None for none of them."""
    mine = [p for p in points if p.get("curve_number") == CLICK_TRACE]
    if not mine or not 0 <= int(mine[-1]["point_index"]) < count:
        return None
    return int(mine[-1]["point_index"])
