"""The second operating threshold: the match score from which a pair is a match."""

import streamlit as st

from visil_dash.labels.label import Label
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_kept_errors
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.threshold.labelled_pairs import measured_pairs
from visil_dash.ui.threshold.operating import draw_operating
from visil_dash.ui.threshold.saving import draw_history, draw_saving
from visil_dash.ui.threshold.slider import TriedValue, draw_slider
from visil_dash.workbench.thresholds import model_default

_LABELS, _HISTORY = "Labels", "History"


@fragment
def draw_match_explorer() -> None:
    bench = backend.workbench()
    tried = TriedValue(
        state.MATCH_VALUE, state.PARAM_MATCH, owner=bench.extractor, low=-1.0, high=1.0
    )
    value = tried.get(bench.match_score())
    default = model_default(bench, "match")
    draw_slider(
        "Match score, video-to-video similarity",
        value,
        low=-1.0,
        top=1.0,
        step=0.001,
        exact_high=1.0,
        exact_step=0.01,
        slider_key=state.MATCH_SLIDER,
        number_key=state.MATCH_NUMBER,
        on_change=tried.set,
        help="A re-ranked video is a match when its similarity to the query is at least this.",
    )
    show_kept_errors("threshold/match")
    saving = st.container()
    key, views = f"{state.THRESHOLD_VIEW}_match", {"labels": _LABELS, "history": _HISTORY}
    from_link(key, state.PARAM_VIEW, views.get, default=_LABELS)
    view = st.segmented_control(
        "Show", [_LABELS, _HISTORY], required=True, key=key, persist_state="session"
    )
    to_link(state.PARAM_VIEW, str(view).lower(), default=_LABELS.lower())
    labels: tuple[Label, ...] = ()
    if view == _HISTORY:
        draw_history("match", default)
    else:
        measured = measured_pairs("match")
        if measured is not None:
            given, pairs = measured
            labels = given.labels
            draw_operating("match", given, pairs, value, use=tried.set)
    with saving, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_saving("match", value, default, labels)
        st.button(
            f"Model default {default:.3f}",
            key="match_default",
            icon=":material/restart_alt:",
            on_click=tried.set,
            args=(default,),
            disabled=abs(default - value) < 1e-9,
            type="tertiary",
        )
