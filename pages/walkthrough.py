"""Walkthrough: the method step by step, on a pair of your own."""

from visil_dash.ui.laboratory.walkthrough import choose_pair, choose_step, show
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Walkthrough",
    "How does it work? Every step of the method, computed on a pair that you choose: its formula,"
    " the shapes of its data, a picture, and the page that does it for real.",
)
with friendly():
    show_kept_errors()
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "The steps need a video to work on.",
            add_videos_button,
        )
    else:
        pair = choose_pair()
        if pair is None:
            empty_state("Choose two videos", "Each step is computed on them, live.")
        else:
            show(choose_step(), pair)
