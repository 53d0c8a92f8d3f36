"""The two frames of a cell at their true times, and which region answered which."""

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.matching.maps import RegionMatches, region_matches
from visil_dash.plots.region_links import draw_links
from visil_dash.plots.regions import draw_regions, match_labels
from visil_dash.records import Comparison
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import facts, name_line

_LINES, _NUMBERS, _PLAIN = "Lines", "Numbers", "Plain"
_HELP = (
    "Lines: each region of the query to the region of the reference that answers it best, thicker"
    " where more alike. Numbers: the same as numbers, teal where both lie in the same place. Small"
    " figures and darkness: attention, which weighs a region."
)


def frames(pair: Comparison, cell: tuple[int, int]) -> None:
    i, j = cell
    at_query, at_reference = float(pair.query_times[i]), float(pair.reference_times[j])
    query, reference = backend.opened(pair.query), backend.opened(pair.reference)
    found = region_matches(query.features, reference.features, i, j)
    with st.container(border=True, key="cell"):
        with st.container(horizontal=True, vertical_alignment="center"):
            facts(
                {
                    "Query at": clock(at_query, digits=2),
                    "Reference at": clock(at_reference, digits=2),
                    "Query → reference": f"{pair.frame_similarity[i, j]:.3f}",
                    "Reference → query": f"{pair.frame_similarity_reverse[j, i]:.3f}",
                }
            )
            st.space("stretch")
            drawn = st.segmented_control(
                "Regions",
                [_LINES, _NUMBERS, _PLAIN],
                default=_LINES,
                required=True,
                key=state.COMPARE_REGIONS,
                persist_state="session",
                label_visibility="collapsed",
                help=_HELP,
            )
        with st.spinner("Reading the two frames…"):
            pictures = [
                backend.pictures_at(pair.query, (at_query,))[0],
                backend.pictures_at(pair.reference, (at_reference,))[0],
            ]
        weights = found.query_attention, found.reference_attention
        preprocess = backend.workbench().model.preprocess
        if drawn == _NUMBERS:
            for side, labels in enumerate(match_labels(found.best)):
                pictures[side] = draw_regions(
                    pictures[side], labels=labels, attention=weights[side], preprocess=preprocess
                )
        sides = (query.name, at_query), (reference.name, at_reference)
        columns = st.columns(2)
        for column, (name, at) in zip(columns, sides, strict=True):
            with column:
                name_line(safe_name(name), f"at {clock(at, digits=2)}", one_line=True)
        if drawn == _LINES:
            st.image(
                draw_links(
                    pictures[0],
                    pictures[1],
                    best=found.best,
                    strength=found.best_similarity,
                    attention=weights,
                    preprocess=preprocess,
                ),
                width="stretch",
                alt=_told(found),
            )
        else:
            for column, picture, (name, at) in zip(columns, pictures, sides, strict=True):
                with column:
                    st.image(picture, width="stretch", alt=f"{safe_name(name)} at {clock(at)}")
        st.caption(_told(found))
        with st.expander("Region by region"):
            _region_table(found)


def _told(found: RegionMatches) -> str:
    """What the regions say together."""
    same = int((found.best == range(len(found.best))).sum())
    strongest = int(found.best_similarity.argmax())
    return (
        f"{same} of {len(found.best)} regions find their best partner in the same place; the"
        f" strongest is region {strongest + 1}"
        f" ({float(found.best_similarity[strongest]):.2f}). Their mean,"
        f" {found.frame_similarity:.3f}, is the cell of the map."
    )


def _region_table(found: RegionMatches) -> None:
    rows = {
        "Query region": range(1, len(found.best) + 1),
        "Best reference region": found.best + 1,
        "Similarity": found.best_similarity,
        "Its attention": found.query_attention,
        "Attention there": found.reference_attention[found.best],
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in list(rows)[2:]
        },
    )
    st.caption("Regions are numbered row by row. Similarities are weighted by both attentions.")
