"""Threshold: when is a video a candidate, and when is a candidate a match?"""

import streamlit as st

from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header
from visil_dash.ui.threshold.distance import draw_distance_explorer, draw_query_picker
from visil_dash.ui.threshold.match import draw_match_explorer

DISTANCE, MATCH = "Distance threshold", "Match score"

page_header(
    "Threshold",
    "How similar must two frames be to make a video a candidate, and two videos to be a match? Move"
    " the slider to see the effect.",
)
with friendly():
    show_kept_errors("threshold")
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There are no frames to compare with yet.",
            add_videos_button,
        )
    else:
        from_link(
            state.THRESHOLD_WHICH,
            state.PARAM_OF,
            {"match": MATCH, "distance": DISTANCE}.get,
            # A link of a match score is of the match score.
            default=MATCH if state.PARAM_MATCH in st.query_params else DISTANCE,
        )
        which = st.segmented_control(
            "Threshold",
            [DISTANCE, MATCH],
            required=True,
            key=state.THRESHOLD_WHICH,
            persist_state="session",
        )
        to_link(state.PARAM_OF, "match" if which == MATCH else "")
        if which == MATCH:
            draw_match_explorer()
        else:
            draw_distance_explorer(draw_query_picker())
