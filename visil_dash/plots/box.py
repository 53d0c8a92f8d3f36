"""The box that a user drags on a similarity map: reading it, and drawing the range it selects."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from visil_dash.plots.maps import PLOT_EPOCH_MS, TimeAxis

_RANGE = "#f8fafc"
_Span = tuple[float, float]


def box_seconds(selection: Mapping[str, Any]) -> tuple[_Span, _Span] | None:
    """Query and reference range in seconds of the last box of a selection, or None.

    Plotly gives the ends of a time axis as dates, in the order in which they were dragged.
    """
    boxes = selection.get("box") or []
    if not boxes:
        return None
    ends = [sorted(_seconds(end) for end in boxes[-1][axis]) for axis in ("y", "x")]
    if not all(math.isfinite(end) for pair in ends for end in pair):
        return None
    return (ends[0][0], ends[0][-1]), (ends[1][0], ends[1][-1])


def _seconds(end: Any) -> float:
    if isinstance(end, str):
        moment = datetime.fromisoformat(end.replace("Z", "")).replace(tzinfo=UTC)
        return moment.timestamp() - PLOT_EPOCH_MS / 1000
    return float(end) / 1000 - PLOT_EPOCH_MS / 1000


def add_range(
    figure: go.Figure,
    *,
    query_span: _Span,
    reference_span: _Span,
    query: TimeAxis,
    reference: TimeAxis,
) -> None:
    x = [_at(t, reference) for t in reference_span]
    y = [_at(t, query) for t in query_span]
    for colour, width, dash in (("#0b1626", 4, "solid"), (_RANGE, 1.5, "dash")):
        figure.add_shape(
            type="rect",
            x0=x[0],
            x1=x[1],
            y0=y[0],
            y1=y[1],
            line={"color": colour, "width": width, "dash": dash},
            fillcolor="rgba(0,0,0,0)",
        )


def allow_box(figure: go.Figure) -> None:
    """Lets a drag draw a box; what is outside it is not dimmed."""
    figure.update_layout(
        dragmode="select",
        clickmode="event",
        newselection={"line": {"color": _RANGE, "width": 1.5, "dash": "dash"}},
        activeselection={"opacity": 0.0},
    )


def _at(seconds: float, axis: TimeAxis) -> float:
    """Where on the axis the cell of this time begins: cells are centred on their frames."""
    step = float(axis.at[0] - axis.edges[0])
    return (
        PLOT_EPOCH_MS + min(max(seconds - step, float(axis.edges[0])), float(axis.edges[-1])) * 1000
    )
