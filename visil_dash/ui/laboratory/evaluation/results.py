"""The Evaluate page: retrieval quality on labelled copies, with one or two settings."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.laboratory.evaluation.manifest import (
    Difference,
    EvaluationPlan,
    differences,
    plan_of,
    read_report,
)
from visil_dash.laboratory.evaluation.run import EvaluationRun, Outcome
from visil_dash.metrics.retrieval import QueryRow, TaskResult
from visil_dash.metrics.rows import KIND_NAMES
from visil_dash.plots import operating
from visil_dash.ui.laboratory.evaluation.proof import draw_proof_metrics
from visil_dash.ui.laboratory.evaluation.task import Evaluated, evaluation_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import md, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    download_button,
    draw_chart,
    empty_state,
    facts,
    verified_badge,
)
from visil_dash.ui.threshold.operating import draw_too_few, interval_text

_TASK_HELP = (
    "FIVR-200K's tasks. Relevant are near duplicates and duplicate scenes in DSVR, also"
    " complementary scenes in CSVR, also incident scenes in ISVR."
)
_METRIC_MEANINGS = {
    "mAP": "Mean average precision over the queries",
    "uAP": "Average precision of the pairs of all queries in one ranking, so scores must be"
    " comparable across queries",
    "Latency p50, p95": "Candidates and re-ranking: half of the queries take no longer than the"
    " first time, 95 % no longer than the second",
}


def evaluated(plan: EvaluationPlan) -> Evaluated | None:
    """The run once it has ended; until then its progress with a stop button."""
    task = evaluation_task(plan)
    if finished(task, title="Evaluating", name=plural(len(plan.labels), "label")):
        result: Evaluated = task.result
        return result
    if task.ended and st.button("Continue", icon=":material/refresh:", type="primary"):
        evaluation_task(plan, again=True)
        st.rerun()
    return None


def draw_evaluation(evaluated: Evaluated) -> None:
    run = evaluated.run
    tasks = list(run.outcomes[0].tasks)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        key = f"evaluate_task_{len(tasks)}"
        choice_in_address(key, "task", {task.lower(): task for task in tasks}, default=tasks[0])
        task = st.segmented_control(
            "Task",
            tasks,
            required=True,
            key=key,
            help=_TASK_HELP,
        )
        st.space("stretch")
        download_button(
            "Download report",
            evaluated.text,
            file_name="evaluation.json",
            help="Manifest, labels and results as JSON, to run again and compare.",
        )
        verified_badge(backend.workbench().model.verified)
    task = str(task)
    draw_too_few(run.outcomes[0].tasks[task].queries)
    for name, outcome in zip("AB", run.outcomes, strict=False):
        _numbers(name, run, outcome, task)
    if task in run.gains:
        gain = run.gains[task]
        interval = (
            "no interval" if gain.low is None else f"95 % {gain.low:+.3f} to {gain.high:+.3f}"
        )
        st.markdown(f"**B minus A**: mAP {gain.value:+.3f} ({interval}), paired by query.")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Precision over recall**, all queries in one ranking")
        draw_chart(operating.pr_figure(_curves(run, task)), key="evaluate_pr")
        st.caption("The shaded area is A's 95 % interval at each score.")
    with right:
        _rerank(run, task)
    _queries(run, task)
    if run.skipped:
        st.caption(f"Left out: {plural(len(run.skipped), 'video')} without features.")


def _numbers(name: str, run: EvaluationRun, outcome: Outcome, task: str) -> None:
    result = outcome.tasks[task]
    with st.container(border=True, key=f"outcome-{name}"):
        st.markdown(f"**{name}** · {outcome.setting.title}")
        facts(
            {
                "mAP": interval_text(result.mean_average_precision),
                "uAP": interval_text(result.micro_average_precision),
                "Queries": f"{result.queries:,}",
                "Relevant pairs": f"{result.relevant:,}",
                "Compared per query": f"{outcome.pairs:.1f}",
                "Latency p50, p95": f"{seconds(outcome.p50_seconds)},"
                f" {seconds(outcome.p95_seconds)}",
            },
            big=True,
            meanings=_METRIC_MEANINGS,
        )
        if run.proof_seconds:
            draw_proof_metrics(outcome, task)


def _curves(run: EvaluationRun, task: str) -> list[tuple[str, operating.Curve]]:
    """By score of each setting, then by confidence with proof of those that were verified."""
    outcomes = list(zip("AB", run.outcomes, strict=False))
    return [
        *((name, _curve(outcome.tasks[task])) for name, outcome in outcomes),
        *(
            (f"{name} with proof", _curve(outcome.proof.with_proof.tasks[task]))
            for name, outcome in outcomes
            if outcome.proof is not None
        ),
    ]


def _curve(result: TaskResult) -> operating.Curve:
    curves = result.curves
    return curves.recall, curves.precision, curves.precision_low, curves.precision_high


def _rerank(run: EvaluationRun, task: str) -> None:
    st.markdown("**Re-ranking fewer videos**")
    points = run.rerank.get(task, ())
    if not points:
        st.caption("Needs a setting that compares every video.")
        return
    intervals = [p.mean_average_precision for p in points]
    draw_chart(
        operating.rerank_figure(
            [p.share for p in points],
            [i.value for i in intervals],
            [i.low for i in intervals],
            [i.high for i in intervals],
            [p.seconds for p in points],
        ),
        key="evaluate_rerank",
    )
    st.caption(
        "Each query's videos are sorted by their nearest frame. The first ones are re-ranked; the"
        " others follow in that order."
    )


@fragment
def _queries(run: EvaluationRun, task: str) -> None:
    st.subheader("Queries, worst first", anchor=False)
    rows = run.outcomes[0].queries[task]
    event: Any = st.dataframe(
        _query_frame(run, task),
        hide_index=True,
        key=f"evaluate_queries_{task}_{id(run)}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(420, 38 + 35 * len(rows)),
        column_config={
            name: st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0)
            for name in ("AP of A", "AP of A with proof", "AP of B")
        },
    )
    chosen = event["selection"]["rows"]
    row = rows[chosen[0]] if chosen and chosen[0] < len(rows) else None
    if row is None:
        st.caption("Sorted by setting A. Choose a row to compare its query with the missed video.")
    elif row.worst is None:
        st.caption("All relevant videos of this query come first.")
    elif st.button("Compare", icon=":material/compare:", type="primary", key="compare_missed"):
        state.goto_compare(row.query, row.worst)


def _query_frame(run: EvaluationRun, task: str) -> pd.DataFrame:
    names = {video_id: v.name for video_id, v in backend.library_videos().items()}
    rows = run.outcomes[0].queries[task]
    table: dict[str, list[Any]] = {
        "Query": [safe_name(names.get(r.query, r.query)) for r in rows],
        "AP of A": [r.average_precision for r in rows],
    }
    proof = run.outcomes[0].proof
    if proof is not None:
        by_query = proof.with_proof.tasks[task].average_precisions
        table["AP of A with proof"] = [by_query[r.query] for r in rows]
    if len(run.outcomes) > 1:
        second = {row.query: row.average_precision for row in run.outcomes[1].queries[task]}
        table["AP of B"] = [second[r.query] for r in rows]
    table |= {
        "Relevant": [r.relevant for r in rows],
        "Missed or last": [
            "" if r.worst is None else safe_name(names.get(r.worst, r.worst)) for r in rows
        ],
        "Relation": [KIND_NAMES.get(r.worst_kind, "") for r in rows],
        "Rank": [_rank_text(r) for r in rows],
    }
    return pd.DataFrame(table)


def _rank_text(row: QueryRow) -> str:
    if row.worst is None:
        return ""
    return "not returned" if row.worst_rank is None else f"{row.worst_rank:,}"


# ---- an earlier report ----


def draw_earlier_report(evaluated: Evaluated | None) -> None:
    st.subheader("An earlier report", anchor=False)
    upload = st.file_uploader(
        "Report downloaded from this page (JSON)",
        type=["json"],
        key=state.uploader_key("evaluation_report"),
        help="It contains labels and settings, so it can be run again on the present library.",
    )
    if upload is None:
        return
    try:
        then = read_report(upload.getvalue().decode("utf-8"), name=upload.name)
    except UnicodeDecodeError:
        then = read_report("", name=upload.name)
    manifest = then["manifest"]
    st.caption(
        md(
            f"Made {str(manifest['created'])[:16].replace('T', ' ')} with {manifest['model']},"
            f" {manifest['labels']} labels, version {manifest['version']}."
        )
    )
    if st.button("Run it again", icon=":material/replay:", key="run_again"):
        plan = plan_of(then)
        st.session_state[state.EVALUATE_PLAN] = plan
        evaluation_task(plan, again=True, anew=True)
        st.rerun()
    if evaluated is not None:
        _differences(differences(then, evaluated.report))


def _differences(rows: tuple[Difference, ...]) -> None:
    st.markdown("**Differences from the results above**")
    if not rows:
        st.caption("None: the same model, index, labels and settings gave the same numbers.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Entry": [safe_name(d.what) for d in rows],
                "In the report": [safe_name(d.then, longest=100) for d in rows],
                "Now": [safe_name(d.now, longest=100) for d in rows],
            }
        ),
        hide_index=True,
        height=min(420, 38 + 35 * len(rows)),
    )


def draw_no_labels() -> None:
    empty_state(
        "No labels",
        "Choose a CSV file or FIVR-200K's annotation.json above, or judge pairs on the"
        " Review page.",
        _judge_pairs,
    )


def _judge_pairs() -> None:
    if st.button("Judge pairs", icon=":material/rate_review:", key="evaluate_judge"):
        st.switch_page("pages/review.py")
