"""Collection: every video against every other. Which videos in this library belong together?"""

from visil_dash.ui.collection.groups import draw_groups
from visil_dash.ui.collection.map import draw_map
from visil_dash.ui.collection.matrix import draw_matrix
from visil_dash.ui.collection.options import GROUPS, MAP, MATRIX, REVIEW, draw_collection_options
from visil_dash.ui.collection.review import draw_review
from visil_dash.ui.collection.table import computed, draw_pairs, draw_summary
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible_pairs
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Collection",
    "Which videos in this library belong together? Look at the groups, then judge the pairs whose"
    " score is closest to the match score.",
)
with friendly():
    show_kept_errors()
    if len(backend.library_videos()) < 2:
        empty_state(
            "Two videos are needed" if backend.library_videos() else "The library is empty",
            "There is no pair to compare yet.",
            add_videos_button,
        )
    else:
        options = draw_collection_options()
        all_pairs = computed(candidates=options.candidates)
        if all_pairs is not None and options.view == REVIEW:
            draw_review(all_pairs, options.match_score)
        elif all_pairs is not None:
            table = visible_pairs(all_pairs, options.match_score)
            draw_summary(all_pairs, table, options.match_score)
            if options.view == MATRIX:
                draw_matrix(table)
            elif options.view == GROUPS:
                draw_groups(table, options.match_score)
            elif options.view == MAP:
                draw_map(all_pairs, table, options.match_score)
            else:
                draw_pairs(table, options.match_score)
