"""FIVR: adding videos of the FIVR-200K data set to this library."""

from visil_dash.ui.laboratory.fivr import (
    draw_choice,
    draw_download,
    draw_download_results,
    draw_nothing_chosen,
    draw_selection,
)
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "FIVR",
    "How do I get videos of FIVR-200K, the data set of the method's evaluation? Choose events by"
    " annotation, download their videos, and add them to the library.",
)
with friendly():
    show_kept_errors("fivr")
    wanted = draw_choice()
    if not wanted:
        draw_nothing_chosen()
    else:
        draw_selection(wanted)
        results = draw_download(wanted)
        if results is not None:
            draw_download_results(results)
