"""Figures of the Scale planner page: memory and disk over the hours of video."""

from collections.abc import Sequence

import plotly.graph_objects as go

from visil_dash.plots.style import AMBER, GREY, GRID_COLOUR, TEAL, figure_layout


def growth(
    hours: Sequence[float],
    needed_gb: Sequence[float],
    *,
    chosen_hours: float,
    chosen_gb: float,
    room_gb: float,
    what: str,
) -> go.Figure:
    """What is needed over hours of video, both logarithmic, with this machine's limit as a line.

    `needed_gb`, `room_gb`: gigabytes (10⁹ bytes).
    """
    figure = go.Figure(
        go.Scatter(
            x=list(hours),
            y=list(needed_gb),
            mode="lines",
            line={"color": TEAL, "width": 2.5},
            hovertemplate="%{x:,.0f} hours<br><b>%{y:,.3g} GB</b><extra></extra>",
        )
    )
    # Traces, not lines with labels: those would stretch a logarithmic axis.
    figure.add_trace(
        go.Scatter(
            x=[hours[0], hours[-1]],
            y=[room_gb, room_gb],
            mode="lines+text",
            text=["this machine", ""],
            textposition="top right",
            line={"color": AMBER, "dash": "dash", "width": 1.5},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[chosen_hours],
            y=[chosen_gb],
            mode="markers",
            marker={"size": 11, "color": TEAL, "line": {"width": 2, "color": GREY}},
            hoverinfo="skip",
        )
    )
    figure.update_layout(figure_layout(height=280, hovermode="x"))
    axis = {
        "type": "log",
        "gridcolor": GRID_COLOUR,
        "automargin": True,
        "fixedrange": True,
        "title_standoff": 6,
        "exponentformat": "none",
        "dtick": 1,
    }
    figure.update_xaxes(title="hours of video", **axis)
    figure.update_yaxes(title=f"{what}, GB", **axis)
    return figure
