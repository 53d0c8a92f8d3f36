"""Every page is drawn inside app.py, also the first one of a server."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_the_frame() -> None:
    """Starts the run anew through app.py when Streamlit came to the page without it.

    Until st.navigation was called once in the process, Streamlit runs the files of pages/ by
    themselves: a link to a page, opened first after a start, would pass by app.py and its guard.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
