"""Case: the matches that were pinned, as one file that proves them later."""

from visil_dash.ui.cases.case_file import draw_check, draw_export
from visil_dash.ui.cases.pinned import draw_pinned, pinned_matches
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import empty_state, page_header

page_header("Case", "The matches that you pinned, with notes, as one file that proves them later.")
with friendly():
    show_kept_errors("case")
    pinned = pinned_matches()
    if pinned:
        draw_export(pinned)
        draw_pinned(pinned)
    else:
        empty_state(
            "Nothing is pinned yet",
            "“Pin” beside a match on the Search and Compare pages puts it here.",
        )
    draw_check()
