"""The proof of a match as a figure: how well both videos move alike at every time offset."""

import plotly.graph_objects as go

from visil_dash.clock import clock
from visil_dash.plots.style import AMBER, GREY, TEAL, figure_layout, value_axis
from visil_dash.records import Proof


def motion_curve(proof: Proof, *, height: int = 220) -> go.Figure:
    """Correlation of motion over the place in the reference where the match would begin.

    The best offset is marked, and a dashed line is at the best other one. Raises ValueError for a
    proof without a curve.
    """
    if not proof.curve:
        raise ValueError("this proof has no curve")
    figure = go.Figure(
        go.Scatter(
            x=list(proof.offsets),
            y=list(proof.curve),
            mode="lines",
            line={"color": TEAL, "width": 2},
            hovertemplate="begins at %{x:.1f} s of the reference<br><b>%{y:.2f}</b><extra></extra>",
        )
    )
    best = max(range(len(proof.curve)), key=proof.curve.__getitem__)
    at, value = proof.offsets[best], proof.curve[best]
    figure.add_trace(
        go.Scatter(
            x=[at],
            y=[value],
            mode="markers+text",
            marker={"color": AMBER, "size": 11, "line": {"color": "#0b1626", "width": 1.5}},
            text=[f"{value:.2f} at {clock(at, digits=1)}"],
            textposition="bottom right" if best < len(proof.curve) / 2 else "bottom left",
            hoverinfo="skip",
        )
    )
    figure.add_hline(y=max(0.0, proof.other_motion), line={"color": GREY, "dash": "dash"})
    figure.update_layout(figure_layout(height=height))
    figure.update_xaxes(**value_axis("where it would begin in the reference, s"))
    figure.update_yaxes(**value_axis("motion alike", range=[min(0.0, *proof.curve), 1.02]))
    return figure
