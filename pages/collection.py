"""Collection: every video against every other. Which videos in this library belong together?"""

import streamlit as st

from visil_dash.ui.collection.graph import draw_graph_view
from visil_dash.ui.collection.groups import draw_groups
from visil_dash.ui.collection.map import draw_map
from visil_dash.ui.collection.matrix import draw_matrix
from visil_dash.ui.collection.options import (
    GRAPH,
    GROUPS,
    MAP,
    MATRIX,
    draw_pair_options,
    draw_view_choice,
)
from visil_dash.ui.collection.review import follow_old_link
from visil_dash.ui.collection.table import computed, draw_pairs, draw_summary
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible_pairs
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

follow_old_link()
page_header("Collection", "Which videos in this library belong together, and which can go?")
with friendly():
    show_kept_errors("collection")
    if len(backend.library_videos()) < 2:
        empty_state(
            "Two videos are needed" if backend.library_videos() else "The library is empty",
            "There is no pair to compare yet.",
            add_videos_button,
        )
    else:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            view = draw_view_choice()
            options = draw_pair_options()
        all_pairs = computed(candidates=options.candidates)
        if all_pairs is not None:
            table = visible_pairs(all_pairs, options.match_score)
            draw_summary(all_pairs, table, options.match_score)
            if view == GROUPS:
                draw_groups(table, options.match_score)
            elif view == GRAPH:
                draw_graph_view(table, options.match_score)
            elif view == MAP:
                draw_map(all_pairs, table, options.match_score)
            elif view == MATRIX:
                draw_matrix(table, options.match_score)
            else:
                draw_pairs(table, options.match_score)
