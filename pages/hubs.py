"""Hub frames: which frames bring candidates that have nothing to do with the query?"""

from visil_dash.ui.laboratory.hubs import cards, chosen_hub, found_hubs, held_aside, summary
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Hub frames",
    "Which frames lie near many videos that share nothing with their own? Slates, intros and"
    " plain pictures do. See what setting them aside would change, then decide.",
)
with friendly():
    show_kept_errors()
    if len(backend.library_videos()) < 3:
        empty_state(
            "Too few videos",
            "A hub frame lies near frames of several unrelated videos.",
            add_videos_button,
        )
    else:
        report = found_hubs()
        if report is not None:
            summary(report)
            chosen_hub(report)
            cards(report)
        held_aside()
