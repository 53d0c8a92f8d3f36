"""Figures of the Dimensions page: recall over bytes, concentration of distances, the graph."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from visil_dash.plots.style import AMBER, GREY, TEAL, figure_layout, legend_layout, value_axis
from visil_dash.records import Array

_BLUE, _ROSE = "#3b82f6", "#e11d48"
_COLOURS = (TEAL, AMBER, _BLUE, _ROSE, GREY)
_SYMBOLS = {"fp32": "circle", "fp16": "diamond", "int8": "square", "binary": "x"}
_LOG_TICKS = [1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500]


def recall_by_bytes(
    spaces: Mapping[str, Sequence[tuple[int, str, int, float]]], *, k: int
) -> go.Figure:
    """One mark per space, by method: (dims, precision, bytes per frame, recall)."""
    traces = []
    for place, (name, points) in enumerate(spaces.items()):
        # The legend shows the first mark: a circle for all.
        ordered = sorted(points, key=lambda p: (p[1] != "fp32", p[2], p[3]))
        traces.append(
            go.Scatter(
                x=[p[2] for p in ordered],
                y=[p[3] for p in ordered],
                name=name,
                mode="markers",
                marker={
                    "color": _COLOURS[place % len(_COLOURS)],
                    "symbol": [_SYMBOLS[p[1]] for p in ordered],
                    "size": 9,
                },
                text=[f"{name}, {p[0]} dims, {p[1]}" for p in ordered],
                hovertemplate="%{text}<br><b>%{y:.3f}</b> at %{x:,} bytes per frame<extra></extra>",
            )
        )
    return go.Figure(
        traces,
        legend_layout(
            height=360,
            top=40,
            legend_font_size=12,
            xaxis=value_axis("bytes per frame", type="log", dtick=1, exponentformat="none"),
            yaxis=value_axis(f"recall@{k}", range=[0, 1.04]),
        ),
    )


def curves_over_dims(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    log_y: bool = False,
) -> go.Figure:
    """Lines over dimensions, x on a log axis: name → (dims, values)."""
    traces = [
        go.Scatter(
            x=list(dims),
            y=list(values),
            name=name,
            mode="lines+markers",
            line={"color": _COLOURS[place % len(_COLOURS)], "width": 2},
            marker={"size": 5},
            hovertemplate=f"{name}<br><b>%{{y:.3f}}</b> at %{{x:,}} dims<extra></extra>",
        )
        for place, (name, (dims, values)) in enumerate(lines.items())
    ]
    return go.Figure(
        traces,
        legend_layout(
            height=300,
            top=56,
            legend_font_size=12,
            xaxis=value_axis(x, type="log", exponentformat="none", dtick=1),
            yaxis=value_axis(y, type="log", tickvals=_LOG_TICKS) if log_y else value_axis(y),
        ),
    )


def explained(cumulative: Array, marks: Mapping[float, int]) -> go.Figure:
    """Share of the variance over principal directions; `marks`: share → directions needed."""
    line = go.Scatter(
        x=list(range(1, len(cumulative) + 1)),
        y=list(cumulative),
        mode="lines",
        fill="tozeroy",
        fillcolor="rgba(13,148,136,0.15)",
        line={"color": TEAL, "width": 2},
        hovertemplate="<b>%{y:.1%}</b> by %{x} directions<extra></extra>",
    )
    points = go.Scatter(
        x=list(marks.values()),
        y=list(marks),
        mode="markers+text",
        text=[f" {share:.0%}: {count}" for share, count in marks.items()],
        textposition="bottom right",
        marker={"color": AMBER, "size": 8},
        hoverinfo="skip",
    )
    return go.Figure(
        [line, points],
        figure_layout(
            height=300,
            xaxis=value_axis("principal directions"),
            yaxis=value_axis("share of variance", range=[0, 1.04], tickformat=".0%"),
        ),
    )


def graph_curve(
    efs: Sequence[int],
    recall: Sequence[float],
    query_ms: Sequence[float],
    *,
    chosen: int,
    exact_ms: float,
) -> go.Figure:
    """Recall over time per query, one point per ef, the chosen one larger; beside exact search."""
    end = 1.15 * max([exact_ms, *query_ms])
    line = go.Scatter(
        x=list(query_ms),
        y=list(recall),
        mode="markers",
        marker={
            "color": [AMBER if ef == chosen else TEAL for ef in efs],
            "size": [15 if ef == chosen else 8 for ef in efs],
        },
        customdata=list(efs),
        hovertemplate="ef %{customdata}<br>recall <b>%{y:.4f}</b><br>%{x:.3f} ms<extra></extra>",
    )
    exact = go.Scatter(
        x=[exact_ms],
        y=[1],
        mode="markers+text",
        text=["exact"],
        textposition="bottom center",
        marker={"color": GREY, "size": 9, "symbol": "diamond"},
        hovertemplate="exact search<br>%{x:.3f} ms<extra></extra>",
    )
    low = min(recall)
    floor = max(0, low - 0.1 * (1.02 - low))
    return go.Figure(
        [line, exact],
        figure_layout(
            height=320,
            xaxis=value_axis("milliseconds per query frame", range=[0, end]),
            yaxis=value_axis("recall", range=[floor, 1 + 0.1 * (1 - floor)]),
        ),
    )
