"""Walkthrough: the method step by step, on a pair of videos."""

from visil_dash.ui.laboratory.walkthrough import draw_pair_choice, draw_step, draw_step_choice
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Walkthrough",
    "How does it work? Every step of the method on a pair that you choose, with its formula, the"
    " shapes of its data and a figure.",
)
with friendly():
    show_kept_errors("walkthrough")
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "The steps need two videos.",
            add_videos_button,
        )
    else:
        pair = draw_pair_choice()
        if pair is None:
            empty_state("Choose two videos", "Each step is computed on them.")
        else:
            draw_step(draw_step_choice(), pair)
