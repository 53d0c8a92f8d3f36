"""Scale planner: what would a larger collection need, and when is one machine too small?"""

from visil_dash.ui.laboratory.planner import (
    draw_collection_form,
    draw_estimate,
    draw_rates,
    draw_storage,
)
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Scale planner",
    "What would a larger collection need on this machine? Enter the amount of video; for"
    " the times, measure the machine once.",
)
with friendly():
    show_kept_errors("planner")
    asked, query_minutes = draw_collection_form()
    measured = draw_rates()
    if measured is None:
        draw_storage(asked)
    else:
        draw_estimate(asked, query_minutes, measured)
