"""Laboratory: experiments on the library, in the order of a course."""

from visil_dash.ui.laboratory.course import draw_steps
from visil_dash.ui.shell.widgets import page_header

page_header(
    "Laboratory",
    "How does it work, what decides how well, and how well here? Seven experiments on your own"
    " videos; each stands alone, and together they are a course.",
)
draw_steps()
