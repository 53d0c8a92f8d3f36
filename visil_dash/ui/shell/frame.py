"""What surrounds every page: the navigation, and the library and model in its address."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

from visil_dash.errors import NotFound
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, safe_name

# Choices that refer to videos of one library: dropped when the session opens another one.
_LIBRARY_CHOICES = (
    state.SEARCH_QUERY,
    state.SEARCH_MOMENT,
    state.COMPARE_QUERY,
    state.COMPARE_REFERENCE,
    state.COMPARE_CELL,
    state.THRESHOLD_QUERY,
    state.COLLECTION_PAIR,
    state.LIBRARY_TAGS,
    state.LIBRARY_FILTER,
    state.LIBRARY_PAGE,
)


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


# ---- library and model in the address: a link never opens another library silently ----


def follow_address() -> None:
    """Call it before the page is drawn; ends the run where the address names no library here.

    Bound fields that nobody sees carry both names: Streamlit keeps bound parameters when another
    page is opened, so each address is written once and Back never meets one without its library.
    """
    settings = backend.settings_in_use()
    usual = Settings.model_fields["model"].default
    if not st.session_state.get(state.MODEL) and settings.model != usual:
        st.session_state[state.MODEL] = settings.model
    with st.container(key="address"):
        st.html("<style>.st-key-address { display: none; }</style>")
        st.text_input("Library", key=state.LIBRARY, bind="query-params")
        st.text_input("Model", key=state.MODEL, bind="query-params")
    name = st.session_state[state.LIBRARY]
    if st.session_state.setdefault(state.LIBRARY_OPEN, name) != name:
        _forget_library_choices()
        st.session_state[state.LIBRARY_OPEN] = name
    try:
        backend.library_folder(name)
    except NotFound:
        _no_such_library(name)
        st.stop()
    _compare_model(st.session_state[state.MODEL] or usual, settings.model)


def switch_library(name: str) -> None:
    """Opens the library of this name, empty for the main one; a callback."""
    st.session_state[state.LIBRARY] = name
    _forget_library_choices()


def _forget_library_choices() -> None:
    for key in _LIBRARY_CHOICES:
        st.session_state.pop(key, None)


def _no_such_library(name: str) -> None:
    st.error(
        f"There is no library named **{md(safe_name(name))}** here. It was renamed or removed, or"
        " the address is from another machine. Nothing was opened in its place.",
        icon=":material/link_off:",
    )
    st.button(
        "Open the main library",
        icon=":material/video_library:",
        on_click=switch_library,
        args=("",),
    )


def _compare_model(given: str, here: str) -> None:
    """Warns where the address was made with another model."""
    if given != here:
        st.warning(
            f"This address was made with the model **{md(safe_name(given))}**, and this dashboard"
            f" uses **{md(here)}**: scores, distances and matches differ.",
            icon=":material/model_training:",
        )
