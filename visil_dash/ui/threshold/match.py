"""The second operating threshold: from which match score on a pair is called a match."""

import streamlit as st

from visil_dash.labels.label import Label
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_kept_errors
from visil_dash.ui.threshold import operating
from visil_dash.ui.threshold.saving import history_list, save_controls
from visil_dash.workbench.thresholds import model_default

LABELS, HISTORY = "Labels", "History"


def _value() -> float:
    """The score on show: chosen in this session, from the link, or the library's."""
    bench = backend.workbench()
    extractor, value = st.session_state.get(state.MATCH_VALUE, ("", 0.0))
    if extractor == bench.extractor:
        return float(value)
    try:
        value = float(st.query_params.get(state.PARAM_MATCH, ""))
    except ValueError:
        value = float("nan")
    if not -1 <= value <= 1:
        value = bench.match_score()
    st.session_state[state.MATCH_VALUE] = bench.extractor, value
    return value


def _set(value: float) -> None:
    kept = min(1.0, max(-1.0, float(value)))
    st.session_state[state.MATCH_VALUE] = backend.workbench().extractor, kept
    st.query_params[state.PARAM_MATCH] = f"{kept:.6g}"


def _take(key: str) -> None:
    value = st.session_state[key]
    if value is not None:
        _set(value)


@st.fragment
def match_explorer() -> None:
    """Slider and what it does to the labelled pairs: a move redraws them and nothing else."""
    value = _value()
    default = model_default(backend.workbench(), "match")
    st.session_state[state.MATCH_SLIDER] = value
    st.session_state[state.MATCH_NUMBER] = value
    wide, narrow = st.columns([5, 1], vertical_alignment="bottom", gap="medium")
    with wide:
        st.slider(
            "Match score, video-to-video similarity",
            min_value=-1.0,
            max_value=1.0,
            step=0.001,
            format="%.3f",
            key=state.MATCH_SLIDER,
            on_change=_take,
            args=(state.MATCH_SLIDER,),
            help="A re-ranked video is called a match when its similarity to the query is at"
            " least this.",
        )
    with narrow:
        st.number_input(
            "Exactly",
            min_value=-1.0,
            max_value=1.0,
            step=0.01,
            format="%.4f",
            key=state.MATCH_NUMBER,
            on_change=_take,
            args=(state.MATCH_NUMBER,),
        )
    show_kept_errors()
    saving = st.container()
    view = st.segmented_control(
        "Show",
        [LABELS, HISTORY],
        default=LABELS,
        required=True,
        key=f"{state.THRESHOLD_VIEW}_match",
        persist_state="session",
    )
    labels: tuple[Label, ...] = ()
    if view == HISTORY:
        history_list("match", default)
    else:
        found = operating.labelled_pairs("match")
        if found is not None:
            given, pairs = found
            labels = given.labels
            operating.panel("match", given, pairs, value, use=_set)
    with saving, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        save_controls("match", value, default, labels)
        st.button(
            f"The model's own {default:.3f}",
            key="match_default",
            icon=":material/restart_alt:",
            on_click=_set,
            args=(default,),
            disabled=abs(default - value) < 1e-9,
            type="tertiary",
        )
