"""Models: which model reads the videos, what each costs here, and getting more of them."""

from visil_dash.ui.library.extraction import draw_extraction, running_extraction
from visil_dash.ui.library.health import library_overview
from visil_dash.ui.models.cards import draw_models
from visil_dash.ui.models.importing import draw_import
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Models",
    "Which model reads the videos? It turns frames into vectors and scores pairs of videos. Scores"
    " and features of two models are never mixed.",
)
with friendly():
    extracting = running_extraction()
    overview = library_overview()
    show_kept_errors("models")
    draw_extraction(overview, extracting)
    draw_models()
    draw_import()
