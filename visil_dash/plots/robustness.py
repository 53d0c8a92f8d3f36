"""Figures of the Robustness page: score, rank and proof over the strength of an edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import plotly.graph_objects as go

from visil_dash.plots.style import (
    AMBER,
    GREY,
    TEAL,
    legend_layout,
    plot_text,
    value_axis,
)
from visil_dash.records import ProofState

_LINE_COLOURS = (TEAL, AMBER, "#818cf8", "#fb7185", "#84cc16", GREY)
_axis = partial(value_axis, title_standoff=6)
_STATE_SYMBOLS = {
    ProofState.PROVED: "circle",
    ProofState.UNDECIDABLE: "circle-open",
    ProofState.CONTRADICTED: "x",
}
_DASHES = ("solid", "dash", "dot", "dashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")


@dataclass(frozen=True)
class EditCurve:
    """One kind of edit: strengths 0..1, the value measured at each (None: none) and its edit."""

    name: str
    strengths: Sequence[float]
    values: Sequence[float | None]
    notes: Sequence[str]


@dataclass(frozen=True)
class ProofCurve:
    """Verification of the copies of one kind: the correlation of motion of each (None: there was
    nothing to verify), beside its match strength. `states`: None where nothing was verified."""

    name: str
    strengths: Sequence[float]
    motions: Sequence[float | None]
    match_strengths: Sequence[float]
    states: Sequence[ProofState | None]
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


def proof_curves(curves: Sequence[ProofCurve]) -> go.Figure:
    """Correlation of motion over strength, a colour for each kind and a shape for each state.

    The match strength of the same copies is dotted. A gap where nothing was verified.
    """
    figure = go.Figure()
    for curve, colour in zip(curves, cycle(_LINE_COLOURS), strict=False):
        figure.add_trace(_match_strength(curve, colour))
        figure.add_trace(_motion(curve, colour))
    for state, symbol in _STATE_SYMBOLS.items():
        figure.add_trace(_legend_entry(state.value, symbol))
    figure.add_trace(_legend_entry("match strength", ""))
    seen = [v for c in curves for v in (*c.motions, *c.match_strengths) if v is not None]
    # On a phone the legend takes up to six rows.
    figure.update_layout(legend_layout(height=400, hovermode="closest"))
    figure.update_xaxes(_axis("strength of the edit"), range=[-0.03, 1.03])
    figure.update_yaxes(_axis("motion, match strength"), range=[min([0.0, *seen]) - 0.04, 1.06])
    return figure


def _match_strength(curve: ProofCurve, colour: str) -> go.Scatter:
    return go.Scatter(
        x=list(curve.strengths),
        y=list(curve.match_strengths),
        name=plot_text(curve.name),
        mode="lines",
        line={"color": colour, "width": 1.5, "dash": "dot"},
        hovertemplate="strength %{x:.2f}<br>match strength <b>%{y:.3f}</b>"
        "<extra>%{fullData.name}</extra>",
        showlegend=False,
    )


def _motion(curve: ProofCurve, colour: str) -> go.Scatter:
    texts = [
        f"{plot_text(note)}<br>{'not verified' if state is None else state.value}"
        for state, note in zip(curve.states, curve.notes, strict=True)
    ]
    symbols = ["circle" if s is None else _STATE_SYMBOLS[s] for s in curve.states]
    return go.Scatter(
        x=list(curve.strengths),
        y=list(curve.motions),
        name=plot_text(curve.name),
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 2.5},
        marker={"size": 11, "symbol": symbols, "color": colour, "line": _outline(colour)},
        text=texts,
        hovertemplate="strength %{x:.2f}, %{text}, motion <b>%{y:.2f}</b>"
        "<extra>%{fullData.name}</extra>",
    )


def _outline(colour: str) -> dict[str, object]:
    return {"color": colour, "width": 2}


def _legend_entry(name: str, symbol: str) -> go.Scatter:
    """An entry of the legend alone: a shape, or a dotted line where there is none."""
    line = {"color": GREY, "width": 1.5, "dash": "dot"}
    return go.Scatter(
        x=[None],
        y=[None],
        name=name,
        mode="markers" if symbol else "lines",
        line=line,
        marker={"size": 10, "symbol": symbol or "circle", "color": GREY, "line": _outline(GREY)},
    )


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
                # Kinds differ in shape as well as in colour, and one line shows through another.
                line={"color": colour, "width": 2.5, "dash": _DASHES[number % len(_DASHES)]},
                marker={"size": 9, "symbol": _SYMBOLS[number % len(_SYMBOLS)], "color": colour},
                text=[plot_text(note) for note in curve.notes],
                hovertemplate=f"strength %{{x:.2f}}, %{{text}}<br>{hover}<extra>%{{fullData.name}}"
                "</extra>",
            )
        )
    figure.update_xaxes(_axis("strength of the edit"), range=[-0.03, 1.03])
    return figure
