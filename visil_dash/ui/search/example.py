"""Something to click where nothing is searched for yet."""

import streamlit as st

from visil_dash.labels.demo_set import demo_labels
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, safe_name
from visil_dash.ui.shell.widgets import thumbnail

_SHOWN = 3


def draw_examples() -> None:
    """Library videos to search with: those of the demo set that have copies, else the first."""
    videos = backend.library_videos()
    asked = dict.fromkeys(label.query for label in demo_labels(videos.values()))
    examples = [*asked, *(video for video in videos if video not in asked)][:_SHOWN]
    with (
        st.container(horizontal_alignment="center"),
        st.container(horizontal=True, gap="small", key="examples"),
    ):
        for number, video_id in enumerate(examples):
            with st.container(key=f"example-{number}", gap="xsmall"):
                thumbnail(video_id, key="example")
                st.button(
                    md(safe_name(videos[video_id].name, longest=40)),
                    key=f"example_{number}",
                    icon=":material/search:",
                    width="stretch",
                    wrap=False,
                    on_click=st.session_state.update,
                    args=({state.SEARCH_QUERY: video_id},),
                )
