"""What surrounds every page: the navigation, and the redirect through app.py."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager


def through_the_frame() -> None:
    """Restarts the run through app.py when Streamlit opened the page without it.

    Until st.navigation has been called once in the process, Streamlit runs the files of pages/
    directly: a link to a page, opened first after a start, would bypass app.py and its guard.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def navigation(groups: Mapping[str, Sequence[StreamlitPage]]) -> StreamlitPage:
    """The page to run; the sidebar lists all pages, each group under its name.

    Streamlit's own groups are not used: their list items are outside any list, so a screen reader
    does not count them, and a group is folded by a click that has no key.
    """
    rules, first = [], 1
    for name, pages in groups.items():
        rules.append(
            f'[data-testid="stSidebarNavItems"] > li:nth-child({first})::before'
            f' {{ content: "{name}"; }}'
        )
        first += len(pages)
    rules.append(
        '[data-testid="stSidebarNavItems"] > li::before { display: block; font-size: 0.875rem;'
        " font-weight: 600; line-height: 1.5; margin: 1rem 0 0.25rem; }"
    )
    st.html(f"<style>{chr(10).join(rules)}</style>")
    listed = [page for pages in groups.values() for page in pages]
    # The first page is served at the root address only: a link with its own name would get "page
    # not found", and the name stays reserved, so app.py gives the page another one.
    home = listed[0]
    named = st.Page(
        lambda: st.switch_page(home),
        title=home.title,
        url_path=home.title.lower(),
        visibility="hidden",
    )
    return st.navigation([*listed, named], expanded=True)
