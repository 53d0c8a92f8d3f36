"""Threshold: how near must frames be for their videos to become candidates?"""

from visil_dash.ui import backend
from visil_dash.ui.errors import friendly, told_errors
from visil_dash.ui.threshold_view import choose_query, explorer
from visil_dash.ui.widgets import add_videos_button, empty_state, page_header

page_header(
    "Threshold",
    "How near must two frames be for their videos to become candidates? Pick a query, move the"
    " slider and watch what comes through.",
)
with friendly():
    told_errors()
    query = choose_query()
    if not backend.videos():
        empty_state(
            "The library is empty",
            "There are no frames to measure against yet.",
            add_videos_button,
        )
    elif query is None:
        empty_state(
            "Choose a query",
            "Every frame of it is measured against every frame of the library.",
        )
    else:
        explorer(query)
