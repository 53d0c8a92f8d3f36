"""The frame of the dashboard: page config, logo, navigation. Start it with `make run`."""

import os

import streamlit as st

from visil_dash.ui.shell.errors import logged
from visil_dash.ui.shell.frame import (
    bind_address,
    draw_course,
    draw_next_step,
    draw_place,
    follow_address,
    navigation,
)
from visil_dash.ui.shell.guard import draw_person, stop_unless_safe
from visil_dash.ui.shell.links import follow_history
from visil_dash.ui.shell.runs import drawing, finish_actions
from visil_dash.ui.shell.widgets import UI_ASSETS

# Read when torch is loaded, later: its threads wait asleep and leave the other core to the pages.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

finish_actions()
st.set_page_config(
    page_title="visil_dash",
    page_icon=str(UI_ASSETS / "mark.svg"),
    layout="wide",
    menu_items={"About": "**visil_dash**: find, locate and measure shared footage in videos."},
)
st.logo(str(UI_ASSETS / "logo.svg"), icon_image=str(UI_ASSETS / "mark.svg"), size="large")

# In the order of a course: how it works, what decides its quality and speed, how good it is here.
course = [
    st.Page(
        "pages/walkthrough.py",
        title="Walkthrough",
        icon=":material/school:",
        visibility="hidden",
    ),
    st.Page(
        "pages/dimensions.py",
        title="Dimensions",
        icon=":material/straighten:",
        visibility="hidden",
    ),
    st.Page("pages/hubs.py", title="Hub frames", icon=":material/hub:", visibility="hidden"),
    st.Page(
        "pages/robustness.py", title="Robustness", icon=":material/science:", visibility="hidden"
    ),
    st.Page(
        "pages/evaluate.py", title="Evaluate", icon=":material/fact_check:", visibility="hidden"
    ),
    st.Page("pages/planner.py", title="Scale planner", icon=":material/dns:", visibility="hidden"),
    st.Page("pages/fivr.py", title="FIVR", icon=":material/cloud_download:", visibility="hidden"),
]
page = navigation(
    {
        "Work": [
            st.Page(
                "pages/library.py",
                title="Library",
                icon=":material/video_library:",
                url_path="home",
            ),
            st.Page("pages/search.py", title="Search", icon=":material/search:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        ],
        "Explore": [
            st.Page("pages/collection.py", title="Collection", icon=":material/grid_view:"),
            st.Page("pages/review.py", title="Review", icon=":material/rate_review:"),
            st.Page("pages/case.py", title="Case", icon=":material/inventory_2:"),
            st.Page("pages/threshold.py", title="Threshold", icon=":material/tune:"),
        ],
        "Behind it": [
            st.Page("pages/models.py", title="Models", icon=":material/model_training:"),
            st.Page("pages/laboratory.py", title="Laboratory", icon=":material/biotech:"),
        ],
    },
    course,
)
stop_unless_safe()
bind_address()
draw_course(course, page)
draw_place()
draw_person()
follow_address()
follow_history(page.url_path)
with logged(page.title), drawing():
    page.run()
draw_next_step(course, page)
