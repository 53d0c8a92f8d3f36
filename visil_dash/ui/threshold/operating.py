"""What a threshold does to the labelled pairs: counts, curves, suggestions, and the pairs."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.labels.label import Upto
from visil_dash.metrics.bootstrap import Interval
from visil_dash.metrics.operating import JudgedPairs, Operating, Suggestion, kind_counts, operating
from visil_dash.metrics.rows import (
    FALSE_MATCHES,
    KIND_NAMES,
    MISSED,
    OUTCOMES,
    by_outcome,
    judged_pair_rows,
)
from visil_dash.plots import operating as plots_operating
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import percent, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts
from visil_dash.ui.threshold import scoring
from visil_dash.ui.threshold.labels_in_use import LabelSet, choose_labels
from visil_dash.ui.threshold.scoring import Measure

_CHART = {"displayModeBar": False, "scrollZoom": False}
MOST_ROWS = 200
UPTO: dict[Upto, str] = {"DS": "ND, DS", "CS": "ND, DS, CS", "IS": "ND, DS, CS, IS"}
HAND_STARTED = 3000  # pairs whose scores are not computed before someone asks for them


def labelled_pairs(measure: Measure) -> tuple[LabelSet, JudgedPairs] | None:
    """The pairs of the chosen labels once they are measured; told what is missing until then."""
    given = choose_labels()
    if given is None:
        empty_state(
            "No labels yet",
            "Judge pairs in the review of the Collection page, or bring a file on the Evaluate"
            " page: then precision and recall of this threshold are shown here.",
        )
        return None
    pairs = int(given.truth.counted.sum())
    if not pairs:
        empty_state("No labelled pair is here", "None of the labelled videos is in the library.")
        return None
    if measure == "match" and pairs > HAND_STARTED:
        rate = scoring.rerank_rate()
        cost = "" if rate is None else f", about {seconds(pairs * rate.seconds)}"
        key = f"compare_labelled_{given.digest[:8]}"
        if not st.session_state.get(f"{key}_on"):
            empty_state(
                "The labelled queries are not compared yet",
                f"That is {plural(pairs, 'pair')}{cost}.",
                lambda: st.button(
                    "Compare them", key=key, on_click=_start, args=(f"{key}_on",), type="primary"
                ),
            )
            return None
    task = scoring.closeness(measure, given)
    title = "Measuring the labelled pairs"
    if not finished(task, title=title, name=given.title):
        if task.ended and st.button("Go on", icon=":material/refresh:", type="primary"):
            scoring.closeness(measure, given, again=True)
            st.rerun()
        return None
    return given, scoring.judged_pairs(measure, given, task.result)


def _start(key: str) -> None:
    st.session_state[key] = True


def panel(
    measure: Measure,
    given: LabelSet,
    pairs: JudgedPairs,
    least: float,
    *,
    use: Callable[[float], None],
) -> None:
    """Everything about the threshold `least` (as closeness); `use` takes another closeness."""
    upto = _upto()
    point = operating(pairs, least, upto=upto)
    facts(
        {
            "Precision": interval_text(point.precision),
            "Recall": interval_text(point.recall),
            "F1": interval_text(point.f1),
            "Others let through": "none here"
            if point.false_positive_rate is None
            else percent(point.false_positive_rate, digits=1),
        },
        big=True,
        meanings={
            "Precision": "Of the pairs let through, the share that are copies",
            "Recall": "Of the copies, the share that is let through",
        },
    )
    st.caption(
        f"{plural(len(pairs.queries), 'labelled query', 'labelled queries')},"
        f" {plural(len(pairs), 'pair')}. In brackets the interval in which 95 % of redrawn sets of"
        " queries fall; a single query has none."
    )
    _cost(measure, point, pairs)
    left, right = st.columns([1, 1.25], gap="medium")
    with left:
        st.markdown("**What is let through**")
        _kinds(pairs, least)
        _suggestions(measure, given, pairs, upto, use)
    with right:
        _figures(measure, given, pairs, upto, point)
    _pairs(measure, pairs, least, upto)


def _upto() -> Upto:
    chosen: Upto = st.segmented_control(
        "Counts as a copy",
        list(UPTO),
        format_func=UPTO.__getitem__,
        default="DS",
        required=True,
        key=state.LABELS_UPTO,
        persist_state="session",
        help="FIVR's three tasks: near-duplicates and duplicate scenes (DSVR), complementary"
        " scenes too (CSVR), the same incident too (ISVR). A plain match counts in all three.",
    )
    return chosen


def interval_text(told: Interval | None) -> str:
    if told is None:
        return "no value"
    around = "" if told.low is None else f" ({told.low:.2f}–{told.high:.2f})"
    return f"{told.value:.3f}{around}"


def _cost(measure: Measure, point: Operating, pairs: JudgedPairs) -> None:
    if measure != "distance":
        return
    rate = scoring.rerank_rate()
    each = point.passing_per_query
    if rate is None:
        st.caption(f"{each:.1f} candidates a query. The cost of re-ranking is being measured.")
        return
    everything = len(pairs.references) - 1
    st.caption(
        f"Re-ranking at this threshold: {each:.1f} candidates a labelled query, about"
        f" {seconds(each * rate.seconds)}; every video would be {everything:,} and"
        f" {seconds(everything * rate.seconds)}. Measured here: {seconds(rate.seconds)} a video,"
        f" over {plural(rate.pairs, 'pair')} of this library."
    )


def _kinds(pairs: JudgedPairs, least: float) -> None:
    counts = kind_counts(pairs, least)
    st.dataframe(
        pd.DataFrame(
            {
                "Labelled as": [KIND_NAMES[c.kind] for c in counts],
                "Let through": [c.admitted for c in counts],
                "Of": [c.total for c in counts],
                "Share": [c.share for c in counts],
            }
        ),
        hide_index=True,
        height=38 + 35 * len(counts),
        column_config={
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
        },
    )


def _suggestions(
    measure: Measure,
    given: LabelSet,
    pairs: JudgedPairs,
    upto: Upto,
    use: Callable[[float], None],
) -> None:
    st.markdown("**Suggested by these labels**")
    with st.container(horizontal=True, gap="small"):
        precision = _target("Precision of at least", state.LABELS_PRECISION)
        recall = _target("Recall of at least", state.LABELS_RECALL)
    found = scoring.suggested(measure, given, pairs, upto, precision=precision, recall=recall)
    for title, key, suggestion in (
        ("Best F1", "f1", found.best_f1),
        (f"Precision ≥ {precision:.2f}", "precision", found.at_precision),
        (f"Recall ≥ {recall:.2f}", "recall", found.at_recall),
    ):
        _suggestion(measure, title, f"use_{measure}_{key}", suggestion, use)


def _target(label: str, key: str) -> float:
    return float(
        st.number_input(
            label,
            min_value=0.01,
            max_value=1.0,
            value=0.9,
            step=0.05,
            format="%.2f",
            key=key,
            persist_state="session",
            width=160,
        )
    )


def _suggestion(
    measure: Measure,
    title: str,
    key: str,
    found: Suggestion | None,
    use: Callable[[float], None],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found is None:
            st.markdown(f"{title}: not reached by any threshold")
            return
        value = shown(measure, found.least)
        st.markdown(
            f"{title}: **{value:.4g}** · precision {found.precision:.2f}, recall {found.recall:.2f}"
        )
        st.button("Use", key=key, type="tertiary", on_click=use, args=(found.least,))


def shown(measure: Measure, least: float) -> float:
    """A closeness as the user knows it: a distance or a score."""
    return -least if measure == "distance" else least


def _figures(
    measure: Measure, given: LabelSet, pairs: JudgedPairs, upto: Upto, point: Operating
) -> None:
    found = scoring.curves(measure, given, pairs, upto)
    if found is None:
        empty_state("Nothing to find", "No labelled pair counts as a copy in this task.")
        return
    recall = None if point.recall is None else point.recall.value
    precision = None if point.precision is None else point.precision.value
    st.markdown("**Precision over recall**")
    st.plotly_chart(
        plots_operating.pr_figure(
            [("", (found.recall, found.precision, found.precision_low, found.precision_high))],
            point=None if recall is None or precision is None else (recall, precision),
            height=260,
        ),
        key=f"operating_pr_{measure}",
        config=_CHART,
    )
    area = "" if found.roc_area is None else f", area {found.roc_area:.3f}"
    st.markdown(f"**ROC**{area}")
    rate = point.false_positive_rate
    st.plotly_chart(
        plots_operating.roc_figure(
            (found.false_positive_rate, found.recall, found.recall_low, found.recall_high),
            point=None if recall is None or rate is None else (rate, recall),
            height=260,
        ),
        key=f"operating_roc_{measure}",
        config=_CHART,
    )
    st.caption("The diamond is this threshold. The shade is the 95 % interval at each threshold.")


def _pairs(measure: Measure, pairs: JudgedPairs, least: float, upto: Upto) -> None:
    """The pairs themselves; a row leads to Compare."""
    by_group = by_outcome(pairs, least, upto=upto)
    chosen = st.segmented_control(
        "Pairs",
        list(OUTCOMES),
        format_func=lambda name: f"{name} ({len(by_group[name]):,})",
        default=MISSED,
        required=True,
        key=f"{state.LABELS_GROUP}_{measure}",
        persist_state="session",
    )
    rows = judged_pair_rows(
        pairs,
        by_group[str(chosen)][:MOST_ROWS],
        {video_id: v.name for video_id, v in backend.library_videos().items()},
    )
    if not rows:
        st.caption("None." if chosen != FALSE_MATCHES else "None: only copies pass.")
        return
    number = "Distance" if measure == "distance" else "Match score"
    event: Any = st.dataframe(
        pd.DataFrame(
            {
                "Query": [safe_name(row["query_name"]) for row in rows],
                "Reference": [safe_name(row["reference_name"]) for row in rows],
                "Labelled as": [KIND_NAMES[row["kind"]] for row in rows],
                number: [
                    None if row["closeness"] is None else shown(measure, row["closeness"])
                    for row in rows
                ],
            }
        ),
        hide_index=True,
        # Another list, another choice: a row must not pass to another pair.
        key=f"{state.LABELS_PAIRS}_{hash(tuple((r['query'], r['reference']) for r in rows))}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(380, 38 + 35 * len(rows)),
        column_config={number: st.column_config.NumberColumn(format="%.4f")},
    )
    picked = event["selection"]["rows"]
    if picked and picked[0] < len(rows):
        row = rows[picked[0]]
        if st.button("Compare", icon=":material/compare:", type="primary", key="compare_labelled"):
            state.goto_compare(row["query"], row["reference"])
    else:
        more = len(by_group[str(chosen)]) - len(rows)
        st.caption(
            "Nearest to the threshold first. Choose a row to compare the two videos."
            + (f" {more:,} more are not listed." if more > 0 else "")
        )
