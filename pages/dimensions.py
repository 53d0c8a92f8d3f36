"""Dimensions: how far may frame vectors be reduced, what does the index miss?"""

from visil_dash.ui.laboratory.dimensions import (
    CHANGE,
    CURSE,
    GRAPH,
    MODELS,
    choose_section,
    curse,
    measured,
    sample_line,
    spaces,
)
from visil_dash.ui.laboratory.dimensions_change import graph, in_force
from visil_dash.ui.laboratory.dimensions_models import another_model
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Dimensions",
    "How far may frame vectors be reduced, and what does the index miss? Measured on your own"
    " videos, against exact search.",
)
with friendly():
    show_kept_errors()
    if len(backend.library_videos()) < 2:
        empty_state(
            "Too little to measure",
            "Reductions are compared on frames of at least two videos.",
            add_videos_button,
        )
    else:
        section = choose_section()
        if section == GRAPH:
            graph()
        elif section == CHANGE:
            in_force()
        elif section == MODELS:
            another_model()
        else:
            study = measured()
            if study is not None:
                sample_line(study)
                (curse if section == CURSE else spaces)(study)
