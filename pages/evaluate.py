"""Evaluate: how well are labelled copies found, and which setting or model is better?"""

import streamlit as st

from visil_dash.ui.search.second_model import draw_second_model
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header
from visil_dash.ui.threshold.labels_in_use import draw_label_choice

page_header(
    "Evaluate",
    "How well are labelled copies found, with what confidence interval, and which is"
    " better? Choose labels, and two settings or two models.",
)
with friendly():
    show_kept_errors("evaluate")
    if len(backend.library_videos()) < 2:
        empty_state(
            "Two videos are needed" if backend.library_videos() else "The library is empty",
            "There is no pair to compare yet.",
            add_videos_button,
        )
    else:
        # Slow to import, so after the header is drawn.
        from visil_dash.ui.laboratory.evaluation import models, plan, results

        left, right = st.columns([3, 1], gap="medium")
        with left:
            given = draw_label_choice(files=True)
        with right:
            second = draw_second_model(state.EVALUATE_SECOND, none="None: two settings")
        if given is None:
            results.draw_no_labels()
        elif second:
            models.draw_two_models(given, second)
        else:
            chosen = plan.draw_plan_form(given)
            result = None
            if chosen is not None:
                with friendly():
                    result = results.evaluated(chosen)
                if result is not None:
                    results.draw_evaluation(result)
            results.draw_earlier_report(result)
