"""Library: what there is, whether it is ready to search; add videos, watch, remove."""

from visil_dash.ui import backend
from visil_dash.ui.errors import friendly, told_errors
from visil_dash.ui.library_view import adding, grid, health, jobs
from visil_dash.ui.widgets import page_header

page_header(
    "Library",
    "The videos that searches look through, and whether they are ready. Add some below, or search"
    " with one of them.",
)
with friendly():
    overview = backend.workbench().overview()
    told_errors()
    if overview.videos:
        health(overview)
    adding(read_only=overview.read_only)
    jobs()
    grid(read_only=overview.read_only)
