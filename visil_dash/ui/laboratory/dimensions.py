"""The Dimensions page: what fewer dimensions and bits keep, and how distances draw together."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.laboratory.dimensions.library import Study, StudyOptions
from visil_dash.laboratory.dimensions.rows import METHOD_NAMES, concentration_lines, space_rows
from visil_dash.plots import dimensions
from visil_dash.safe_csv import to_csv
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts

SPACES, CURSE, GRAPH, CHANGE = "Spaces", "Curse of dimensionality", "Graph", "In force"
MODELS = "Another model"
SAMPLES = (1000, 2000, 4000, 8000)
_CHART = {"displayModeBar": False, "scrollZoom": False}


def choose_section() -> str:
    """One instrument at a time: each is heavy."""
    chosen = st.segmented_control(
        "Instrument",
        [SPACES, CURSE, GRAPH, CHANGE, MODELS],
        default=SPACES,
        required=True,
        key=state.DIMENSIONS_SECTION,
        persist_state="session",
        label_visibility="collapsed",
    )
    return str(chosen)


def measured() -> Study | None:
    """The study once it was asked for and is there."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        frames = st.selectbox(
            "Frames at most",
            SAMPLES,
            index=2,
            key=state.DIMENSIONS_FRAMES,
            persist_state="session",
            width=160,
            help="Whole videos are drawn, always the same ones, until so many frames are there.",
        )
        k = st.number_input(
            "Neighbours k",
            min_value=1,
            max_value=100,
            value=10,
            key=state.DIMENSIONS_K,
            persist_state="session",
            width=140,
        )
        options = StudyOptions(frames=int(frames), k=int(k))
        task = dimensions_tasks.known_study(options)
        if st.button(
            "Measure" if task is None else "Measure again",
            type="primary" if task is None else "secondary",
            icon=":material/science:",
            key="dimensions_measure",
            disabled=task is not None and not task.ended,
        ):
            task = dimensions_tasks.start_study(options, again=True)
    if task is None:
        empty_state(
            "Not measured yet",
            "Every reduction is fitted on frames of this library and compared with exact search in"
            " the full space. It takes some seconds to a few minutes; you may leave meanwhile.",
        )
        return None
    if not finished(task, title="Measuring", name=plural(len(backend.library_videos()), "video")):
        return None
    found: Study = task.result
    return found


def sample_line(study: Study) -> None:
    """What the numbers below were measured on."""
    facts(
        {
            "Model": study.extractor,
            "Frames": f"{study.frames:,} of {study.total:,}",
            "Query frames": f"{study.query_frames:,} of {plural(study.query_videos, 'video')}",
            "Full space": f"{study.input_dim:,} dims",
            "Threshold there": f"{study.threshold:.3f}",
        },
        meanings={
            "Query frames": "Their videos had no part in fitting; their own frames do not count.",
            "Threshold there": "The library's, carried to full frame vectors where it has others.",
        },
    )


# ---- spaces ----


@st.fragment
def spaces(study: Study) -> None:
    """Every space against exact search: one table, and recall over bytes."""
    rows = space_rows(study.rows, k=study.options.k)
    points: dict[str, list[tuple[int, str, int, float]]] = {}
    for row in study.rows:
        name = METHOD_NAMES[row.method]
        points.setdefault(name, []).append((row.dim, row.precision.value, row.bytes, row.recall))
    with st.container(border=True):
        st.markdown("**Neighbours found again, and what a frame costs**")
        st.plotly_chart(
            dimensions.recall_by_bytes(points, k=study.options.k),
            key="dimensions_recall",
            config=_CHART,
        )
        st.caption("Circle fp32, diamond fp16, square int8, cross: signs only (binary).")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("All spaces", anchor=False)
        st.space("stretch")
        st.download_button(
            "Download CSV",
            lambda: to_csv(rows),
            file_name="dimensions.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
    table = pd.DataFrame(rows)
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        "Space": st.column_config.TextColumn(pinned=True, width=140),
        f"Recall@{study.options.k}": number(format="%.3f", help="Neighbours found again"),
        "Candidate recall": number(
            format="%.3f", help="Candidate videos of the full space that are candidates again"
        ),
        "Candidates": number(format="%.1f", help="Candidate videos for a query video"),
        "Top 10 kept": number(format="%.3f", help="Best matches of the full space among the best"),
        "mAP": number(format="%.3f", help="Against the matches of the full space"),
        "Threshold": number(format="%.3f", help="The full space's, carried over; binary: bits"),
        "from": number(format="%.3f", help="95 % interval of the threshold"),
        "to": number(format="%.3f"),
        "Bytes a frame": number(format="%d"),
        "Build s": number(format="%.2f", help="To fit, reduce and encode the sample"),
        "Query ms": number(format="%.3f", help="One frame against the sample, best of 3"),
    }
    st.dataframe(table, hide_index=True, height=430, lazy=False, column_config=config)
    st.caption(
        "The index keeps fp32; the other precisions say what they would save and cost."
        " Thresholds are carried over so that 99 % of the pairs of frames admitted by the full"
        " space are admitted again. LPP: Locality Preserving Projections (He and Niyogi, 2003)."
        f" A match is a pair that scores {study.match_score:.3f} or more."
    )


# ---- the curse ----


@st.fragment
def curse(study: Study) -> None:
    """How alike distances become as dimensions grow, and how many directions matter."""
    found = study.spectrum
    marks = {share: found.dims_for(share) for share in (0.5, 0.9, 0.99)}
    facts(
        {
            "Effective dims": f"{found.effective:.1f}",
            "For 90 % of the variance": f"{marks[0.9]:,} dims",
            "For 99 %": f"{marks[0.99]:,} dims",
            "Full frame vector": f"{study.input_dim:,} dims, {size(4 * study.input_dim)}",
        },
        big=True,
        meanings={"Effective dims": "Participation ratio of the spectrum: (Σλ)² / Σλ²."},
    )
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**Relative contrast**")
        st.plotly_chart(
            dimensions.curves_over_dims(
                concentration_lines(study.concentration, "contrast"),
                x="dimensions",
                y="mean / nearest",
                log_y=True,
            ),
            key="dimensions_contrast",
            config=_CHART,
        )
        st.caption("Mean distance over mean nearest one. At 1 the nearest is as far as any other.")
    with right, st.container(border=True):
        st.markdown("**Variation of distances**")
        st.plotly_chart(
            dimensions.curves_over_dims(
                concentration_lines(study.concentration, "variation"),
                x="dimensions",
                y="deviation / mean",
            ),
            key="dimensions_variation",
            config=_CHART,
        )
        st.caption("All pairs of frames of different videos. At 0 all are equally far.")
    with st.container(border=True):
        st.markdown("**Explained variance**")
        st.plotly_chart(
            dimensions.explained(found.cumulative, marks),
            key="dimensions_spectrum",
            config=_CHART,
        )
    st.caption(
        "Independent noise shows the curse in full: with each dimension its distances draw"
        " together. Frames do so only until their effective dimensions are used up; further ones"
        " add little, and cost as much."
    )
