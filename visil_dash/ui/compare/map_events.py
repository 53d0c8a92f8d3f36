"""Clicks and boxes on one chart. Streamlit's selection reports clicks or boxes, never both."""

from collections.abc import Callable
from functools import cache
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from visil_dash.ui.shell.widgets import UI_ASSETS, draw_chart


@cache
def _component() -> Any:
    script = (UI_ASSETS / "map" / "events.js").read_text()
    return st.components.v2.component("visil_dash.map_events", js=script)


def clickable_chart(
    figure: go.Figure,
    *,
    key: str,
    on_point: Callable[[int, int], None],
    on_box: Callable[[dict[str, Any]], None],
) -> None:
    """A chart in which cells are clicked and boxes are dragged.

    `on_point` is called with trace and point, `on_box` with a box as Streamlit selects it. Give
    the chart another `key` after a box: the box covers the points and takes their clicks.
    """

    def choose() -> None:
        event = st.session_state[f"{key}-events"].get("chosen")
        if not event:
            return
        if "x" in event:
            on_box({"box": [{"x": event["x"], "y": event["y"]}]})
        else:
            on_point(int(event["curve"]), int(event["point"]))

    with st.container(key=key):
        draw_chart(figure, key=f"{key}-chart")
    with st.container(key="map-events"):
        _component()(key=f"{key}-events", data={"chart": key}, on_chosen_change=choose)
