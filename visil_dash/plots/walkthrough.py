"""Figures of the Walkthrough page, one for each step of the method."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from visil_dash.plots.style import (
    AMBER,
    COLOUR_SCALE,
    GREY,
    TEAL,
    add_ring,
    colour_bar,
    figure_layout,
    legend_layout,
    value_axis,
    value_range,
)
from visil_dash.records import Array

_axis = partial(value_axis, title_standoff=6)


def energy_maps(maps: Mapping[str, Array]) -> go.Figure:
    """Mean activation of each backbone stage: maps `[H, W]` by name, each on its own scale."""
    figure = make_subplots(rows=1, cols=len(maps), subplot_titles=list(maps))
    for column, energy in enumerate(maps.values(), 1):
        figure.add_trace(
            go.Heatmap(
                z=energy[::-1].astype(np.float32),
                colorscale=COLOUR_SCALE,
                showscale=False,
                hovertemplate="%{z:.3f}<extra></extra>",
            ),
            row=1,
            col=column,
        )
    figure.update_layout(figure_layout(height=260, margin={"l": 8, "r": 8, "t": 30, "b": 8}))
    figure.update_xaxes(visible=False, fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, fixedrange=True, constrain="domain")
    for column in range(1, len(maps) + 1):
        figure.update_yaxes(scaleanchor=f"x{column if column > 1 else ''}", row=1, col=column)
    return figure


def vectors(matrix: Array, *, rows: str, columns: str, height: int = 240) -> go.Figure:
    """Vectors as rows `[N, D]`, low values dark; only the first 128 columns are shown."""
    shown = matrix[:, :128].astype(np.float32)
    low, high = value_range(shown)
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            colorscale=COLOUR_SCALE,
            zmin=low,
            zmax=high,
            colorbar=colour_bar(low, high),
            hovertemplate=f"{rows} %{{y}}, {columns} %{{x}}<br><b>%{{z:.3f}}</b><extra></extra>",
        )
    )
    figure.update_layout(figure_layout(height=height))
    figure.update_xaxes(title=columns, automargin=True, fixedrange=True, title_standoff=6)
    figure.update_yaxes(
        title=rows, autorange="reversed", automargin=True, fixedrange=True, title_standoff=6
    )
    return figure


def two_histograms(before: Array, after: Array, *, names: tuple[str, str], title: str) -> go.Figure:
    """Histograms of two sets of values over one axis, as shares."""
    low = float(min(before.min(), after.min()))
    high = float(max(before.max(), after.max()))
    bins = {"start": low, "end": high, "size": max(1e-6, (high - low) / 60)}
    figure = go.Figure(
        [
            go.Histogram(
                x=values.astype(np.float32),
                name=name,
                xbins=bins,
                histnorm="probability",
                marker={"color": colour},
                opacity=0.7,
                hovertemplate="%{x}<br><b>%{y:.1%}</b><extra>%{fullData.name}</extra>",
            )
            for values, name, colour in ((before, names[0], GREY), (after, names[1], TEAL))
        ]
    )
    figure.update_layout(legend_layout(height=300, top=32), barmode="overlay")
    figure.update_xaxes(_axis(title))
    figure.update_yaxes(_axis("share"), tickformat=".0%")
    return figure


def region_heatmap(weights: Array) -> go.Figure:
    """One value per region `[R]`, at the region's place in the picture."""
    side = round(len(weights) ** 0.5)
    grid = weights[: side * side].reshape(side, side)[::-1]
    low, high = value_range(grid)
    figure = go.Figure(
        go.Heatmap(
            z=grid.astype(np.float32),
            colorscale=COLOUR_SCALE,
            zmin=low,
            zmax=high,
            colorbar=colour_bar(low, high),
            hovertemplate="<b>%{z:.3f}</b><extra></extra>",
            texttemplate="%{z:.2f}",
            xgap=2,
            ygap=2,
        )
    )
    figure.update_layout(figure_layout(height=260))
    figure.update_xaxes(visible=False, fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, fixedrange=True, scaleanchor="x", constrain="domain")
    return figure


def region_matrix(pairs: Array) -> go.Figure:
    """Region pairs `[R, R]` of two frames; each row's best is ringed."""
    figure = vectors(pairs, rows="query region", columns="reference region", height=300)
    add_ring(figure, pairs.argmax(1), np.arange(len(pairs)))
    figure.update_yaxes(autorange=None, range=[len(pairs) - 0.5, -0.5])
    figure.update_xaxes(range=[-0.5, pairs.shape[1] - 0.5])
    return figure


def bars_against_line(
    values: Array, *, line: float, line_name: str, x_title: str, y_title: str, below: bool = False
) -> go.Figure:
    """One bar per value `[N]` and a reference line; `below`: only bars under it are coloured."""
    passed = values <= line if below else np.ones(len(values), bool)
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(values)),
            y=values.astype(np.float32),
            marker={"color": np.where(passed, TEAL, GREY).tolist(), "line": {"width": 0}},
            hovertemplate="%{x}: <b>%{y:.3f}</b><extra></extra>",
        )
    )
    figure.add_hline(
        y=line,
        line={"color": AMBER, "dash": "dash", "width": 2},
        annotation={"text": line_name, "font": {"size": 12}, "yanchor": "bottom"},
    )
    figure.update_layout(figure_layout(height=300, bargap=0.15))
    figure.update_xaxes(_axis(x_title))
    figure.update_yaxes(_axis(y_title))
    return figure


def two_ways(
    parts: Mapping[str, tuple[float, float]], *, ways: Sequence[str], unit: str
) -> go.Figure:
    """One stacked bar for each of two `ways`, made of named parts."""
    colours = (TEAL, AMBER, GREY)
    figure = go.Figure(
        [
            go.Bar(
                y=list(ways),
                x=list(amounts),
                name=name,
                orientation="h",
                marker={"color": colours[number % 3]},
                hovertemplate=f"{name}<br><b>%{{x:.3s}} {unit}</b><extra></extra>",
            )
            for number, (name, amounts) in enumerate(parts.items())
        ]
    )
    figure.update_layout(legend_layout(height=220, top=32), barmode="stack")
    figure.update_xaxes(_axis(unit))
    figure.update_yaxes(automargin=True, fixedrange=True, autorange="reversed")
    return figure


def kept_variance(shares: Array, *, marked: Mapping[str, int]) -> go.Figure:
    """Share of the variance over principal directions; `marked`: dims to label, by their text."""
    dims = np.arange(1, len(shares) + 1)
    figure = go.Figure(
        go.Scatter(
            x=dims,
            y=shares.astype(np.float32),
            mode="lines",
            line={"color": TEAL, "width": 2.5},
            hovertemplate="%{x} dims keep <b>%{y:.1%}</b><extra></extra>",
        )
    )
    # Markers, not lines: a line's label on a logarithmic axis would stretch it.
    figure.add_trace(
        go.Scatter(
            x=list(marked.values()),
            y=[float(shares[at - 1]) for at in marked.values()],
            text=[f"  {name}: {at}" for name, at in marked.items()],
            mode="markers+text",
            textposition="middle right",
            marker={"size": 11, "color": AMBER},
            hoverinfo="skip",
        )
    )
    figure.update_layout(figure_layout(height=300, hovermode="x"))
    figure.update_xaxes(_axis("dimensions"), type="log")
    figure.update_yaxes(_axis("variance kept"), tickformat=".0%", range=[0, 1.03])
    return figure
