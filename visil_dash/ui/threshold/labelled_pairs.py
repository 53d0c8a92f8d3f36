"""The labelled pairs of a threshold: measuring them, and the pairs as a table by outcome."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from visil_dash.labels.label import Upto
from visil_dash.metrics.operating import JudgedPairs
from visil_dash.metrics.rows import (
    FALSE_MATCHES,
    KIND_NAMES,
    MISSED,
    OUTCOMES,
    JudgedPairRow,
    by_outcome,
    judged_pair_rows,
)
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import compare_button, empty_state
from visil_dash.ui.threshold.labels_in_use import LabelSet, draw_label_choice
from visil_dash.ui.threshold.scoring import (
    Measure,
    as_threshold,
    closeness_task,
    judged_pairs,
    rerank_rate,
)

_NUMBERS: dict[Measure, str] = {"distance": "Distance", "match": "Score"}
_MOST_ROWS = 200
_STARTED_BY_HAND = 3000  # more pairs than this are compared only on a click


def measured_pairs(measure: Measure) -> tuple[LabelSet, JudgedPairs] | None:
    """The pairs of the chosen labels; until they are measured, draws what is missing."""
    given = draw_label_choice()
    if given is None:
        empty_state(
            "No labels yet",
            "Judge pairs on the Review page, or upload labels on the Evaluate page,"
            " to see precision and recall of this threshold.",
        )
        return None
    count = int(given.truth.counted.sum())
    if not count:
        empty_state("No labelled pairs", "None of the labelled videos is in the library.")
        return None
    if measure == "match" and count > _STARTED_BY_HAND and not _started(given, count):
        return None
    task = closeness_task(measure, given)
    if finished(task, title="Measuring the labelled pairs", name=given.title):
        return given, judged_pairs(measure, given, task.result)
    if task.ended and st.button("Continue", icon=":material/refresh:", type="primary"):
        closeness_task(measure, given, again=True)
        st.rerun()
    return None


def _started(given: LabelSet, count: int) -> bool:
    """Whether the user has started the comparison of many pairs; otherwise offers it."""
    key = f"compare_labelled_{given.digest[:8]}"
    if st.session_state.get(f"{key}_on"):
        return True
    rate = rerank_rate()
    cost = "" if rate is None else f", about {seconds(count * rate.seconds)}"
    empty_state(
        "The labelled pairs are not compared yet",
        f"There are {plural(count, 'pair')}{cost}.",
        lambda: st.button(
            "Compare them", key=key, on_click=_start, args=(f"{key}_on",), type="primary"
        ),
    )
    return False


def _start(key: str) -> None:
    st.session_state[key] = True


def draw_labelled_pairs(measure: Measure, pairs: JudgedPairs, least: float, upto: Upto) -> None:
    """The pairs by outcome; a chosen one can be compared."""
    grouped = by_outcome(pairs, least, upto=upto)
    outcome = st.segmented_control(
        "Pairs",
        list(OUTCOMES),
        format_func=lambda name: f"{name} ({len(grouped[name]):,})",
        default=MISSED,
        required=True,
        key=f"{state.LABELS_GROUP}_{measure}",
        persist_state="session",
    )
    shown = grouped[str(outcome)][:_MOST_ROWS]
    names = {video_id: v.name for video_id, v in backend.library_videos().items()}
    rows = judged_pair_rows(pairs, shown, names)
    if not rows:
        st.caption("None: only copies are admitted." if outcome == FALSE_MATCHES else "None.")
        return
    chosen = chosen_row(
        _pair_frame(measure, rows),
        # A new list gets a new key: the rows then mean other pairs.
        key=f"{state.LABELS_PAIRS}_{hash(tuple((r['query'], r['reference']) for r in rows))}",
        most_height=380,
        column_config={_NUMBERS[measure]: st.column_config.NumberColumn(format="%.4f")},
    )
    if chosen is not None:
        row = rows[chosen]
        compare_button(row["query"], row["reference"], key="compare_labelled")
        return
    more = len(grouped[str(outcome)]) - len(rows)
    st.caption(
        "Closest to the threshold first. Choose a row to compare the two videos."
        + (f" {more:,} more are not listed." if more > 0 else "")
    )


def _pair_frame(measure: Measure, rows: Sequence[JudgedPairRow]) -> pd.DataFrame:
    closeness = [row["closeness"] for row in rows]
    return pd.DataFrame(
        {
            "Query": [safe_name(row["query_name"]) for row in rows],
            "Reference": [safe_name(row["reference_name"]) for row in rows],
            "Labelled as": [KIND_NAMES[row["kind"]] for row in rows],
            _NUMBERS[measure]: [None if c is None else as_threshold(measure, c) for c in closeness],
        }
    )
