"""Scale planner: what would a larger collection take, and when is one machine too small?"""

from visil_dash.ui.laboratory.planner import collection, rates, shown
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Scale planner",
    "What would a larger collection take on this machine? Say how much video there is, then measure"
    " the machine once.",
)
with friendly():
    show_kept_errors()
    asked, query_minutes = collection()
    measured = rates()
    if measured is not None:
        shown(asked, query_minutes, measured)
