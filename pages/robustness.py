"""Robustness: how far may a clip be edited until the search loses it?"""

from visil_dash.ui.laboratory.robustness import choose_clip, choose_run, preview, results, run
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Robustness",
    "How far may a clip be edited until it is no longer found? Choose edits, look at them, then run"
    " and see where score and rank break.",
)
with friendly():
    show_kept_errors()
    query = choose_clip() if backend.library_videos() else None
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to edit and nothing to find yet.",
            add_videos_button,
        )
    elif query is None:
        empty_state(
            "Choose a clip",
            "Copies of it are edited with growing strength, and each is searched for.",
        )
    else:
        choice = choose_run(query)
        if not choice.kinds:
            empty_state("Choose an edit", "Pick one or more kinds of edits above.")
        else:
            preview(choice)
            report = run(choice)
            if report is not None:
                results(report)
