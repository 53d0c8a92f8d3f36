"""Review: judge pairs of videos, the least certain first."""

from visil_dash.ui.collection.options import draw_pair_options
from visil_dash.ui.collection.review import draw_review
from visil_dash.ui.collection.table import computed
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header

page_header(
    "Review", "Do these two share footage? The pairs closest to the match score come first."
)
with friendly():
    show_kept_errors("review")
    if len(backend.library_videos()) < 2:
        empty_state(
            "Two videos are needed" if backend.library_videos() else "The library is empty",
            "There is no pair to judge yet.",
            add_videos_button,
        )
    else:
        options = draw_pair_options()
        all_pairs = computed(candidates=options.candidates)
        if all_pairs is not None:
            draw_review(all_pairs, options.match_score)
