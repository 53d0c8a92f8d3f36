"""Compare: one pair in full. Do the two share footage, where, and why?"""

from visil_dash.ui.compare.evidence import evidence
from visil_dash.ui.compare.verdict import choose_pair, compared, verdict
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Compare",
    "Do two videos share footage, where, and why? Pick a pair, then click a cell of a map to see"
    " its two frames, or drag a box to play it on both sides.",
)
with friendly():
    show_kept_errors()
    chosen = choose_pair()
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to compare yet.",
            add_videos_button,
        )
    elif chosen is None:
        empty_state(
            "Choose two videos",
            "The query is the video you ask about, the reference the one it is held against."
            " A match on the Search page opens here with both chosen.",
        )
    else:
        pair = compared(*chosen)
        if pair is not None:
            verdict(pair)
            evidence(pair)
