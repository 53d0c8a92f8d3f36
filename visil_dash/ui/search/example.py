"""Something to click where nothing is searched for yet."""

from itertools import islice

import streamlit as st

from visil_dash.labels.demo_set import demo_labels
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, safe_name
from visil_dash.ui.shell.widgets import thumbnail

_SHOWN = 3


def draw_examples() -> None:
    """Videos to search with: clips of this browser, then library videos, first those of the demo
    set that have copies."""
    videos = backend.library_videos()
    asked = [label.query for label in demo_labels(videos.values())]
    names = {clip.query_id: clip.name for clip in backend.session_clips()}
    names |= {video: videos[video].name for video in (*asked, *videos)}
    with (
        st.container(horizontal_alignment="center"),
        st.container(horizontal=True, gap="small", key="examples"),
    ):
        for number, (video_id, name) in enumerate(islice(names.items(), _SHOWN)):
            with st.container(key=f"example-{number}", gap="xsmall"):
                thumbnail(video_id, key="example")
                st.button(
                    md(safe_name(name, longest=40)),
                    key=f"example_{number}",
                    icon=":material/search:",
                    width="stretch",
                    wrap=False,
                    on_click=st.session_state.update,
                    args=({state.SEARCH_QUERY: video_id},),
                )
