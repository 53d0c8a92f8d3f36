"""Two models on the same labels: their metrics beside each other, and the queries that differ."""

import pandas as pd
import streamlit as st

from visil_dash.labels.truth import labels_digest
from visil_dash.laboratory.evaluation.models import (
    MetricRow,
    ModelComparison,
    QueryGain,
    compare_models,
    metric_rows,
    query_gains,
)
from visil_dash.laboratory.evaluation.run import EXHAUSTIVE, HIERARCHICAL
from visil_dash.metrics.bootstrap import Interval
from visil_dash.plots import operating
from visil_dash.progress import Watch
from visil_dash.ui.library.extraction import draw_extraction_beside
from visil_dash.ui.search.second_model import draw_second_model_missing
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tables import chosen_row, table_height
from visil_dash.ui.shell.tasks import Key, Task
from visil_dash.ui.shell.text import md, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart
from visil_dash.ui.threshold.labels_in_use import LabelSet
from visil_dash.ui.threshold.operating import draw_too_few, interval_text
from visil_dash.ui.threshold.scoring import known_scores

_WAYS = {EXHAUSTIVE: "Every video", HIERARCHICAL: "Candidates"}


def draw_two_models(given: LabelSet, second: str) -> None:
    """The form, and once both were evaluated their metrics and the queries that differ most."""
    if draw_second_model_missing(second, state.EVALUATE_SECOND):
        return
    if not draw_extraction_beside(second):
        return
    task = _form(given, second)
    if task is not None and finished(task, title="Evaluating both models", name=second):
        _draw(task.result)


def _form(given: LabelSet, second: str) -> Task | None:
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="medium"),
    ):
        choice_in_address(
            "evaluate_generation_A", "a", {way: way for way in _WAYS}, default=EXHAUSTIVE
        )
        generation = st.segmented_control(
            "Compare with",
            list(_WAYS),
            format_func=_WAYS.__getitem__,
            required=True,
            key="evaluate_generation_A",
            persist_state="session",
            help="Each model searches as it does on the Search page: with its comparator, if it has"
            " one, and with the distance threshold that this library has for it.",
        )
        clicked = st.button(
            "Evaluate both",
            icon=":material/play_arrow:",
            type="primary",
            key="evaluate_both",
        )
    return _task(given, second, str(generation), begin=clicked)


def _task(given: LabelSet, second: str, generation: str, *, begin: bool) -> Task | None:
    """The evaluation of both; None before it was begun. `result` is a ModelComparison."""
    one, other, known = backend.workbench(), backend.workbench(second), known_scores()

    def work(watch: Watch) -> ModelComparison:
        return compare_models(
            one,
            other,
            given.labels,
            generation,
            count_unlabelled=given.count_unlabelled,
            known=known,
            watch=watch,
        )

    key: Key = (
        "evaluate-models",
        *(
            part
            for bench in (one, other)
            for part in (
                str(bench.library.folder),
                bench.extractor,
                bench.space.version,
                bench.threshold(),
            )
        ),
        labels_digest(given.labels),
        generation,
        given.count_unlabelled,
    )
    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


# ---- results ----


def _draw(both: ModelComparison) -> None:
    tasks = list(both.outcomes[0].tasks)
    key = f"evaluate_task_{len(tasks)}"
    choice_in_address(key, "task", {task.lower(): task for task in tasks}, default=tasks[0])
    task = str(st.segmented_control("Task", tasks, required=True, key=key))
    draw_too_few(both.outcomes[0].tasks[task].queries)
    st.markdown(_answer(both, task))
    left, right = st.columns(2, gap="medium")
    with left:
        _metrics(both, task)
    with right:
        st.markdown("**Precision over recall**, all queries in one ranking")
        curves = []
        for model, outcome in zip(both.models, both.outcomes, strict=True):
            found = outcome.tasks[task].curves
            curve = found.recall, found.precision, found.precision_low, found.precision_high
            curves.append((model, curve))
        draw_chart(operating.pr_figure(curves), key="evaluate_models_pr")
    _queries(both, task)
    if both.left_out:
        st.caption(
            f"Left out: {plural(both.left_out, 'video')} without features of one of the models."
        )


def _answer(both: ModelComparison, task: str) -> str:
    """Which model ranks better, claiming no more than the interval of the difference does."""
    first, second = map(md, both.models)
    gain = both.gains.get(task)
    if gain is None:
        return "**No query is in both results.**"
    if gain.low is None or gain.high is None:
        if gain.value == 0:
            return f"**{first} and {second} have the same mAP.**"
        return (
            f"**mAP of {second} minus that of {first}: {gain.value:+.3f}.** There are too few"
            " queries for an interval."
        )
    interval = f"{gain.value:+.3f} (95 % {gain.low:+.3f} to {gain.high:+.3f}), paired by query"
    if gain.low > 0 or gain.high < 0:
        better, other = (second, first) if gain.value > 0 else (first, second)
        return f"**{better} ranks better than {other}** on these labels: mAP {interval}."
    return (
        f"**These labels do not decide between {first} and {second}**: mAP of {second} minus that"
        f" of {first} {interval}."
    )


def _metrics(both: ModelComparison, task: str) -> None:
    rows = metric_rows(both, task)
    first, second = map(safe_name, both.models)
    table = {
        "Metric": [row.name for row in rows],
        first: [_value(row, row.first) for row in rows],
        second: [_value(row, row.second) for row in rows],
        "Difference": [_difference(row) for row in rows],
    }
    st.markdown(f"**{plural(both.outcomes[0].tasks[task].queries, 'query', 'queries')}**")
    st.dataframe(pd.DataFrame(table), hide_index=True, height=table_height(len(rows)))
    titles = " · ".join(
        f"{md(model)}: {outcome.setting.title}"
        for model, outcome in zip(both.models, both.outcomes, strict=True)
    )
    st.caption(titles)


def _value(row: MetricRow, value: Interval | None) -> str:
    if value is None:
        return "none"
    if row.name.startswith("Latency"):
        return seconds(value.value)
    return f"{value.value:.1f}" if row.better == 0 else interval_text(value)


def _difference(row: MetricRow) -> str:
    if row.gain is None:
        return ""
    value = row.gain.value
    if value == 0:
        return "0"
    if row.name.startswith("Latency"):
        return f"{'+' if value >= 0 else '−'}{seconds(abs(value))}"
    return f"{value:+.1f}" if row.better == 0 else f"{value:+.3f}"


@fragment
def _queries(both: ModelComparison, task: str) -> None:
    st.subheader("Queries, most different first", anchor=False)
    rows = query_gains(both, task)
    number = chosen_row(
        _query_table(rows, both.models),
        key=f"evaluate_models_queries_{task}_{id(both)}",
        column_config={
            safe_name(model): st.column_config.NumberColumn(format="%.3f") for model in both.models
        },
    )
    if number is None:
        st.caption("Average precision per query. Choose a row to see both models' answers to it.")
    elif st.button("Both answers", icon=":material/compare_arrows:", type="primary", key="answers"):
        state.goto_two_models(both.models[1], rows[number].query)


def _query_table(rows: tuple[QueryGain, ...], models: tuple[str, str]) -> pd.DataFrame:
    names = {video_id: v.name for video_id, v in backend.library_videos().items()}
    first, second = map(safe_name, models)
    return pd.DataFrame(
        {
            "Query": [safe_name(names.get(row.query, row.query)) for row in rows],
            first: [row.first for row in rows],
            second: [row.second for row in rows],
            "Difference": [f"{row.gain:+.3f}" for row in rows],
        }
    )
