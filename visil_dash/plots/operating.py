"""Figures of operating points: precision over recall, ROC, and re-ranking a share of the videos."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.plots.style import AMBER, GREY, TEAL, legend_layout, value_axis
from visil_dash.records import Array

_BAND = "rgba(13,148,136,0.16)"
Point = tuple[float, float]
# (x, y, low, high); `low` and `high` are the interval of y, NaN where there is none.
Curve = tuple[Array, Array, Array, Array]


def pr_figure(
    curves: Sequence[tuple[str, Curve]], *, point: Point | None = None, height: int = 320
) -> go.Figure:
    """Precision over recall with intervals; `point`: (recall, precision) at the threshold."""
    return _shares_figure(curves, point, "recall", "precision", height=height)


def roc_figure(curve: Curve, *, point: Point | None = None, height: int = 320) -> go.Figure:
    """True-positive over false-positive rate with intervals; chance is the dotted diagonal."""
    x, y, low, high = curve
    from_zero = tuple(np.concatenate([[0.0], part]) for part in (x, y, low, high))
    return _shares_figure(
        [("", from_zero)],  # type: ignore[list-item]
        point,
        "false-positive rate",
        "true-positive rate",
        diagonal=True,
        height=height,
    )


def class_figure(
    edges: Array, same: Array, other: Array, *, threshold: float, title: str, height: int = 260
) -> go.Figure:
    """Shares of pairs per bin, `edges` `[B + 1]` rising: copies of one another and other pairs.

    `threshold`: where the line stands, in the unit of `edges`, which `title` names.
    """
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    bars = [
        go.Bar(
            x=middle,
            y=shares,
            width=width,
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            opacity=0.6,
            hovertemplate=f"%{{x:.3f}}<br><b>%{{y:.1%}}</b> of {name}<extra></extra>",
        )
        for name, shares, colour in (("other pairs", other, GREY), ("copies", same, TEAL))
    ]
    figure = go.Figure(
        bars,
        legend_layout(
            height=height,
            barmode="overlay",
            xaxis=value_axis(title),
            yaxis=value_axis("share", tickformat=".0%"),
        ),
    )
    figure.add_vline(x=threshold, line={"color": AMBER, "width": 2})
    return figure


def rerank_figure(
    shares: Sequence[float],
    values: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    seconds: Sequence[float],
) -> go.Figure:
    """mAP (left axis, with intervals) and seconds per query (right) over the share re-ranked."""
    percent = [100 * share for share in shares]
    traces: list[Any] = []
    if all(v is not None for v in (*low, *high)):
        traces += _band(percent, low, high)
    traces += [
        go.Scatter(
            x=percent,
            y=values,
            mode="lines+markers",
            line={"color": TEAL, "width": 2.5},
            name="mAP",
            hovertemplate="%{x:.0f} % re-ranked<br>mAP <b>%{y:.3f}</b><extra></extra>",
        ),
        go.Scatter(
            x=percent,
            y=seconds,
            yaxis="y2",
            mode="lines+markers",
            line={"color": AMBER, "width": 2, "dash": "dot"},
            name="seconds per query",
            hovertemplate="%{x:.0f} % re-ranked<br><b>%{y:.3f} s</b> per query<extra></extra>",
        ),
    ]
    return go.Figure(
        traces,
        legend_layout(
            height=300,
            xaxis=value_axis("videos re-ranked, %"),
            yaxis=value_axis("mAP", range=[0, 1.03]),
            yaxis2={
                "title": {"text": "seconds"},
                "overlaying": "y",
                "side": "right",
                "rangemode": "tozero",
                "showgrid": False,
                "automargin": True,
                "fixedrange": True,
            },
        ),
    )


def _shares_figure(
    curves: Sequence[tuple[str, Curve]],
    point: Point | None,
    x_title: str,
    y_title: str,
    *,
    diagonal: bool = False,
    height: int,
) -> go.Figure:
    """Curves of one share over another, both 0..1; the first one with its interval."""
    hover = f"{x_title} %{{x:.3f}}<br>{y_title} <b>%{{y:.3f}}</b><extra></extra>"
    traces: list[Any] = [_diagonal()] if diagonal else []
    for number, (name, (x, y, low, high)) in enumerate(curves):
        real = np.isfinite(low) & np.isfinite(high)
        if number == 0 and real.any():
            traces += _band(np.asarray(x)[real], np.asarray(low)[real], np.asarray(high)[real])
        dash = ("solid", "dash", "dot", "dashdot")[number % 4]
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers" if len(x) <= 60 else "lines",
                line={"color": (TEAL, AMBER)[number % 2], "width": 2.5, "dash": dash},
                marker={"size": 5},
                name=name,
                hovertemplate=hover,
            )
        )
    if point is not None:
        traces.append(_threshold_marker(point, hover=hover))
    named = len(curves) > 1
    return go.Figure(
        traces,
        legend_layout(
            height=height,
            showlegend=named,
            margin={"l": 8, "r": 12, "t": 36 if named else 12, "b": 8, "pad": 0},
            xaxis=value_axis(x_title, range=[-0.02, 1.03]),
            yaxis=value_axis(y_title, range=[-0.02, 1.03]),
        ),
    )


def _diagonal() -> go.Scatter:
    return go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )


def _threshold_marker(point: Point, *, hover: str) -> go.Scatter:
    return go.Scatter(
        x=[point[0]],
        y=[point[1]],
        mode="markers",
        marker={
            "size": 14,
            "color": AMBER,
            "symbol": "diamond",
            "line": {"width": 1.5, "color": "white"},
        },
        name="this threshold",
        showlegend=False,
        cliponaxis=False,
        hovertemplate=f"this threshold<br>{hover}",
    )


def _band(x: Any, low: Any, high: Any) -> list[go.Scatter]:
    """The interval as one closed area, so that steps backwards in x are drawn as well."""
    return [
        go.Scatter(
            x=np.concatenate([x, np.asarray(x)[::-1]]),
            y=np.concatenate([high, np.asarray(low)[::-1]]),
            fill="toself",
            fillcolor=_BAND,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
    ]
