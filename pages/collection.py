"""Collection: everything against everything. What in this library belongs together?"""

from visil_dash.ui.collection.groups import group_list
from visil_dash.ui.collection.map import similarity_map
from visil_dash.ui.collection.review import review
from visil_dash.ui.collection.table import (
    GROUPS,
    MAP,
    MATRIX,
    REVIEW,
    computed,
    controls,
    matrix,
    pairs,
    summary,
)
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Collection",
    "What in this library belongs together? Look at the groups, then judge the pairs about which"
    " the score is least sure.",
)
with friendly():
    show_kept_errors()
    if len(backend.library_videos()) < 2:
        empty_state(
            "It takes two videos" if backend.library_videos() else "The library is empty",
            "There is no pair to compare yet.",
            add_videos_button,
        )
    else:
        view, candidates, least = controls()
        found = computed(candidates=candidates)
        if found is not None and view == REVIEW:
            review(found, least)
        elif found is not None:
            table = visible(found, least)
            summary(found, table, least)
            if view == MATRIX:
                matrix(table)
            elif view == GROUPS:
                group_list(table, least)
            elif view == MAP:
                similarity_map(found, table, least)
            else:
                pairs(table, least)
