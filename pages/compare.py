"""Compare: one pair in full. Do the two share footage, where, and why?"""

from visil_dash.ui.compare.evidence import draw_evidence
from visil_dash.ui.compare.verdict import (
    compared,
    draw_pair_form,
    draw_reasons,
    draw_verdict,
    pair_explanation,
)
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header("Compare")
with friendly():
    show_kept_errors("compare")
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
            "Do they share footage, where, and why? The query is compared with the reference."
            " “Compare” beside a match on the Search page opens this page with both chosen.",
        )
    else:
        pair = compared(*chosen)
        if pair is not None:
            explanation = pair_explanation(pair)
            draw_verdict(pair, explanation)
            draw_evidence(pair)
            draw_reasons(pair, explanation)
