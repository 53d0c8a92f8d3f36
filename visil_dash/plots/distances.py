"""Figures of distances and their threshold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.style import AMBER, GREY, TEAL, figure_layout, plot_text, value_axis
from visil_dash.records import Array


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
    """Counts of all squared-L2 distances, those within the threshold in colour.

    `edges` `[B + 1]`, `counts` `[B]` as `thresholds.histogram` returns them. Below the bars, each
    library video has a tick at its `nearest` `[V]` distance, amber where it is a candidate.
    """
    edges = np.asarray(edges, float)
    end = max(float(edges[-1]), orthogonal, unrelated, threshold, default) * 1.03
    marks = (
        (threshold, "threshold", AMBER, "solid", 3),
        (default, "default", TEAL, "dash", 1.5),
        (unrelated, "unrelated", GREY, "dot", 1.5),
        (orthogonal, "nothing shared", GREY, "dot", 1.5),
    )
    lines = [_level(i, *mark, end=end) for i, mark in enumerate(marks)]
    log_ticks = 1 if log and np.max(counts, initial=0) >= 10 else None
    # In one piece: adding shapes one by one takes plotly longer than all the rest of the page.
    return go.Figure(
        [_bars(edges, counts, threshold), _video_ticks(np.asarray(nearest), names, threshold)],
        figure_layout(
            height=height,
            margin={"l": 8, "r": 8, "t": 84, "b": 8, "pad": 0},
            bargap=0,
            shapes=[shape for shape, _ in lines],
            annotations=[label for _, label in lines],
            yaxis=value_axis(
                "pairs of frames",
                domain=[0.16, 1],
                type="log" if log else "linear",
                exponentformat="SI",
                dtick=log_ticks,
            ),
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


def _bars(edges: Array, counts: Array, threshold: float) -> go.Bar:
    width = np.diff(edges)
    return go.Bar(
        x=edges[:-1] + width / 2,
        y=counts,
        width=width * 0.92,
        customdata=np.stack([edges[:-1], edges[1:]], 1),
        marker={"color": np.where(edges[:-1] <= threshold, TEAL, GREY), "line": {"width": 0}},
        opacity=0.9,
        hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}<br>"
        "<b>%{y:,}</b> pairs of frames<extra></extra>",
    )


def _video_ticks(nearest: Array, names: Sequence[str], threshold: float) -> go.Scatter:
    real = np.isfinite(nearest)
    at = nearest[real]
    return go.Scatter(
        x=at,
        y=np.zeros(len(at)),
        yaxis="y2",
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 13,
            "line": {"width": 2},
            # Numbers on a scale: plotly reads a thousand colours one by one, in 10 ms and twice.
            "color": (at <= threshold).astype(int),
            "colorscale": [[0, GREY], [1, AMBER]],
            "cmin": 0,
            "cmax": 1,
        },
        text=[plot_text(name) for name, kept in zip(names, real, strict=True) if kept],
        hovertemplate="%{text}<br>nearest frame at <b>%{x:.3f}</b><extra></extra>",
    )


def _level(
    place: int, at: float, label: str, colour: str, dash: str, width: float, *, end: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A line with its label on top; labels are stacked, and extend towards the middle."""
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
