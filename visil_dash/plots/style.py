"""What all figures share: colours, layout, axes, legends, and the parts of a heatmap.

Backgrounds are transparent and texts take the page's colour, so that a figure fits a light and a
dark page; the marks' colours stand out on both. Names are escaped: plotly reads HTML in its texts.
"""

import unicodedata
from typing import Any

import numpy as np
import plotly.graph_objects as go

from visil_dash.records import Array

TEAL, AMBER, GREY = "#0d9488", "#f59e0b", "#8492a6"
SERIES_COLOURS = ("#149a8e", "#d97706", "#6366f1", "#e11d48", "#0284c7", "#65a30d")
_MAP_COLOURS = ["#0b1626", "#0f2f45", "#0f5563", "#128079", "#4fb396", "#98dcb9", "#d9f7e3"]
COLOUR_SCALE = [[i / (len(_MAP_COLOURS) - 1), colour] for i, colour in enumerate(_MAP_COLOURS)]
GRID_COLOUR = "rgba(132,146,166,0.25)"
_LEGEND_ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
CLICK_TRACE = 1  # position of the clickable markers among a figure's traces


def figure_layout(*, height: int, **changes: Any) -> dict[str, Any]:
    """The common layout; `changes` replace its entries."""
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 13},
        "showlegend": False,
        "hoverlabel": {"font": {"size": 13}, "namelength": -1},
        "dragmode": False,
    }
    return base | changes


def legend_layout(*, height: int, top: int = 36, **changes: Any) -> dict[str, Any]:
    """The common layout with a legend in the `top` pixels above the axes."""
    margin = {"l": 8, "r": 8, "t": top, "b": 8, "pad": 0}
    base = figure_layout(height=height, margin=margin, showlegend=True, legend=_LEGEND_ABOVE)
    return base | changes


def value_axis(title: str, **changes: Any) -> dict[str, Any]:
    """An axis with grid lines that cannot be zoomed; `changes` replace its entries."""
    base: dict[str, Any] = {
        "title": {"text": title},
        "gridcolor": GRID_COLOUR,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
    }
    return base | changes


def plot_text(name: str, *, longest: int = 60) -> str:
    """A name as plotly shows it literally: nothing hidden or reordered, no HTML, no TeX."""
    seen = "".join(c for c in name if unicodedata.category(c)[0] != "C")
    if len(seen) > longest:
        head = longest * 2 // 3
        seen = f"{seen[:head]}…{seen[-(longest - head - 1) :]}"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        seen = seen.replace(character, entity)
    return seen or "unnamed"


# ---- heatmaps ----


def value_range(matrix: Array) -> tuple[float, float]:
    """Colour limits: the lowest 1 % of the values may saturate, the highest may not."""
    low, high = float(np.quantile(matrix, 0.01)), float(matrix.max())
    return (low, high) if high - low > 1e-6 else (low - 0.5, low + 0.5)


def colour_bar(low: float, high: float) -> dict[str, Any]:
    steps = np.linspace(low, high, 4)
    digits = 2 if high - low >= 0.1 else 3
    return {
        "thickness": 8,
        "outlinewidth": 0,
        "tickvals": steps.tolist(),
        "ticktext": [f"{step:.{digits}f}" for step in steps],
        "tickfont": {"size": 11},
        "xpad": 6,
    }


def click_markers(x: Any, y: Any, values: Any, *, hover: str) -> go.Scatter:
    """Invisible squares that take hover and clicks: Streamlit gets no clicks from a heatmap."""
    return go.Scatter(
        x=x,
        y=y,
        customdata=values,
        mode="markers",
        marker={"symbol": "square", "size": 9, "color": AMBER, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=hover,
        hoverlabel={"bgcolor": "#0f172a", "font": {"color": "#f8fafc"}, "bordercolor": "#0f172a"},
    )


def add_ring(figure: go.Figure, x: Any, y: Any) -> None:
    """Marks cells with a white square on a dark one, which is visible on every colour."""
    for size, colour, width in ((15, "#0b1626", 5), (15, "#ffffff", 2)):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="markers",
                marker={
                    "symbol": "square-open",
                    "size": size,
                    "color": colour,
                    "line": {"width": width, "color": colour},
                },
                hoverinfo="skip",
            )
        )
