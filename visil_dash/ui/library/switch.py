"""Which library this session uses: that of the settings, or one in the folder of libraries."""

from pathlib import Path

import streamlit as st

from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.frame import switch_library
from visil_dash.ui.shell.text import safe_name

_MAIN = "Main library"


def draw_library_switch() -> None:
    from visil_dash.workbench.upkeep import libraries_in

    settings = backend.workbench().settings
    main = settings.library.absolute()
    others = [p for p in libraries_in(settings.libraries.absolute()) if p != main]
    folders = [str(main), *map(str, others)]
    now = str(backend.workbench().library.folder)
    if now not in folders:
        folders.append(now)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(folders) > 1:
            st.session_state[state.LIBRARY_CHOICE] = now
            st.selectbox(
                "Library",
                folders,
                format_func=lambda f: _MAIN if f == str(main) else safe_name(Path(f).name),
                key=state.LIBRARY_CHOICE,
                on_change=_switch,
                width=320,
                help="Each library has its own videos, index and thresholds. The choice applies to"
                " this session.",
            )
        _new_library()


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
    from visil_dash.workbench.upkeep import new_library_folder

    root = backend.workbench().settings.libraries.absolute()
    with keep_errors():
        switch_library(new_library_folder(root, st.session_state[state.LIBRARY_NEW]).name)
