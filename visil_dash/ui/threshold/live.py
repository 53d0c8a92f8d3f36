"""What a threshold admits, while its slider is dragged."""

from functools import cache
from typing import Any

import streamlit as st

from visil_dash.candidates.thresholds import QueryDistances
from visil_dash.ui.shell import state
from visil_dash.ui.shell.widgets import UI_ASSETS

FACTS = "threshold_admitted"  # key of the container with the four numbers, in their order
PLACES = 1000  # of the slider between its ends


@cache
def _component() -> Any:
    script = (UI_ASSETS / "threshold" / "live.js").read_text()
    return st.components.v2.component("visil_dash.threshold_live", js=script)


def _columns(view: QueryDistances, top: float) -> list[dict[str, Any]]:
    counts = view.profile.counts_up_to(top, PLACES)
    totals = len(view.video_ids), view.distances.size, len(view.query_times), len(view.video)
    return [
        {"counts": column.tolist(), "total": total}
        for column, total in zip(counts, totals, strict=True)
    ]


def follow_slider(view: QueryDistances, top: float) -> None:
    """Keeps the numbers in the container FACTS at what the slider shows, from 0 to `top`."""
    data = {
        "slider": state.THRESHOLD_SLIDER,
        "facts": FACTS,
        "low": 0.0,
        "step": top / PLACES,
        "columns": _columns(view, top),
    }
    _component()(key="threshold_live", data=data)
