"""The threshold page: one number, and everything that it lets through, live."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from visil_dash.candidates.rows import candidate_rows, neighbour_labels
from visil_dash.candidates.thresholds import (
    QueryDistances,
    admit_fast,
    candidates_at,
    nearest_of_rows,
)
from visil_dash.clock import clock
from visil_dash.labels.label import Label
from visil_dash.plots import distances as plots_distances
from visil_dash.records import Candidate
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_kept_errors
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.text import plural, safe_name, seconds
from visil_dash.ui.shell.waiting import read_clip
from visil_dash.ui.shell.widgets import empty_state, facts
from visil_dash.ui.threshold import operating, scoring
from visil_dash.ui.threshold.bands import bands
from visil_dash.ui.threshold.saving import history_list, save_controls

NEIGHBOURS = 10  # library frames told for each query frame
ROWS = 20  # query frames told at once
VIEWS = QUERY, LABELS, BANDS, HISTORY = ("This query", "Labels", "Bands", "History")
_CHART = {"displayModeBar": False, "scrollZoom": False}


def choose_query() -> str | None:
    """The query, once it is chosen and read."""
    query = pick_video(
        "Query",
        key=state.THRESHOLD_QUERY,
        param=state.PARAM_QUERY,
        placeholder="A video of the library, or a clip of this session",
    )
    clip = None if query is None else backend.session_clip(query)
    return query if clip is None or read_clip(clip) else None


# ---- the number ----


def _space() -> str:
    """What a threshold belongs to: in another model's or reduction's space it means nothing."""
    bench = backend.workbench()
    return f"{bench.extractor}:{bench.space.reduction.reduction_id}"


def _value() -> float:
    """The threshold on show: chosen in this session, from the link, or the library's."""
    space, value = st.session_state.get(state.THRESHOLD_VALUE, ("", 0.0))
    if space == _space():
        return float(value)
    try:
        value = float(st.query_params.get(state.PARAM_THRESHOLD, ""))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        value = backend.workbench().threshold()
    st.session_state[state.THRESHOLD_VALUE] = _space(), value
    return value


def _set(value: float) -> None:
    st.session_state[state.THRESHOLD_VALUE] = _space(), float(value)
    st.query_params[state.PARAM_THRESHOLD] = f"{value:.6g}"


def _take(key: str) -> None:
    value = st.session_state[key]
    if value is not None:
        _set(value)


def _controls(top: float) -> float:
    """Slider and exact number over the same value."""
    value = _value()
    # Both widgets show the one value, whichever of them it came from.
    st.session_state[state.THRESHOLD_SLIDER] = min(value, top)
    st.session_state[state.THRESHOLD_NUMBER] = value
    wide, narrow = st.columns([5, 1], vertical_alignment="bottom", gap="medium")
    with wide:
        st.slider(
            "Distance threshold, squared L2",
            min_value=0.0,
            max_value=top,
            step=top / 1000,
            format="%.3f",
            key=state.THRESHOLD_SLIDER,
            on_change=_take,
            args=(state.THRESHOLD_SLIDER,),
            help="Two frames are near when the squared L2 distance of their frame vectors is at"
            " most this. A library video with a near frame becomes a candidate.",
        )
    with narrow:
        st.number_input(
            "Exactly",
            min_value=0.0,
            step=top / 100,
            format="%.4f",
            key=state.THRESHOLD_NUMBER,
            on_change=_take,
            args=(state.THRESHOLD_NUMBER,),
        )
    return value


def _keep(value: float, labels: tuple[Label, ...]) -> None:
    """What to do with the value: save, undo, or take the calibrated one."""
    default = backend.workbench().default_threshold()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        save_controls("distance", value, default, labels)
        st.button(
            f"Calibrated {default:.3f}",
            key=state.THRESHOLD_DEFAULT,
            icon=":material/restart_alt:",
            on_click=_set,
            args=(default,),
            disabled=abs(default - value) < 1e-9,
            type="tertiary",
            help="The model's share of the distance at which unrelated frames of this library lie.",
        )


# ---- what it lets through ----


@st.fragment
def explorer(query_id: str | None) -> None:
    """Slider, figures and tables: a move redraws them and nothing else."""
    view = None if query_id is None else backend.query_distances(query_id)
    levels = backend.workbench().levels()
    value = _controls(float(max(levels.orthogonal, levels.unrelated, 1e-3) * 1.1))
    show_kept_errors()
    saving = st.container()
    if view is not None and view.distances.size:
        _one_query(view, value)
    shown = st.segmented_control(
        "Show",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key=state.THRESHOLD_VIEW,
        persist_state="session",
    )
    labels: tuple[Label, ...] = ()
    if shown == LABELS:
        found = operating.labelled_pairs("distance")
        if found is not None:
            given, pairs = found
            labels = given.labels
            # As float32, like the distances: the same pairs pass here and in a search.
            least = -float(np.float32(value))
            operating.panel("distance", given, pairs, least, use=lambda least: _set(-least))
    elif shown == BANDS:
        bands(view)
    elif shown == HISTORY:
        history_list("distance", backend.workbench().default_threshold())
    elif query_id is None:
        empty_state(
            "Choose a query",
            "Every frame of it is measured against every frame of the library.",
        )
    elif view is None or not view.distances.size:
        _nothing(view)
    else:
        _candidates(query_id, view, candidates_at(view.profile, value))
        _neighbours(view, value)
    with saving:
        _keep(value, labels)


