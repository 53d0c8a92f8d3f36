"""A threshold measured with labelled pairs: precision, recall, curves, suggestions, the pairs."""

from collections.abc import Callable, Sequence

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
    JudgedPairRow,
    by_outcome,
    judged_pair_rows,
)
from visil_dash.plots import operating as plots_operating
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tables import chosen_row, table_height
from visil_dash.ui.shell.text import percent, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import compare_button, empty_state, facts
from visil_dash.ui.threshold.labels_in_use import LabelSet, draw_label_choice
from visil_dash.ui.threshold.scoring import (
    Measure,
    closeness_task,
    judged_pairs,
    operating_curves_of,
    rerank_rate,
    suggested,
)

_CHART = {"displayModeBar": False, "scrollZoom": False}
_NUMBERS: dict[Measure, str] = {"distance": "Distance", "match": "Score"}
_MOST_ROWS = 200
_UPTO: dict[Upto, str] = {"DS": "ND, DS", "CS": "ND, DS, CS", "IS": "ND, DS, CS, IS"}
_STARTED_BY_HAND = 3000  # more pairs than this are compared only on a click


def measured_pairs(measure: Measure) -> tuple[LabelSet, JudgedPairs] | None:
    """The pairs of the chosen labels; until they are measured, draws what is missing."""
    given = draw_label_choice()
    if given is None:
        empty_state(
            "No labels yet",
            "Judge pairs in Review on the Collection page, or upload labels on the Evaluate page,"
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


def draw_operating(
    measure: Measure,
    given: LabelSet,
    pairs: JudgedPairs,
    least: float,
    *,
    use: Callable[[float], None],
) -> None:
    """The threshold `least`, a closeness (see `closeness_task`); `use` is called with another."""
    upto = _upto()
    point = operating(pairs, least, upto=upto)
    facts(
        {
            "Precision": interval_text(point.precision),
            "Recall": interval_text(point.recall),
            "F1": interval_text(point.f1),
            "False positive rate": "no negatives"
            if point.false_positive_rate is None
            else percent(point.false_positive_rate, digits=1),
        },
        big=True,
        meanings={
            "Precision": "Share of the admitted pairs that are copies",
            "Recall": "Share of the copies that are admitted",
            "False positive rate": "Share of the other pairs that are admitted",
        },
    )
    st.caption(
        f"{plural(len(pairs.queries), 'labelled query', 'labelled queries')},"
        f" {plural(len(pairs), 'pair')}. In brackets: 95 % bootstrap interval"
        " over queries (none for a single query)."
    )
    _cost(measure, point, pairs)
    left, right = st.columns([1, 1.25], gap="medium")
    with left:
        st.markdown("**Admitted pairs**")
        _kinds(pairs, least)
        _suggestions(measure, given, pairs, upto, use)
    with right:
        _figures(measure, given, pairs, upto, point)
    _pairs(measure, pairs, least, upto)


def _upto() -> Upto:
    chosen: Upto = st.segmented_control(
        "What counts as a copy",
        list(_UPTO),
        format_func=_UPTO.__getitem__,
        default="DS",
        required=True,
        key=state.LABELS_UPTO,
        persist_state="session",
        help="The three tasks of FIVR: near-duplicates and duplicate scenes (DSVR), also"
        " complementary scenes (CSVR), also the same incident (ISVR). A plain match counts in all"
        " three.",
    )
    return chosen


def interval_text(interval: Interval | None) -> str:
    if interval is None:
        return "no value"
    around = "" if interval.low is None else f" ({interval.low:.2f}–{interval.high:.2f})"
    return f"{interval.value:.3f}{around}"


def _cost(measure: Measure, point: Operating, pairs: JudgedPairs) -> None:
    if measure != "distance":
        return
    rate = rerank_rate()
    each = point.passing_per_query
    if rate is None:
        st.caption(f"{each:.1f} candidates per query. The time for re-ranking is being measured.")
        return
    videos = len(pairs.references) - 1
    st.caption(
        f"Re-ranking at this threshold: {each:.1f} candidates per labelled query, about"
        f" {seconds(each * rate.seconds)}. Comparing all {plural(videos, 'video')} would take"
        f" {seconds(videos * rate.seconds)}. Measured on this machine: {seconds(rate.seconds)} per"
        f" video, over {plural(rate.pairs, 'pair')} of this library."
    )


def _kinds(pairs: JudgedPairs, least: float) -> None:
    counts = kind_counts(pairs, least)
    st.dataframe(
        pd.DataFrame(
            {
                "Labelled as": [KIND_NAMES[c.kind] for c in counts],
                "Admitted": [c.admitted for c in counts],
                "Total": [c.total for c in counts],
                "Share": [c.share for c in counts],
            }
        ),
        hide_index=True,
        height=table_height(len(counts)),
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
    st.markdown("**Suggested thresholds**")
    with st.container(horizontal=True, gap="small"):
        precision = _target("Precision of at least", state.LABELS_PRECISION)
        recall = _target("Recall of at least", state.LABELS_RECALL)
    suggestions = suggested(measure, given, pairs, upto, precision=precision, recall=recall)
    for title, key, suggestion in (
        ("Best F1", "f1", suggestions.best_f1),
        (f"Precision ≥ {precision:.2f}", "precision", suggestions.at_precision),
        (f"Recall ≥ {recall:.2f}", "recall", suggestions.at_recall),
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
    suggestion: Suggestion | None,
    use: Callable[[float], None],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if suggestion is None:
            st.markdown(f"{title}: not reached by any threshold")
            return
        value = _as_shown(measure, suggestion.least)
        st.markdown(
            f"{title}: **{value:.4g}** · precision {suggestion.precision:.2f}, recall"
            f" {suggestion.recall:.2f}"
        )
        st.button("Use", key=key, type="tertiary", on_click=use, args=(suggestion.least,))


def _as_shown(measure: Measure, least: float) -> float:
    """A closeness as a distance or a score."""
    return -least if measure == "distance" else least


def _figures(
    measure: Measure, given: LabelSet, pairs: JudgedPairs, upto: Upto, point: Operating
) -> None:
    curves = operating_curves_of(measure, given, pairs, upto)
    if curves is None:
        empty_state("No copies", "No labelled pair counts as a copy in this task.")
        return
    recall = None if point.recall is None else point.recall.value
    precision = None if point.precision is None else point.precision.value
    st.markdown("**Precision and recall**")
    st.plotly_chart(
        plots_operating.pr_figure(
            [("", (curves.recall, curves.precision, curves.precision_low, curves.precision_high))],
            point=None if recall is None or precision is None else (recall, precision),
            height=260,
        ),
        key=f"operating_pr_{measure}",
        config=_CHART,
    )
    area = "" if curves.roc_area is None else f", area {curves.roc_area:.3f}"
    st.markdown(f"**ROC**{area}")
    rate = point.false_positive_rate
    st.plotly_chart(
        plots_operating.roc_figure(
            (curves.false_positive_rate, curves.recall, curves.recall_low, curves.recall_high),
            point=None if recall is None or rate is None else (rate, recall),
            height=260,
        ),
        key=f"operating_roc_{measure}",
        config=_CHART,
    )
    st.caption(
        "The diamond marks this threshold; the shaded area is the 95 % interval at each threshold."
    )


def _pairs(measure: Measure, pairs: JudgedPairs, least: float, upto: Upto) -> None:
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
            _NUMBERS[measure]: [None if c is None else _as_shown(measure, c) for c in closeness],
        }
    )
