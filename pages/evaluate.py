"""Evaluate: how well are the labelled copies found, and which setting finds them better?"""

from visil_dash.ui import backend
from visil_dash.ui.errors import friendly, told_errors
from visil_dash.ui.labels_in_use import choose_labels
from visil_dash.ui.widgets import add_videos_button, empty_state, page_header

page_header(
    "Evaluate",
    "How well are the labelled copies found, how sure is that, and which setting finds them"
    " better? Choose labels and two settings.",
)
with friendly():
    told_errors()
    if len(backend.videos()) < 2:
        empty_state(
            "It takes two videos" if backend.videos() else "The library is empty",
            "There is no pair to judge yet.",
            add_videos_button,
        )
    else:
        from visil_dash.ui import evaluate_view  # imports the services: after the header is drawn

        given = choose_labels(files=True)
        if given is None:
            evaluate_view.no_labels()
        else:
            plan = evaluate_view.choose_plan(given)
            found = None
            if plan is not None:
                with friendly():
                    found = evaluate_view.evaluated(plan)
                if found is not None:
                    evaluate_view.results(found)
            evaluate_view.earlier(found)
