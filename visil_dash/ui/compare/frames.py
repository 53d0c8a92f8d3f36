"""The two frames of a cell, and which of their regions match."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.framing.views import QueryRef, cut
from visil_dash.matching.maps import RegionMatches, region_matches
from visil_dash.plots.region_links import draw_links
from visil_dash.plots.regions import draw_regions, match_labels
from visil_dash.records import WHOLE, WHOLE_PICTURE, Array, Comparison
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.pictures import pictures_at
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.widgets import facts, name_line

_LINES, _NUMBERS, _PLAIN = "Lines", "Numbers", "Plain"
_HELP = (
    "Lines connect each region of the query with its most similar region of the reference; thicker"
    " lines are more similar. Numbers show the same pairs, teal where both regions are in the same"
    " place. Small figures and dark regions show attention, the weight of a region."
)


def draw_frames(pair: Comparison, cell: tuple[int, int]) -> None:
    """The two frames of a cell (query frame, reference frame)."""
    i, j = cell
    at_query, at_reference = float(pair.query_times[i]), float(pair.reference_times[j])
    query, reference = backend.opened(pair.query), backend.opened(pair.reference)
    matches = region_matches(query.features, reference.features, i, j)
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
                key="compare_regions",
                persist_state="session",
                label_visibility="collapsed",
                help=_HELP,
            )
        with st.spinner("Reading the two frames…"):
            pictures = [
                _inside_borders(pair.query, at_query),
                _inside_borders(pair.reference, at_reference),
            ]
        sides = (query.name, at_query), (reference.name, at_reference)
        for column, (name, at) in zip(st.columns(2), sides, strict=True):
            with column:
                name_line(safe_name(name), f"at {clock(at, digits=2)}", one_line=True)
        if drawn == _LINES:
            _linked_pictures(pictures, matches)
        else:
            alts = [f"{safe_name(name)} at {clock(at)}" for name, at in sides]
            _side_by_side(pictures, matches if drawn == _NUMBERS else None, alts)
        st.caption(_summary(matches))
        with st.expander("Region by region"):
            _region_table(matches)


def _inside_borders(video: str, at: float) -> Array:
    """The part of the picture that the regions divide. A view is cut already."""
    picture = pictures_at(video, (at,))[0]
    ref = QueryRef.parse(video)
    if ref.view != WHOLE:
        return picture
    return cut(picture, backend.opened(video).features.picture or WHOLE_PICTURE)


def _linked_pictures(pictures: Sequence[Array], matches: RegionMatches) -> None:
    st.image(
        draw_links(
            pictures[0],
            pictures[1],
            best=matches.best,
            strength=matches.best_similarity,
            attention=(matches.query_attention, matches.reference_attention),
            preprocess=backend.workbench().model.preprocess,
        ),
        width="stretch",
        alt=_summary(matches),
    )


def _side_by_side(
    pictures: Sequence[Array], numbered: RegionMatches | None, alts: Sequence[str]
) -> None:
    """The pictures, with the numbers of their matching regions where there are some."""
    drawn = list(pictures)
    if numbered is not None:
        weights = numbered.query_attention, numbered.reference_attention
        for side, labels in enumerate(match_labels(numbered.best)):
            drawn[side] = draw_regions(
                pictures[side],
                labels=labels,
                attention=weights[side],
                preprocess=backend.workbench().model.preprocess,
            )
    for column, picture, alt in zip(st.columns(2), drawn, alts, strict=True):
        with column:
            st.image(picture, width="stretch", alt=alt)


def _summary(matches: RegionMatches) -> str:
    same = int((matches.best == range(len(matches.best))).sum())
    strongest = int(matches.best_similarity.argmax())
    return (
        f"{same} of {len(matches.best)} regions have their best match in the same place; the most"
        f" similar is region {strongest + 1}"
        f" ({float(matches.best_similarity[strongest]):.2f}). The mean over all regions,"
        f" {matches.frame_similarity:.3f}, is the value of the cell."
    )


def _region_table(matches: RegionMatches) -> None:
    rows = {
        "Query region": range(1, len(matches.best) + 1),
        "Best reference region": matches.best + 1,
        "Similarity": matches.best_similarity,
        "Query attention": matches.query_attention,
        "Reference attention": matches.reference_attention[matches.best],
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in list(rows)[2:]
        },
    )
    st.caption(
        "Regions are numbered row by row. Similarities are weighted by the attention of both"
        " regions."
    )
