"""Which library this session looks at: that of the settings, or one of the libraries' folder."""

from pathlib import Path

import streamlit as st

from visil_dash.errors import VisilDashError
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import safe_name

MAIN = "Main library"
# Choices that name videos of the library that was left.
_OF_A_LIBRARY = (
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


def choose_library() -> None:
    """The row that says which library this is, leads to another and makes a new one."""
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
                format_func=lambda f: MAIN if f == str(main) else safe_name(Path(f).name),
                key=state.LIBRARY_CHOICE,
                on_change=_switch,
                width=320,
                help="Every library has its own videos, index and thresholds. The choice holds for"
                " this session.",
            )
        _new_library()


def _new_library() -> None:
    with (
        st.popover("New library", icon=":material/create_new_folder:", type="tertiary"),
        st.form("new_library", border=False, clear_on_submit=True),
    ):
        st.text_input("Name", key=state.LIBRARY_NEW, max_chars=60)
        st.form_submit_button("Make it", on_click=_make)


def _switch() -> None:
    _look_at(st.session_state[state.LIBRARY_CHOICE])


def _make() -> None:
    from visil_dash.workbench.upkeep import new_library_folder

    root = backend.workbench().settings.libraries.absolute()
    try:
        _look_at(str(new_library_folder(root, st.session_state[state.LIBRARY_NEW])))
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)


def _look_at(folder: str) -> None:
    st.session_state[state.LIBRARY] = folder
    for key in _OF_A_LIBRARY:
        st.session_state.pop(key, None)
