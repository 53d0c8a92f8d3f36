"""Hub frames: which frames make unrelated videos candidates?"""

from visil_dash.ui.laboratory.hubs import (
    draw_chosen_hub,
    draw_excluded_frames,
    draw_hub_answer,
    draw_hub_cards,
    draw_hub_form,
)
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Hub frames",
    "Which frames make unrelated videos candidates? Usually slates, intros and plain pictures. See"
    " the effect of setting them aside, then decide.",
)
with friendly():
    show_kept_errors("hubs")
    if len(backend.library_videos()) < 3:
        empty_state(
            "Too few videos",
            "A hub frame is near frames of several unrelated videos.",
            add_videos_button,
        )
    else:
        found = draw_hub_form()
        if found is not None:
            report, offers = found
            draw_hub_answer(report, offers)
            draw_chosen_hub(report)
            draw_hub_cards(report, offers)
        draw_excluded_frames()
