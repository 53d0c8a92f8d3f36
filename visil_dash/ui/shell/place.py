"""The sidebar below the navigation: the library in use, and choosing another one."""

from pathlib import Path

import streamlit as st

from visil_dash.errors import NotFound
from visil_dash.library.folders import libraries_in, new_library_folder
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.frame import switch_library
from visil_dash.ui.shell.text import safe_name

_MAIN = "Main library"


def draw_place() -> None:
    """Draws which library this session uses: the main one, or one of the folder of libraries."""
    with st.sidebar.container(key="place"):
        _library_choice()
        _new_library()


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
