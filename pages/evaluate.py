"""Evaluate: how well are the labelled copies found, and which setting finds them better?"""

from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header
from visil_dash.ui.threshold.labels_in_use import draw_label_choice

page_header(
    "Evaluate",
    "How well are the labelled copies found, how sure is that, and which setting finds them"
    " better? Choose labels and two settings.",
)
with friendly():
    show_kept_errors()
    if len(backend.library_videos()) < 2:
        empty_state(
            "It takes two videos" if backend.library_videos() else "The library is empty",
            "There is no pair to judge yet.",
            add_videos_button,
        )
    else:
        from visil_dash.ui.laboratory import (
            evaluate,  # imports the services: after the header is drawn
        )

        given = draw_label_choice(files=True)
        if given is None:
            evaluate.no_labels()
        else:
            plan = evaluate.choose_plan(given)
            found = None
            if plan is not None:
                with friendly():
                    found = evaluate.evaluated(plan)
                if found is not None:
                    evaluate.results(found)
            evaluate.earlier(found)
