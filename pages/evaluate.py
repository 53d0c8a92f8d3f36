"""Evaluate: how well are labelled copies found, and which setting is better?"""

from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header
from visil_dash.ui.threshold.labels_in_use import draw_label_choice

page_header(
    "Evaluate",
    "How well are labelled copies found, with what confidence interval, and which setting is"
    " better? Choose labels and two settings.",
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
        # Slow to import, so after the header is drawn.
        from visil_dash.ui.laboratory import evaluate, evaluation_plan

        given = draw_label_choice(files=True)
        if given is None:
            evaluate.draw_no_labels()
        else:
            plan = evaluation_plan.draw_plan_form(given)
            result = None
            if plan is not None:
                with friendly():
                    result = evaluate.evaluated(plan)
                if result is not None:
                    evaluate.draw_evaluation(result)
            evaluate.draw_earlier_report(result)
