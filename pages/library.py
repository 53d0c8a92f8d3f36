"""Library: what there is, whether it is ready to search; add videos, watch, name, remove."""

from visil_dash.ui.library.adding import adding, jobs
from visil_dash.ui.library.cards import grid
from visil_dash.ui.library.health import health, running_extraction
from visil_dash.ui.library.switch import choose_library
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Library",
    "The videos that searches look through, and whether they are ready. Add some below, or search"
    " with one of them.",
)
with friendly():
    extracting = running_extraction()
    overview = backend.workbench().overview()
    show_kept_errors()
    choose_library()
    if overview.videos:
        health(overview, extracting=extracting)
    adding(read_only=overview.read_only)
    jobs()
    grid(read_only=overview.read_only)
