"""A threshold measured with labelled pairs: precision, recall, cost, curves and suggestions."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from visil_dash.labels.label import Upto
from visil_dash.metrics.bootstrap import Interval, too_few
from visil_dash.metrics.operating import (
    JudgedPairs,
    Operating,
    Suggestion,
    class_histogram,
    kind_counts,
    operating,
)
from visil_dash.metrics.rows import KIND_NAMES
from visil_dash.plots import operating as plots_operating
from visil_dash.ui.shell import state
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.text import percent, plural, seconds
from visil_dash.ui.shell.widgets import draw_chart, empty_state, facts
from visil_dash.ui.threshold.labelled_pairs import draw_labelled_pairs
from visil_dash.ui.threshold.labels_in_use import LabelSet
from visil_dash.ui.threshold.scoring import (
    Measure,
    as_threshold,
    as_thresholds,
    operating_curves_of,
    rerank_rate,
    suggested,
)

_LATENCY = "Latency p50, p95"
_UPTO: dict[Upto, str] = {"DS": "ND, DS", "CS": "ND, DS, CS", "IS": "ND, DS, CS, IS"}


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
            **_latency(measure, point),
        },
        big=True,
        meanings={
            _LATENCY: "Re-ranking the candidates of a query, on this machine: half of the queries"
            " take no longer than the first time, 95 % no longer than the second",
            "Precision": "Share of the admitted pairs that are copies",
            "Recall": "Share of the copies that are admitted",
            "False positive rate": "Share of the other pairs that are admitted",
        },
    )
    st.caption(
        f"{plural(len(pairs.queries), 'labelled query', 'labelled queries')},"
        f" {plural(len(pairs), 'pair')}. In brackets: 95 % bootstrap interval over queries; none"
        " where all queries agree."
    )
    draw_too_few(len(pairs.queries))
    _cost(measure, point, pairs)
    _classes(measure, pairs, least, upto)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Admitted pairs**")
        _kinds(pairs, least)
        _suggestions(measure, given, pairs, upto, use)
    with right:
        _figures(measure, given, pairs, upto, point)
    draw_labelled_pairs(measure, pairs, least, upto)


def _latency(measure: Measure, point: Operating) -> dict[str, str]:
    """Beside recall, what it costs: only the distance decides how many videos are re-ranked."""
    if measure != "distance":
        return {}
    rate = rerank_rate()
    if rate is None:
        return {_LATENCY: "being measured"}
    middle, slow = (n * rate.seconds for n in (point.passing_p50, point.passing_p95))
    return {_LATENCY: f"{seconds(middle)}, {seconds(slow)}"}


def _upto() -> Upto:
    chosen: Upto = st.segmented_control(
        "What counts as a copy",
        list(_UPTO),
        format_func=_UPTO.__getitem__,
        default="DS",
        required=True,
        key=state.LABELS_UPTO,
        persist_state="session",
        help="The three tasks of FIVR: near duplicates and duplicate scenes (DSVR), also"
        " complementary scenes (CSVR), also the same incident (ISVR). A plain match counts in all"
        " three.",
    )
    return chosen


def draw_too_few(queries: int) -> None:
    """A warning where there are too few queries to judge by."""
    if reason := too_few(queries):
        st.warning(reason, icon=":material/science_off:")


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


def _classes(measure: Measure, pairs: JudgedPairs, least: float, upto: Upto) -> None:
    """How far copies lie from each other, and how far other pairs do."""
    found = class_histogram(pairs, upto=upto)
    if found is None:
        return
    edges = as_thresholds(measure, found.edges)
    turn = slice(None, None, -1) if measure == "distance" else slice(None)
    title = "smallest squared L2 distance" if measure == "distance" else "video-to-video similarity"
    st.markdown("**Within and between classes**")
    draw_chart(
        plots_operating.class_figure(
            edges[turn],
            found.same[turn],
            found.other[turn],
            threshold=as_threshold(measure, least),
            title=title,
        ),
        key=f"operating_classes_{measure}",
    )
    left_out = (
        f" {plural(found.left_out, 'pair')} without a value left out." if found.left_out else ""
    )
    st.caption(
        f"{plural(found.same_pairs, 'pair')} of copies and"
        f" {plural(found.other_pairs, 'other pair')}, each as shares of their own; the line is the"
        f" threshold.{left_out}"
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
        value = as_threshold(measure, suggestion.least)
        st.markdown(
            f"{title}: **{value:.4g}** · precision {suggestion.precision:.2f}, recall"
            f" {suggestion.recall:.2f}"
        )
        st.button("Use", key=key, type="tertiary", on_click=use, args=(suggestion.least,))


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
    draw_chart(
        plots_operating.pr_figure(
            [("", (curves.recall, curves.precision, curves.precision_low, curves.precision_high))],
            point=None if recall is None or precision is None else (recall, precision),
            height=260,
        ),
        key=f"operating_pr_{measure}",
    )
    area = "" if curves.roc_area is None else f", area {curves.roc_area:.3f}"
    st.markdown(f"**ROC**{area}")
    rate = point.false_positive_rate
    draw_chart(
        plots_operating.roc_figure(
            (curves.false_positive_rate, curves.recall, curves.recall_low, curves.recall_high),
            point=None if recall is None or rate is None else (rate, recall),
            height=260,
        ),
        key=f"operating_roc_{measure}",
    )
    st.caption(
        "The diamond marks this threshold; the shaded area is the 95 % interval at each threshold."
    )
