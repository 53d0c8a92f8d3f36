"""Figures of the Robustness page: score and rank over the strength of an edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import plotly.graph_objects as go

from visil_dash.plots.style import (
    AMBER,
    GREY,
    TEAL,
    legend_layout,
    plot_text,
    value_axis,
)

_LINE_COLOURS = (TEAL, AMBER, "#818cf8", "#fb7185", "#84cc16", GREY)
_axis = partial(value_axis, title_standoff=6)
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")


@dataclass(frozen=True)
class EditCurve:
    """One kind of edit: strengths 0..1, the value measured at each (None: none) and its edit."""

    name: str
    strengths: Sequence[float]
    values: Sequence[float | None]
    notes: Sequence[str]


def score_curves(curves: Sequence[EditCurve], *, match_score: float) -> go.Figure:
    """Video-to-video similarity over strength, with the match score as a line."""
    figure = _lines(curves, hover="<b>%{y:.3f}</b>")
    seen = [v for c in curves for v in c.values if v is not None]
    low = min([0.0, match_score, *seen])
    figure.add_hline(
        y=match_score,
        line={"color": GREY, "dash": "dash", "width": 1.5},
        annotation={"text": "match score", "font": {"size": 12}, "yanchor": "bottom"},
    )
    figure.update_layout(legend_layout(height=340, hovermode="closest"))
    figure.update_yaxes(_axis("score"), range=[low - 0.04, 1.04])
    return figure


def rank_curves(curves: Sequence[EditCurve]) -> go.Figure:
    """Rank over strength, rank 1 on top; a gap where the target was not returned."""
    figure = _lines(curves, hover="rank <b>%{y}</b>")
    seen = [v for c in curves for v in c.values if v is not None]
    worst = max([3.0, *seen])
    figure.update_layout(legend_layout(height=300, hovermode="closest"))
    figure.update_yaxes(
        _axis("rank"), range=[worst + 0.4, 0.6], dtick=1 if worst < 12 else None, tickformat="d"
    )
    return figure


def _lines(curves: Sequence[EditCurve], *, hover: str) -> go.Figure:
    figure = go.Figure()
    for number, curve in enumerate(curves):
        colour = _LINE_COLOURS[number % len(_LINE_COLOURS)]
        figure.add_trace(
            go.Scatter(
                x=list(curve.strengths),
                y=list(curve.values),
                name=plot_text(curve.name),
                mode="lines+markers",
                connectgaps=False,
                line={"color": colour, "width": 2.5},
                # Kinds differ in shape as well as in colour.
                marker={"size": 9, "symbol": _SYMBOLS[number % len(_SYMBOLS)], "color": colour},
                text=[plot_text(note) for note in curve.notes],
                hovertemplate=f"strength %{{x:.2f}}, %{{text}}<br>{hover}<extra>%{{fullData.name}}"
                "</extra>",
            )
        )
    figure.update_xaxes(_axis("strength of the edit"), range=[-0.03, 1.03])
    return figure
