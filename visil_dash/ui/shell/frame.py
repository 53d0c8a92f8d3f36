"""What surrounds every page: the navigation, and the library and model in use.

Both stand in the address and in the sidebar.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

from visil_dash.errors import NotFound
from visil_dash.library.folders import libraries_in, new_library_folder
from visil_dash.models.load import model_infos
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.text import md, safe_name

_USUAL_MODEL: str = Settings.model_fields["model"].default
_MAIN = "Main library"
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


def navigation(
    groups: Mapping[str, Sequence[StreamlitPage]], course: Sequence[StreamlitPage]
) -> StreamlitPage:
    """The page to run; the sidebar lists the pages of `groups`, each group under its name.

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
    return st.navigation([*listed, named, *course], expanded=True)


def draw_course(course: Sequence[StreamlitPage], page: StreamlitPage) -> None:
    """The steps of the laboratory below its entry, while one of them or its list is open."""
    if page not in course and page.url_path != "laboratory":
        return
    # The entry is marked as long as one of its pages is open.
    st.html(
        '<style>[data-testid="stSidebarNavLink"][href$="/laboratory"] { background: color-mix(in'
        " srgb, currentColor 12%, transparent); }</style>"
    )
    with st.sidebar.container(key="course", gap=None):
        for number, step in enumerate(course, 1):
            st.page_link(step, label=f"{number}. {step.title}")


def draw_next_step(course: Sequence[StreamlitPage], page: StreamlitPage) -> None:
    """Below a page of the laboratory: the way to the next one."""
    if page in course[:-1]:
        step = course[course.index(page) + 1]
        st.space("small")
        st.page_link(
            step, label=f"Next in the course: {step.title}", icon=":material/arrow_forward:"
        )


# ---- library and model in the address: a link never opens another library silently ----


def bind_address() -> None:
    """Call it first: both names come from the address, and go into it.

    Bound fields that nobody sees carry them: Streamlit keeps bound parameters when another page is
    opened, so each address is written once and Back never meets one without its library.
    """
    settings = backend.settings_in_use()
    if not st.session_state.get(state.MODEL) and settings.model != _USUAL_MODEL:
        st.session_state[state.MODEL] = settings.model
    with st.container(key="address"):
        st.html("<style>.st-key-address { display: none; }</style>")
        st.text_input("Library", key=state.LIBRARY, bind="query-params")
        st.text_input("Model", key=state.MODEL, bind="query-params")
    name = st.session_state[state.LIBRARY]
    if st.session_state.setdefault(state.LIBRARY_OPEN, name) != name:
        _forget_library_choices()
        st.session_state[state.LIBRARY_OPEN] = name


def follow_address() -> None:
    """Ends the run where the address names a library or a model that is not here."""
    name = st.session_state[state.LIBRARY]
    try:
        backend.library_folder(name)
    except NotFound:
        _no_such_library(name)
        st.stop()
    known = {info.name: info for info in model_infos(settings=backend.settings_in_use())}
    model = known.get(backend.model_in_use())
    if model is None or not model.available:
        _no_such_model(backend.model_in_use(), model is not None)
        st.stop()


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


def switch_model(name: str) -> None:
    """Uses the model of this name from now on; a callback."""
    # The usual model is left out of addresses, unless this dashboard starts with another one.
    named = name != _USUAL_MODEL or backend.settings_in_use().model != _USUAL_MODEL
    st.session_state[state.MODEL] = name if named else ""


def _no_such_model(name: str, known: bool) -> None:
    why = (
        "Its weights are not on this machine: download or import them on the Models page."
        if known
        else "It was removed or renamed, or the address is from another machine."
    )
    st.error(
        f"The model **{md(safe_name(name))}** is not here. {why} Nothing was opened in its place.",
        icon=":material/link_off:",
    )
    with st.container(horizontal=True):
        st.button(
            f"Use {_USUAL_MODEL}",
            icon=":material/model_training:",
            on_click=switch_model,
            args=(_USUAL_MODEL,),
        )
        if st.button(
            f"Use {_USUAL_MODEL} and open Models",
            on_click=switch_model,
            args=(_USUAL_MODEL,),
            type="tertiary",
        ):
            st.switch_page("pages/models.py")


# ---- the sidebar below the navigation: the library and the model in use ----


def draw_place() -> None:
    """Draws which library and model this session uses. Call it after bind_address."""
    with st.sidebar.container(key="place"):
        _library_choice()
        _new_library()
        _model_choice()


def _library_choice() -> None:
    settings = backend.settings_in_use()
    main = settings.library.absolute()
    others = [p for p in libraries_in(settings.libraries.absolute()) if p != main]
    folders = [str(main), *map(str, others)]
    try:
        now = str(backend.library_folder(st.session_state.get(state.LIBRARY) or ""))
    except NotFound:
        now = folders[0]
    if now not in folders:
        folders.append(now)
    st.session_state[state.LIBRARY_CHOICE] = now
    st.selectbox(
        "Library",
        folders,
        format_func=lambda f: _MAIN if f == str(main) else safe_name(Path(f).name),
        key=state.LIBRARY_CHOICE,
        on_change=_switch,
        help="Each library has its own videos, index and thresholds. The choice applies to this"
        " session, and is part of the address.",
    )


def _model_choice() -> None:
    infos = model_infos(settings=backend.settings_in_use())
    here = [info.name for info in infos if info.available]
    titles = {info.name: info.title for info in infos}
    now = backend.model_in_use()
    if now not in here:
        here.append(now)
    st.session_state[state.MODEL_CHOICE] = now
    st.selectbox(
        "Model",
        here,
        format_func=safe_name,
        key=state.MODEL_CHOICE,
        on_change=_switch_model,
        help=f"{md(titles.get(now, now))}. Each model has features, index and thresholds of its own"
        " in each library. The Models page has more of them.",
    )


def _switch_model() -> None:
    switch_model(st.session_state[state.MODEL_CHOICE])


def _new_library() -> None:
    with (
        st.popover("New library", icon=":material/create_new_folder:", type="tertiary"),
        st.form("new_library", border=False, clear_on_submit=True),
    ):
        st.text_input("Name", key=state.LIBRARY_NEW, max_chars=60)
        st.form_submit_button("Create", on_click=_create)


def _switch() -> None:
    switch_library(backend.library_name(Path(st.session_state[state.LIBRARY_CHOICE])))


def _create() -> None:
    root = backend.settings_in_use().libraries.absolute()
    with keep_errors():
        switch_library(new_library_folder(root, st.session_state[state.LIBRARY_NEW]).name)
