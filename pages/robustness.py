"""Robustness: how strongly can a clip be edited before it no longer matches?"""

from visil_dash.ui.laboratory.robustness import (
    draw_clip_choice,
    draw_edit_preview,
    draw_robustness,
    draw_run,
    draw_run_form,
)
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Robustness",
    "How strongly can a clip be edited before it is no longer found? Choose edits, preview them,"
    " then run to see where score and rank fail.",
)
with friendly():
    show_kept_errors("robustness")
    query = draw_clip_choice() if backend.library_videos() else None
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is no video to edit yet.",
            add_videos_button,
        )
    elif query is None:
        empty_state(
            "Choose a clip",
            "Copies of it are edited with increasing strength, and each is searched for.",
        )
    else:
        choice = draw_run_form(query)
        if not choice.kinds:
            empty_state("Choose an edit", "Pick one or more kinds of edits above.")
        else:
            report = draw_run(choice)
            if report is not None:
                draw_robustness(report)
            draw_edit_preview(choice, folded=report is not None)
