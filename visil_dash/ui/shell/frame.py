"""What stands around every page: the navigation, and the way back into it."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager


def through_the_frame() -> None:
    """Starts the run anew through app.py when Streamlit came to the page without it.

    Until st.navigation was called once in the process, Streamlit runs the files of pages/ by
    themselves: a link to a page, opened first after a start, would pass by app.py and its guard.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def navigation(groups: Mapping[str, Sequence[StreamlitPage]]) -> StreamlitPage:
    """The page to run; all of them in the sidebar as one list, each group under its name.

    Streamlit's own groups are not used: they put list items into no list, so that a screen reader
    counts none, and their names fold the group away on a click that no key can make.
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
    # The first page is served at the bare address only: a link by its own name would be told that
    # there is no such page, and the name stays taken, so app.py calls the page otherwise.
    home = listed[0]
    named = st.Page(
        lambda: st.switch_page(home),
        title=home.title,
        url_path=home.title.lower(),
        visibility="hidden",
    )
    return st.navigation([*listed, named], expanded=True)
