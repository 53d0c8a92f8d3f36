"""Compare: one pair in full. Do the two share footage, where, and why?"""

from visil_dash.ui.compare.evidence import draw_evidence
from visil_dash.ui.compare.verdict import compared, draw_pair_form, draw_verdict
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Compare",
    "Do two videos share footage, where, and why? Choose a pair. On the map, click a cell to see"
    " its two frames, or drag a box to play that part of both videos.",
)
with friendly():
    show_kept_errors()
    chosen = draw_pair_form()
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to compare yet.",
            add_videos_button,
        )
    elif chosen is None:
        empty_state(
            "Choose two videos",
            "The query is compared with the reference. “Compare” beside a match on the Search page"
            " opens this page with both chosen.",
        )
    else:
        pair = compared(*chosen)
        if pair is not None:
            draw_verdict(pair)
            draw_evidence(pair)
