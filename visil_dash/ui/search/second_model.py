"""The choice of a second model, whose answers stand beside those of the model in use."""

import streamlit as st

from visil_dash.models.load import model_infos
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.text import md, safe_name

ONE_MODEL = "Only one model is on this machine. The Models page has more."
_NONE = ""


def draw_second_model(key: str, *, none: str = "None") -> str:
    """The name of the second model; empty for none.

    `key`: of the widget; the choice is in the address and survives page changes. `none`: the words
    for no second model. Where only one model is here a sentence says how to get another.
    """
    in_use = backend.model_in_use()
    others = [name for name in _available() if name != in_use]
    from_link(key, state.PARAM_SECOND, str, default=_NONE)
    wanted = st.session_state[key]
    if wanted == in_use:
        wanted = st.session_state[key] = _NONE
    if wanted and wanted not in others:
        others.append(wanted)  # of a link: the page says that it is not here
    picked = st.selectbox(
        "Second model",
        [_NONE, *others],
        format_func=lambda name: safe_name(name) if name else none,
        key=key,
        persist_state="session",
        help="Its answer stands beside that of the model in use, each by its own features,"
        " thresholds and calibration.",
    )
    if not others:
        st.caption(ONE_MODEL)
    to_link(state.PARAM_SECOND, picked)
    return picked


def draw_second_model_missing(name: str, key: str) -> bool:
    """Whether the second model is not on this machine; says so, and offers to go on without it."""
    if name in _available():
        return False
    st.error(
        f"The second model **{md(safe_name(name))}** is not here. Its weights are not on this"
        " machine, or it was removed or renamed. The Models page lists what is here.",
        icon=":material/link_off:",
    )
    st.button("Go on without it", on_click=st.session_state.update, args=({key: _NONE},))
    return True


def _available() -> list[str]:
    infos = model_infos(settings=backend.settings_in_use())
    return [info.name for info in infos if info.available]
