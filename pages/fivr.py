"""FIVR: the research collection of the method, by its ids, into this library."""

from visil_dash.ui.laboratory.fivr import choose, fetched, layout, nothing_chosen, outcome
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "FIVR",
    "How do I get videos of FIVR-200K, the collection that the method was measured on? Choose"
    " events by its annotations, fetch them, add them to the library.",
)
with friendly():
    show_kept_errors()
    wanted = choose()
    if not wanted:
        nothing_chosen()
    else:
        layout(wanted)
        found = fetched(wanted)
        if found is not None:
            outcome(found)
