"""Dimensions: how far can frame vectors be reduced, and what does the index miss?"""

from visil_dash.ui.laboratory.dimensions import (
    CHANGE,
    CURSE,
    GRAPH,
    MODELS,
    draw_curse,
    draw_sample_facts,
    draw_section_choice,
    draw_spaces,
    draw_study_form,
)
from visil_dash.ui.laboratory.dimensions_change import draw_graph, draw_index_plan
from visil_dash.ui.laboratory.dimensions_models import draw_other_model
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Dimensions",
    "How far can frame vectors be reduced, and what does the index miss? Measured on your own"
    " videos, against exact search.",
)
with friendly():
    show_kept_errors("dimensions")
    if len(backend.library_videos()) < 2:
        empty_state(
            "Too few videos",
            "Reductions are compared on frames of at least two videos.",
            add_videos_button,
        )
    else:
        section = draw_section_choice()
        if section == GRAPH:
            draw_graph()
        elif section == CHANGE:
            draw_index_plan()
        elif section == MODELS:
            draw_other_model()
        else:
            study = draw_study_form()
            if study is not None:
                draw_sample_facts(study)
                (draw_curse if section == CURSE else draw_spaces)(study)