def _one_query(view: QueryDistances, value: float) -> None:
    """What the threshold admits of one query, in numbers and over all its distances."""
    profile, levels = view.profile, view.levels
    admission = admit_fast(profile, value)
    rate = scoring.rerank_rate()
    facts(
        {
            "Candidate videos": f"{admission.candidates:,} of {len(view.video_ids):,}",
            "Pairs of frames": f"{admission.pairs:,} of {view.distances.size:,}",
            "Query frames": f"{admission.query_frames:,} of {len(view.query_times):,}",
            "Library frames": f"{admission.reference_frames:,} of {len(view.video):,}",
        },
        big=True,
    )
    st.caption(
        "What re-ranking these candidates costs is being measured."
        if rate is None
        else f"Re-ranking these candidates takes about"
        f" {seconds(admission.candidates * rate.seconds)}, measured on this machine."
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**All distances of this query**")
            st.space("stretch")
            log = st.toggle(
                "Log counts",
                value=True,
                key=state.THRESHOLD_LOG,
                persist_state="session",
                help="Near frames are few among very many: on a plain axis they cannot be seen.",
            )
        edges, counts = profile.counted
        st.plotly_chart(
            plots_distances.distance_histogram(
                edges,
                counts,
                threshold=value,
                default=backend.workbench().default_threshold(),
                unrelated=levels.unrelated,
                orthogonal=levels.orthogonal,
                nearest=profile.nearest,
                names=view.names,
                log=log,
            ),
            key="threshold_histogram",
            config=_CHART,
        )
        st.caption(
            "Coloured bars are admitted. Each tick below is a library video at its nearest frame,"
            " orange once it is a candidate. “Unrelated” is where frames of different videos lie,"
            " “nothing shared” where orthogonal ones would."
        )


def _nothing(view: QueryDistances | None) -> None:
    if view is None or not view.video_ids:
        empty_state("Nothing to measure against", "The library holds no other video yet.")
    elif not len(view.video):
        empty_state(
            "Not indexed yet",
            "No video has its frames in the index yet. The Library page shows how far it is.",
        )
    else:
        empty_state("No frame to measure", "This video shows nothing but flat pictures.")


def _candidates(query_id: str, view: QueryDistances, found: tuple[Candidate, ...]) -> None:
    st.subheader("Candidate videos", anchor=False)
    if not found:
        empty_state(
            "No candidate",
            "No library frame is near enough. Raise the threshold to let some through.",
        )
        return
    names = dict(zip(view.video_ids, view.names, strict=True))
    rows = candidate_rows(found, names)
    table = pd.DataFrame(
        {
            "Video": [safe_name(row["name"]) for row in rows],
            "Query frames": [row["query_frames"] for row in rows],
            "Pairs": [row["hits"] for row in rows],
            "Its frames": [row["reference_frames"] for row in rows],
            "Nearest": [row["nearest"] for row in rows],
        }
    )
    event: Any = st.dataframe(
        table,
        hide_index=True,
        # The rows mean other videos once the list changes: a choice must not pass to another.
        key=f"{state.THRESHOLD_CANDIDATES}-{hash(tuple(row['video_id'] for row in rows))}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(420, 38 + 35 * len(rows)),
        column_config={
            "Query frames": st.column_config.ProgressColumn(
                format="%d",
                min_value=0,
                max_value=len(view.query_times),
                help="Frames of the query with a near frame in this video",
            ),
            "Nearest": st.column_config.NumberColumn(format="%.4f"),
        },
    )
    chosen = event["selection"]["rows"]
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen and chosen[0] < len(rows):
            if st.button("Compare", icon=":material/compare:", type="primary"):
                state.goto_compare(query_id, rows[chosen[0]]["video_id"])
        else:
            st.caption(
                f"{plural(len(rows), 'video')} would be re-ranked. Choose a row to compare it with"
                " the query."
            )


def _neighbours(view: QueryDistances, value: float) -> None:
    """The two tables of the method: distances of each query frame, and the masked indices."""
    st.subheader("Nearest library frames of each query frame", anchor=False)
    total = len(view.query_times)
    start = 0
    if total > ROWS:
        page = st.pagination(-(-total // ROWS), key=state.THRESHOLD_ROWS)
        start = (page - 1) * ROWS
    rows = range(start, min(total, start + ROWS))
    columns, distances = nearest_of_rows(view, rows, count=NEIGHBOURS)
    at = {"Query at": [clock(t) for t in view.query_times[rows.start : rows.stop]]}
    ranks = [str(rank + 1) for rank in range(columns.shape[1])]
    inside = distances <= value
    options: dict[str, Any] = {
        "hide_index": True,
        "height": 38 + 35 * len(rows),
        "column_config": {"Query at": st.column_config.TextColumn(pinned=True)},
    }
    st.caption("Squared L2 distance, nearest first. Those beyond the threshold are dimmed.")
    numbers = pd.DataFrame(at | dict(zip(ranks, distances.T, strict=True)))
    tones = pd.DataFrame(_tones(inside), columns=ranks)
    st.dataframe(
        numbers.style.format("{:.3f}", subset=ranks).apply(
            lambda _: tones, axis=None, subset=ranks
        ),
        **options,
    )
    st.caption("Which frame that is: video and time. Those beyond the threshold are masked.")
    labels = neighbour_labels(
        view, columns, say=lambda name, time: f"{clock(time)} {safe_name(name, longest=18)}"
    )
    masked = [
        [label if kept else "" for label, kept in zip(line, keep, strict=True)]
        for line, keep in zip(labels, inside.tolist(), strict=True)
    ]
    st.dataframe(
        pd.DataFrame(at | {rank: [m[i] for m in masked] for i, rank in enumerate(ranks)}),
        **options,
    )


def _tones(inside: Any) -> list[list[str]]:
    return [
        ["font-weight: 600" if kept else "color: #94a3b8" for kept in row]
        for row in inside.tolist()
    ]
