"""Collection: everything against everything. What in this library belongs together?"""

from visil_dash.ui import backend
from visil_dash.ui.collection_view import (
    GROUPS,
    MATRIX,
    computed,
    controls,
    group_list,
    matrix,
    pairs,
    summary,
)
from visil_dash.ui.errors import friendly, told_errors
from visil_dash.ui.widgets import add_videos_button, empty_state, page_header

page_header(
    "Collection",
    "What in this library belongs together? Every video is held against every other, both ways.",
)
with friendly():
    told_errors()
    if len(backend.videos()) < 2:
        empty_state(
            "It takes two videos" if backend.videos() else "The library is empty",
            "There is no pair to compare yet.",
            add_videos_button,
        )
    else:
        table = computed()
        if table is not None:
            view, least = controls(table)
            summary(table, least)
            if view == MATRIX:
                matrix(table)
            elif view == GROUPS:
                group_list(table, least)
            else:
                pairs(table, least)
