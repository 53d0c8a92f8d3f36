"""The distance threshold of candidate generation: one number and its effect, live."""

import numpy as np
import streamlit as st

from visil_dash.candidates.thresholds import candidates_at
from visil_dash.labels.label import Label
from visil_dash.reduction.unit import cosine_of
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_kept_errors
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.waiting import read_clip
from visil_dash.ui.shell.widgets import empty_state
from visil_dash.ui.threshold.bands import draw_bands
from visil_dash.ui.threshold.budget import draw_budget
from visil_dash.ui.threshold.labelled_pairs import measured_pairs
from visil_dash.ui.threshold.live import PLACES, follow_slider
from visil_dash.ui.threshold.one_query import (
    draw_admitted,
    draw_candidates,
    draw_neighbours,
    draw_nothing_to_measure,
)
from visil_dash.ui.threshold.operating import draw_operating
from visil_dash.ui.threshold.saving import draw_history, draw_saving
from visil_dash.ui.threshold.slider import TriedValue, draw_slider

_VIEWS = _QUERY, _LABELS, _BANDS, _HISTORY = ("This query", "Labels", "Bands", "History")


def draw_query_picker() -> str | None:
    """The query, once it is chosen and read."""
    query = pick_video(
        "Query",
        key=state.THRESHOLD_QUERY,
        param=state.PARAM_QUERY,
        placeholder="A library video, or one of your clips",
    )
    clip = None if query is None else backend.session_clip(query)
    return query if clip is None or read_clip(clip) else None


@fragment
def draw_distance_explorer(query_id: str | None) -> None:
    tried = _tried()
    value = tried.get(backend.workbench().threshold())
    _slider(value, tried)
    show_kept_errors("threshold/distance")
    saving = st.container()
    view = None if query_id is None else backend.query_distances(query_id)
    if view is not None and view.distances.size:
        draw_admitted(view, value)
        follow_slider(view, _top())
    views = {name.lower(): name for name in _VIEWS}
    from_link(state.THRESHOLD_VIEW, state.PARAM_VIEW, views.get, default=_QUERY)
    shown = st.segmented_control(
        "Show", _VIEWS, required=True, key=state.THRESHOLD_VIEW, persist_state="session"
    )
    to_link(state.PARAM_VIEW, str(shown).lower(), default=_QUERY.lower())
    labels: tuple[Label, ...] = ()
    if shown == _LABELS:
        labels = _labelled(value, tried)
    elif shown == _BANDS:
        draw_bands(view)
    elif shown == _HISTORY:
        draw_history("distance", backend.workbench().default_threshold())
    elif query_id is None:
        empty_state(
            "Choose a query",
            "All its frames are compared with all frames of the library.",
        )
    elif view is None or not view.distances.size:
        draw_nothing_to_measure(view)
    else:
        draw_candidates(query_id, view, candidates_at(view.profile, value))
        draw_neighbours(view, value)
    with saving:
        _saving(value, labels, tried)


def _tried() -> TriedValue:
    """A threshold belongs to a model and a reduction: in another space it means nothing."""
    bench = backend.workbench()
    return TriedValue(
        state.THRESHOLD_VALUE,
        state.PARAM_THRESHOLD,
        owner=f"{bench.extractor}:{bench.space.reduction.reduction_id}",
        low=0.0,
        high=float(np.finfo(np.float64).max),
    )


def _top() -> float:
    """The slider's highest threshold: beyond, everything is admitted."""
    levels = backend.workbench().levels()
    return float(max(levels.orthogonal, levels.unrelated, 1e-3) * 1.1)


def _slider(value: float, tried: TriedValue) -> None:
    top = _top()
    draw_slider(
        "Distance threshold, squared L2",
        value,
        low=0.0,
        top=top,
        step=top / PLACES,
        exact_step=top / 100,
        slider_key=state.THRESHOLD_SLIDER,
        number_key=state.THRESHOLD_NUMBER,
        on_change=tried.set,
        help="A library video is a candidate when one of its frame vectors is within this squared"
        " L2 distance (at most, ≤) of a frame vector of the query. Frame vectors have unit length:"
        " the distance is 2 − 2·cos, 0 for equal frames, 2 for frames that share nothing, 4 at"
        " most.",
    )
    st.caption(f"The same as a cosine similarity of at least {cosine_of(value):.3f}.")


def _labelled(value: float, tried: TriedValue) -> tuple[Label, ...]:
    """Draws the effect on the labelled pairs; returns the labels in use."""
    measured = measured_pairs("distance")
    if measured is None:
        return ()
    given, pairs = measured
    # As float32, like the distances: the same pairs are admitted here and in a search.
    least = -float(np.float32(value))
    draw_operating("distance", given, pairs, least, use=lambda least: tried.set(-least))
    draw_budget(given, value)
    return given.labels


def _saving(value: float, labels: tuple[Label, ...], tried: TriedValue) -> None:
    default = backend.workbench().default_threshold()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_saving("distance", value, default, labels)
        st.button(
            f"Calibrated {default:.3f}",
            key=state.THRESHOLD_DEFAULT,
            icon=":material/restart_alt:",
            on_click=tried.set,
            args=(default,),
            disabled=abs(default - value) < 1e-9,
            type="tertiary",
            help="Calibrated for this library: the model's share of the usual distance of"
            " unrelated frames",
        )
