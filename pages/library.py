"""Library: its videos and whether they can be searched; add, play, rename, remove."""

from visil_dash.ui.library.adding import draw_adding, draw_jobs
from visil_dash.ui.library.cards import draw_grid
from visil_dash.ui.library.health import draw_health, library_overview, running_extraction
from visil_dash.ui.library.switch import draw_library_switch
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Library",
    "The videos that are searched, and whether they are ready. Add videos below, or search with one"
    " of them.",
)
with friendly():
    extracting = running_extraction()
    overview = library_overview()
    show_kept_errors()
    draw_library_switch()
    if overview.videos:
        draw_health(overview, extracting=extracting)
    draw_adding(read_only=overview.read_only)
    draw_jobs()
    draw_grid(read_only=overview.read_only)
