"""The Dimensions page: retrieval with fewer dimensions and bits, concentration of distances."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.laboratory.dimensions.library import Study, StudyOptions
from visil_dash.laboratory.dimensions.rows import (
    METHOD_NAMES,
    concentration_lines,
    smallest_space,
    space_rows,
)
from visil_dash.plots import dimensions
from visil_dash.safe_csv import to_csv
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import percent, plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import download_button, draw_chart, empty_state, facts

SPACES, CURSE, GRAPH, CHANGE = "Spaces", "Curse of dimensionality", "Graph", "Index"
MODELS = "Another model"
_SECTIONS = (SPACES, CURSE, GRAPH, CHANGE, MODELS)
# Of the table; with them it is wider than the page, and its first columns are out of sight.
_FOLDED = ("Candidates", "mAP", "Threshold", "from", "to", "Build s")
_SAMPLES = (1000, 2000, 4000, 8000)
_MOST_NEIGHBOURS = 100


def draw_section_choice() -> str:
    """The chosen section; one at a time, as each is slow to draw."""
    names = dict(zip(("spaces", "curse", "graph", "index", "model"), _SECTIONS, strict=True))
    choice_in_address("dimensions_section", state.PARAM_VIEW, names, default=SPACES)
    chosen = st.segmented_control(
        "Section",
        _SECTIONS,
        required=True,
        key="dimensions_section",
        persist_state="session",
        label_visibility="collapsed",
    )
    return str(chosen)


def draw_study_form() -> Study | None:
    """The study, once it was started and has ended."""
    samples = {str(count): count for count in _SAMPLES}
    choice_in_address("dimensions_frames", "frames", samples, default=_SAMPLES[2])
    number_in_address("dimensions_k", "k", low=1, high=_MOST_NEIGHBOURS, default=10, whole=True)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        frames = st.selectbox(
            "Maximum frames",
            _SAMPLES,
            key="dimensions_frames",
            persist_state="session",
            width=160,
            help="Whole videos are drawn until this number is reached, always the same ones.",
        )
        k = st.number_input(
            "Neighbours k",
            min_value=1,
            max_value=_MOST_NEIGHBOURS,
            key="dimensions_k",
            persist_state="session",
            width=140,
        )
        options = StudyOptions(frames=int(frames), k=int(k))
        task = dimensions_tasks.known_study_task(options)
        if st.button(
            "Measure" if task is None else "Measure again",
            type="primary" if task is None else "secondary",
            icon=":material/science:",
            key="dimensions_measure",
            disabled=task is not None and not task.ended,
        ):
            task = dimensions_tasks.study_task(options)
    if task is None:
        empty_state(
            "Not measured yet",
            "Every reduction is fitted on frames of this library and compared with exact search"
            " in the full space. This takes seconds to minutes, and continues when you leave the"
            " page.",
        )
        return None
    if not finished(task, title="Measuring", name=plural(len(backend.library_videos()), "video")):
        return None
    study: Study = task.result
    return study


def draw_sample_facts(study: Study) -> None:
    facts(
        {
            "Model": backend.workbench().model.name,
            "Frames": f"{study.frames:,} of {study.total:,}",
            "Query frames": f"{study.query_frames:,} of {plural(study.query_videos, 'video')}",
            "Full space": f"{study.input_dim:,} dims",
            "Threshold in it": f"{study.threshold:.3f}",
        },
        meanings={
            "Model": f"Features of {study.extractor}",
            "Query frames": "No reduction is fitted on their videos; frames of the same video do"
            " not count.",
            "Threshold in it": "The library's distance threshold, carried to full frame vectors.",
        },
    )


# ---- spaces ----


_KEPT, _MORE = 0.99, 1.1  # share of candidates and of matches; candidates to compare


def _draw_smallest(study: Study) -> None:
    best = smallest_space(study.rows, least=_KEPT, more=_MORE)
    if best is None:
        return
    full = 4 * study.input_dim
    name = METHOD_NAMES[best.method]
    st.markdown(
        f"**{name}, {best.dim:,} dims, {best.precision.value}: {size(best.bytes)} a frame"
        f" instead of {size(full)}.** The smallest space here that keeps {percent(_KEPT)} of the"
        f" candidate videos and of the ten best matches, with at most {percent(_MORE - 1)} more"
        " videos to compare."
    )


@fragment
def draw_spaces(study: Study) -> None:
    _draw_smallest(study)
    rows = space_rows(study.rows, k=study.options.k)
    points: dict[str, list[tuple[int, str, int, float]]] = {}
    for row in study.rows:
        name = METHOD_NAMES[row.method]
        points.setdefault(name, []).append((row.dim, row.precision.value, row.bytes, row.recall))
    with st.container(border=True):
        st.markdown("**Recall of the nearest frames, and bytes per frame**")
        draw_chart(dimensions.recall_by_bytes(points, k=study.options.k), key="dimensions_recall")
        st.caption("Circle: fp32, diamond: fp16, square: int8, cross: binary (signs only).")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("All spaces", anchor=False)
        st.space("stretch")
        download_button("Download CSV", to_csv(rows), file_name="dimensions.csv")
    table = pd.DataFrame(rows)
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        "Space": st.column_config.TextColumn(pinned=True, width=140),
        f"Recall@{study.options.k}": number(
            format="%.3f", help="Share of the nearest frames that are retrieved"
        ),
        "Candidate recall": number(
            format="%.3f",
            help="Share of the full space's candidate videos that are candidates here",
        ),
        "Candidates": number(format="%.1f", help="Candidate videos per query video"),
        "Top 10 kept": number(
            format="%.3f", help="Share of the full space's ten best matches among the ten best here"
        ),
        "mAP": number(format="%.3f", help="With the matches of the full space as relevant"),
        "Threshold": number(format="%.3f", help="The full space's, carried over; binary: bits"),
        "from": number("Threshold, low", format="%.3f", help="95 % interval of the threshold"),
        "to": number("Threshold, high", format="%.3f"),
        "Bytes a frame": number(format="%d"),
        "Build s": number(format="%.2f", help="Time to fit, reduce and encode the sample"),
        "Query ms": number(format="%.3f", help="One query frame against the sample, best of 3"),
    }
    every = st.toggle("All columns", key="dimensions_columns", persist_state="session")
    st.dataframe(
        table,
        hide_index=True,
        height=430,
        lazy=False,
        column_config=config,
        column_order=None if every else [name for name in table.columns if name not in _FOLDED],
    )
    st.caption(
        "The index uses fp32; the other precisions show what they would save and lose. Thresholds"
        " are carried over so that 99 % of the pairs of frames within the threshold in the full"
        " space are within it here. LPP: Locality Preserving Projections (He and Niyogi, 2003). A"
        f" match is a pair that scores {study.match_score:.3f} or more."
    )


# ---- the curse ----


@fragment
def draw_curse(study: Study) -> None:
    spectrum = study.spectrum
    marks = {share: spectrum.dims_for(share) for share in (0.5, 0.9, 0.99)}
    facts(
        {
            "Effective dims": f"{spectrum.effective:.1f}",
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
        draw_chart(
            dimensions.curves_over_dims(
                concentration_lines(study.concentration, "contrast"),
                x="dimensions",
                y="mean / nearest",
                log_y=True,
            ),
            key="dimensions_contrast",
        )
        st.caption(
            "Mean distance over mean nearest distance. At 1 the nearest frame is as far as any"
            " other."
        )
    with right, st.container(border=True):
        st.markdown("**Variation of distances**")
        draw_chart(
            dimensions.curves_over_dims(
                concentration_lines(study.concentration, "variation"),
                x="dimensions",
                y="deviation / mean",
            ),
            key="dimensions_variation",
        )
        st.caption("All pairs of frames of different videos. At 0 all distances are equal.")
    with st.container(border=True):
        st.markdown("**Explained variance**")
        draw_chart(dimensions.explained(spectrum.cumulative, marks), key="dimensions_spectrum")
    st.caption(
        "Independent noise shows the full curse: with every dimension its distances become more"
        " similar. Distances of frames do so only up to their effective number of dimensions;"
        " further dimensions add little, and cost as much."
    )
