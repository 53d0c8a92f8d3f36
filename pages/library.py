"""Library: its videos, those that are being added, and what needs attention."""

from visil_dash.ui.library.adding import draw_adding, draw_jobs, jobs_now
from visil_dash.ui.library.cards import draw_grid, draw_no_videos, draw_toolbar
from visil_dash.ui.library.extraction import running_extraction
from visil_dash.ui.library.health import draw_health, draw_open_points, library_overview
from visil_dash.ui.library.places import draw_places
from visil_dash.ui.library.trash import draw_trash, draw_undo
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header("Library", "The videos that are searched. Open one, or search with it.")
with friendly():
    extracting, jobs = running_extraction(), jobs_now()
    overview = library_overview()
    show_kept_errors("library")
    draw_undo()
    if overview.videos:
        wanted, order = draw_toolbar(read_only=overview.read_only)
        draw_health(overview)
        draw_open_points(overview, extracting=extracting)
        draw_places()
        draw_jobs(jobs)
        draw_grid(wanted, order, read_only=overview.read_only)
    else:
        if not overview.read_only:
            draw_adding()
        draw_jobs(jobs)
        draw_no_videos(read_only=overview.read_only)
    draw_trash()
