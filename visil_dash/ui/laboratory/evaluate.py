"""The evaluate page: how well the library's labelled copies are found, and by which setting."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.laboratory.evaluation.manifest import (
    Difference,
    EvaluationPlan,
    differences,
    plan_of,
    read_report,
    report_text,
)
from visil_dash.laboratory.evaluation.run import (
    EXHAUSTIVE,
    HIERARCHICAL,
    EvaluationRun,
    Outcome,
    Setting,
)
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR, pairs_to_score
from visil_dash.metrics.rows import KIND_NAMES
from visil_dash.plots import operating
from visil_dash.ui.laboratory.evaluation_task import Evaluated, evaluation_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, verified_badge
from visil_dash.ui.threshold.labels_in_use import LabelSet
from visil_dash.ui.threshold.operating import interval_text
from visil_dash.ui.threshold.scoring import rerank_rate

_CHART = {"displayModeBar": False, "scrollZoom": False}
TASK_HELP = (
    "FIVR-200K's tasks: DSVR seeks near-duplicates and duplicate scenes, CSVR also complementary"
    " scenes, ISVR also the same incident."
)
MEANINGS = {
    "mAP": "Mean over the queries of the average precision of their ranked list",
    "uAP": "Average precision of all pairs of all queries in one list: scores must compare"
    " across queries",
}


def choose_plan(given: LabelSet) -> EvaluationPlan | None:
    """What is to be evaluated; None until it was asked for."""
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        with left:
            first = _setting("A", EXHAUSTIVE, COMPARATOR)
        with right:
            second = _setting("B", HIERARCHICAL, COMPARATOR)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            seed = st.number_input(
                "Seed",
                min_value=0,
                max_value=2**31 - 1,
                value=0,
                key=state.EVALUATE_SEED,
                persist_state="session",
                width=140,
                help="Of the redrawn sets of queries from which the intervals come.",
            )
            asked = st.button(
                "Evaluate", icon=":material/play_arrow:", type="primary", key=state.EVALUATE_RUN
            )
            st.caption(_cost(given), width="content")
    asked_for = [s for s in (first, second) if s is not None]
    plan = EvaluationPlan(
        labels=given.labels,
        settings=tuple(dict.fromkeys(asked_for)),  # the same twice is one
        count_unlabelled=given.count_unlabelled,
        seed=int(seed),
    )
    if asked:
        st.session_state[state.EVALUATE_PLAN] = plan
        evaluation_task(plan, again=True)
    return st.session_state.get(state.EVALUATE_PLAN)


def _cost(given: LabelSet) -> str:
    bench = backend.workbench()
    pairs = pairs_to_score(bench, given.labels, count_unlabelled=given.count_unlabelled)
    rate = rerank_rate()
    about = "" if rate is None else f", about {seconds(2 * pairs * rate.seconds)} anew"
    return f"Every video: {plural(pairs, 'pair')}{about}"


def _setting(name: str, generation: str, scorer: str) -> Setting | None:
    st.markdown(f"**Setting {name}**")
    ways: dict[str, str] = {EXHAUSTIVE: "Every video", HIERARCHICAL: "Candidates"}
    if name == "B":
        ways = {"": "None", **ways}
    chosen = st.segmented_control(
        "Compared with",
        list(ways),
        format_func=ways.__getitem__,
        default=generation,
        required=True,
        key=f"{state.EVALUATE_GENERATION}_{name}",
        persist_state="session",
    )
    if not chosen:
        return None
    scorers = {CHAMFER: "Chamfer alone"}
    if backend.workbench().model.compare is not None:
        scorers = {COMPARATOR: "Comparator", **scorers}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.segmented_control(
            "Scored by",
            list(scorers),
            format_func=scorers.__getitem__,
            default=scorer if scorer in scorers else CHAMFER,
            required=True,
            key=f"{state.EVALUATE_SCORER}_{name}",
            persist_state="session",
        )
        threshold = None
        if chosen == HIERARCHICAL:
            threshold = st.number_input(
                "Distance threshold",
                min_value=0.0,
                value=None,
                format="%.4f",
                placeholder=f"the library's: {backend.workbench().threshold():.4g}",
                key=f"{state.EVALUATE_THRESHOLD}_{name}",
                persist_state="session",
                width=220,
            )
            threshold = backend.workbench().threshold() if threshold is None else float(threshold)
    return Setting(chosen, by, threshold)


def evaluated(plan: EvaluationPlan) -> Evaluated | None:
    """The run once it has ended; its progress, with a way to stop, until then."""
    task = evaluation_task(plan)
    if finished(task, title="Evaluating", name=plural(len(plan.labels), "label")):
        result: Evaluated = task.result
        return result
    if task.ended and st.button("Go on", icon=":material/refresh:", type="primary"):
        evaluation_task(plan, again=True)
        st.rerun()
    return None


def results(found: Evaluated) -> None:
    """Numbers of both settings, curves, the re-rank curve and every query."""
    run = found.run
    tasks = list(run.outcomes[0].tasks)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        task = st.segmented_control(
            "Task",
            tasks,
            default=tasks[0],
            required=True,
            key=f"{state.EVALUATE_TASK}_{len(tasks)}",
            help=TASK_HELP,
        )
        st.space("stretch")
        st.download_button(
            "Download report",
            lambda: report_text(found.report),
            file_name="evaluation.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
            help="Manifest, labels and results as JSON: it can be run again and compared.",
        )
        verified_badge(backend.workbench().model.verified)
    task = str(task)
    for name, outcome in zip("AB", run.outcomes, strict=False):
        _numbers(name, outcome, task)
    if task in run.gains:
        gain = run.gains[task]
        sure = "no interval" if gain.low is None else f"95 % {gain.low:+.3f} to {gain.high:+.3f}"
        st.markdown(f"**B less A**: mAP {gain.value:+.3f} ({sure}), drawn query by query.")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Precision over recall**, all queries in one list")
        st.plotly_chart(
            operating.pr_figure(
                [_curve(n, o, task) for n, o in zip("AB", run.outcomes, strict=False)]
            ),
            key="evaluate_pr",
            config=_CHART,
        )
        st.caption("The shade is A's 95 % interval at each score.")
    with right:
        _rerank(run, task)
    _queries(run, task)
    if run.skipped:
        st.caption(f"Left out, because they have no features yet: {len(run.skipped):,} videos.")


def _numbers(name: str, outcome: Outcome, task: str) -> None:
    told = outcome.tasks[task]
    spent = outcome.candidate_seconds + outcome.rerank_seconds
    with st.container(border=True, key=f"outcome-{name}"):
        st.markdown(f"**{name}** · {outcome.setting.title}")
        facts(
            {
                "mAP": interval_text(told.mean_average_precision),
                "uAP": interval_text(told.micro_average_precision),
                "Queries": f"{told.queries:,}",
                "To be found": f"{told.relevant:,}",
                "Compared a query": f"{outcome.pairs:.1f}",
                "Time a query": seconds(spent),
            },
            big=True,
            meanings=MEANINGS,
        )


def _curve(name: str, outcome: Outcome, task: str) -> tuple[str, operating.Curve]:
    curves = outcome.tasks[task].curves
    return name, (curves.recall, curves.precision, curves.precision_low, curves.precision_high)


def _rerank(run: EvaluationRun, task: str) -> None:
    st.markdown("**Re-ranking less**")
    points = run.rerank.get(task, ())
    if not points:
        st.caption("Needs a setting that compares with every video.")
        return
    intervals = [p.mean_average_precision for p in points]
    st.plotly_chart(
        operating.rerank_figure(
            [p.share for p in points],
            [i.value for i in intervals],
            [i.low for i in intervals],
            [i.high for i in intervals],
            [p.seconds for p in points],
        ),
        key="evaluate_rerank",
        config=_CHART,
    )
    st.caption(
        "Each query's videos in the order of their nearest frame; the first of them are scored,"
        " the others stay behind in that order."
    )


@st.fragment
def _queries(run: EvaluationRun, task: str) -> None:
    """Every query, misses first; a row leads to what was missed."""
    st.subheader("Queries, misses first", anchor=False)
    names = {video_id: v.name for video_id, v in backend.library_videos().items()}
    by_query = [{row.query: row for row in o.queries[task]} for o in run.outcomes]
    rows = run.outcomes[0].queries[task]
    table: dict[str, list[Any]] = {
        "Query": [safe_name(names.get(r.query, r.query)) for r in rows],
        "AP of A": [r.average_precision for r in rows],
    }
    if len(by_query) > 1:
        table["AP of B"] = [by_query[1][r.query].average_precision for r in rows]
    table |= {
        "To be found": [r.relevant for r in rows],
        "Missed or last": [
            "" if r.worst is None else safe_name(names.get(r.worst, r.worst)) for r in rows
        ],
        "It is": [KIND_NAMES.get(r.worst_kind, "") for r in rows],
        "Rank": [
            ""
            if r.worst is None
            else "not returned"
            if r.worst_rank is None
            else f"{r.worst_rank:,}"
            for r in rows
        ],
    }
    numbers = {
        name: st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0)
        for name in ("AP of A", "AP of B")
    }
    event: Any = st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        key=f"{state.EVALUATE_QUERIES}_{task}_{id(run)}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(420, 38 + 35 * len(rows)),
        column_config=numbers,
    )
    chosen = event["selection"]["rows"]
    row = rows[chosen[0]] if chosen and chosen[0] < len(rows) else None
    if row is None:
        st.caption("Setting A decides the order. Choose a row to compare what was missed.")
    elif row.worst is None:
        st.caption("All that this query should find came first.")
    elif st.button("Compare", icon=":material/compare:", type="primary", key="compare_missed"):
        state.goto_compare(row.query, row.worst)


# ---- an earlier report ----


def earlier(found: Evaluated | None) -> None:
    """Runs a downloaded report again, and says what differs."""
    st.subheader("An earlier report", anchor=False)
    upload = st.file_uploader(
        "Report as it was downloaded here (JSON)",
        type=["json"],
        key=state.uploader_key("evaluation_report"),
        help="It holds its labels and settings, so it can be run again on the library as it is.",
    )
    if upload is None:
        return
    try:
        then = read_report(upload.getvalue().decode("utf-8"), name=upload.name)
    except UnicodeDecodeError:
        then = read_report("", name=upload.name)
    made = then["manifest"]
    st.caption(
        md(
            f"Made {str(made['created'])[:16].replace('T', ' ')} with {made['model']},"
            f" {made['labels']} labels, version {made['version']}."
        )
    )
    if st.button("Run it again", icon=":material/replay:", key="run_again"):
        plan = plan_of(then)
        st.session_state[state.EVALUATE_PLAN] = plan
        evaluation_task(plan, again=True, anew=True)
        st.rerun()
    if found is not None:
        _differences(differences(then, found.report))


def _differences(found: tuple[Difference, ...]) -> None:
    st.markdown("**What differs from the results above**")
    if not found:
        st.caption("Nothing: the same model, index, labels and settings gave the same numbers.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "What": [safe_name(d.what) for d in found],
                "In the report": [safe_name(d.then, longest=100) for d in found],
                "Now": [safe_name(d.now, longest=100) for d in found],
            }
        ),
        hide_index=True,
        height=min(420, 38 + 35 * len(found)),
    )


def no_labels() -> None:
    empty_state(
        "No labels to measure by",
        "Choose a CSV file or FIVR-200K's annotation.json above, or judge pairs in the review of"
        " the Collection page.",
    )
