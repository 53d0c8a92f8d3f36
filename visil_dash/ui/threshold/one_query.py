"""What a distance threshold admits for one query: counts, distances, candidates and neighbours."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.candidates.rows import candidate_rows, neighbour_labels
from visil_dash.candidates.thresholds import QueryDistances, admit, nearest_of_rows
from visil_dash.clock import clock
from visil_dash.plots import distances as plots_distances
from visil_dash.records import Candidate
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tables import chosen_row, table_height
from visil_dash.ui.shell.text import plural, safe_name, seconds
from visil_dash.ui.shell.widgets import compare_button, draw_chart, empty_state, facts
from visil_dash.ui.threshold import live, scoring

_NEIGHBOURS = 10  # library frames shown for each query frame
ROWS = 20  # query frames on one page of the tables


def draw_admitted(view: QueryDistances, value: float) -> None:
    admission = admit(view.profile, value)
    rate = scoring.rerank_rate()
    with st.container(key=live.FACTS):
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
        "Re-ranking these candidates: the time is being measured."
        if rate is None
        else f"Re-ranking these candidates takes about"
        f" {seconds(admission.candidates * rate.seconds)}, measured on this machine."
    )
    _histogram(view, value)


def _histogram(view: QueryDistances, value: float) -> None:
    profile, levels = view.profile, view.levels
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**All distances of this query**")
            st.space("stretch")
            log = st.toggle(
                "Log counts",
                value=True,
                key=state.THRESHOLD_LOG,
                persist_state="session",
                help="Near frames are so few that a linear axis does not show them.",
            )
        edges, counts = profile.counted
        draw_chart(
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
        )
        st.caption(
            "Coloured bars are within the threshold. Each tick below is a library video at its"
            " smallest distance, orange when it is a candidate. “Unrelated” marks the usual"
            " distance of frames of different videos, “nothing shared” that of orthogonal vectors."
        )


def draw_nothing_to_measure(view: QueryDistances | None) -> None:
    if view is None or not view.video_ids:
        empty_state("Nothing to compare with", "The library contains no other video yet.")
    elif not len(view.video):
        empty_state(
            "Not indexed yet",
            "No video is in the index yet. The Library page shows the progress.",
        )
    else:
        empty_state("No usable frame", "All frames of this video are blank.")


def draw_candidates(query_id: str, view: QueryDistances, candidates: tuple[Candidate, ...]) -> None:
    st.subheader("Candidate videos", anchor=False)
    if not candidates:
        empty_state(
            "No candidates",
            "No library frame is within the threshold. Raise it to admit some.",
        )
        return
    names = dict(zip(view.video_ids, view.names, strict=True))
    rows = candidate_rows(candidates, names)
    table = pd.DataFrame(
        {
            "Video": [safe_name(row["name"]) for row in rows],
            "Query frames": [row["query_frames"] for row in rows],
            "Pairs": [row["hits"] for row in rows],
            "Library frames": [row["reference_frames"] for row in rows],
            "Nearest": [row["nearest"] for row in rows],
        }
    )
    chosen = chosen_row(
        table,
        # A new list gets a new key: the rows then mean other videos.
        key=f"{state.THRESHOLD_CANDIDATES}-{hash(tuple(row['video_id'] for row in rows))}",
        column_config={
            "Query frames": st.column_config.ProgressColumn(
                format="%d",
                min_value=0,
                max_value=len(view.query_times),
                help="Query frames with a frame of this video within the threshold",
            ),
            "Nearest": st.column_config.NumberColumn(format="%.4f"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen is not None:
            compare_button(query_id, rows[chosen]["video_id"], key="compare_candidate")
        else:
            st.caption(
                f"{plural(len(rows), 'video')} would be re-ranked. Choose a row to compare it with"
                " the query."
            )


def draw_neighbours(view: QueryDistances, value: float) -> None:
    """Nearest library frames of each query frame: their distances, and which frames they are."""
    st.subheader("Nearest library frames of each query frame", anchor=False)
    total = len(view.query_times)
    start = 0
    if total > ROWS:
        page = st.pagination(-(-total // ROWS), key=state.THRESHOLD_ROWS)
        start = (page - 1) * ROWS
    rows = range(start, min(total, start + ROWS))
    columns, distances = nearest_of_rows(view, rows, count=_NEIGHBOURS)
    at = {"Query at": [clock(t) for t in view.query_times[rows.start : rows.stop]]}
    ranks = [str(rank + 1) for rank in range(columns.shape[1])]
    inside = distances <= value
    options: dict[str, Any] = {
        "hide_index": True,
        "height": table_height(len(rows)),
        "column_config": {"Query at": st.column_config.TextColumn(pinned=True)},
    }
    st.caption("Squared L2 distances, nearest first. Those above the threshold are dimmed.")
    numbers = pd.DataFrame(at | dict(zip(ranks, distances.T, strict=True)))
    tones = pd.DataFrame(_tones(inside), columns=ranks)
    st.dataframe(
        numbers.style.format("{:.3f}", subset=ranks).apply(
            lambda _: tones, axis=None, subset=ranks
        ),
        **options,
    )
    st.caption("The same frames by time and video. Those above the threshold are left out.")
    labels = neighbour_labels(
        view, columns, describe=lambda name, time: f"{clock(time)} {safe_name(name, longest=18)}"
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
