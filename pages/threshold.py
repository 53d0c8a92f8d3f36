"""Threshold: how near must frames be for their videos to become candidates?"""

import streamlit as st

from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header
from visil_dash.ui.threshold.distance import choose_query, explorer
from visil_dash.ui.threshold.match import match_explorer

DISTANCE, MATCH = "Distance of frames", "Match score of videos"

page_header(
    "Threshold",
    "How near must two frames be for their videos to become candidates, and how similar two videos"
    " to be called a match? Move the slider and watch what comes through.",
)
with friendly():
    show_kept_errors()
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There are no frames to measure against yet.",
            add_videos_button,
        )
    else:
        which = st.segmented_control(
            "Threshold",
            [DISTANCE, MATCH],
            default=MATCH if state.PARAM_MATCH in st.query_params else DISTANCE,
            required=True,
            key=state.THRESHOLD_WHICH,
            persist_state="session",
        )
        if which == MATCH:
            match_explorer()
        else:
            explorer(choose_query())
