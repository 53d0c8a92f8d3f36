"""Named bands of distance: duplicate, related and distinct, with their limits and counts."""

import numpy as np
import pandas as pd
import streamlit as st

from visil_dash.candidates.thresholds import QueryDistances
from visil_dash.labels.truth import PAIR_KINDS
from visil_dash.metrics.operating import BANDS, band_counts, band_of, judged
from visil_dash.metrics.rows import KIND_NAMES
from visil_dash.records import Array
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.text import safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import facts
from visil_dash.ui.threshold.labels_in_use import draw_label_choice
from visil_dash.ui.threshold.scoring import closeness_task
from visil_dash.workbench.thresholds import band_borders, set_band_borders


def draw_bands(view: QueryDistances | None) -> None:
    duplicate, related = _limits()
    if view is not None and len(view.video):
        _of_query(view, duplicate, related)
    given = draw_label_choice()
    if given is None:
        st.caption("With labels, the labelled pairs in each band are counted as well.")
        return
    task = closeness_task("distance", given)
    if not finished(task, title="Measuring the labelled pairs", name=given.title):
        return
    pairs = judged(given.truth, task.result)
    counts = band_counts(pairs, duplicate=-duplicate, related=-related).counts
    st.markdown("**Labelled pairs in each band**")
    kinds = [i for i in range(len(PAIR_KINDS)) if counts[:, i].any()]
    st.dataframe(
        pd.DataFrame(
            {"Labelled as": [KIND_NAMES[PAIR_KINDS[i]] for i in kinds]}
            | {name.capitalize(): counts[b, kinds] for b, name in enumerate(BANDS)}
        ),
        hide_index=True,
        height=table_height(len(kinds)),
    )


def _limits() -> tuple[float, float]:
    bench = backend.workbench()
    saved = band_borders(bench)
    levels = bench.levels()
    top = max(float(max(levels.orthogonal, levels.unrelated)) * 1.1, saved[1], 1e-3)
    step = top / 1000
    duplicate, related = st.slider(
        "Limits of the bands, squared L2",
        min_value=0.0,
        max_value=top,
        value=saved,
        step=step,
        format="%.3f",
        key=f"{state.THRESHOLD_BANDS}_{bench.extractor}_{bench.space.reduction.reduction_id}",
        persist_state="session",
        help="By the distance of their nearest frames, two videos are duplicates up to the first"
        " limit, related up to the second, and distinct above.",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Save the limits",
            icon=":material/save:",
            key="bands_save",
            on_click=_save,
            args=(float(duplicate), float(related)),
            disabled=bench.library.read_only
            or max(abs(duplicate - saved[0]), abs(related - saved[1])) < step,
        )
        st.caption(f"Saved: {saved[0]:.4g} and {saved[1]:.4g}.", width="content")
    # As float32, like the distances.
    return float(np.float32(duplicate)), float(np.float32(related))


def _save(duplicate: float, related: float) -> None:
    with keep_errors():
        set_band_borders(backend.workbench(), duplicate, related)
        st.toast("Limits saved for this library", icon=":material/save:")


def _of_query(view: QueryDistances, duplicate: float, related: float) -> None:
    nearest: Array = view.profile.nearest
    band = band_of(-nearest, duplicate=-duplicate, related=-related)
    facts(
        {name.capitalize(): f"{int((band == b).sum()):,}" for b, name in enumerate(BANDS)},
        big=True,
        meanings={
            name.capitalize(): "Library videos in this band, for this query" for name in BANDS
        },
    )
    rows = sorted(range(len(band)), key=lambda v: float(nearest[v]))
    near = [v for v in rows if band[v] < 2][:200]
    if near:
        st.dataframe(
            pd.DataFrame(
                {
                    "Video": [safe_name(view.names[v]) for v in near],
                    "Band": [BANDS[int(band[v])] for v in near],
                    "Nearest": [float(nearest[v]) for v in near],
                }
            ),
            hide_index=True,
            height=min(300, table_height(len(near))),
            column_config={"Nearest": st.column_config.NumberColumn(format="%.4f")},
        )
