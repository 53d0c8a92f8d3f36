"""The robustness page: choose a clip and edits, look at them, run, see where it breaks."""

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.edits.kinds import KINDS, STEPPED, strengths_of
from visil_dash.laboratory.robustness.copies import LEAST_SECONDS, MOST_SECONDS, EditPreview
from visil_dash.laboratory.robustness.report import kind_text, kind_verdict, to_html, trial_rows
from visil_dash.laboratory.robustness.run import EXHAUSTIVE_VIDEOS, MOST_STEPS, RobustnessReport
from visil_dash.plots import robustness
from visil_dash.plots.robustness import EditCurve
from visil_dash.safe_csv import to_csv
from visil_dash.ui.laboratory import tasks
from visil_dash.ui.laboratory.tasks import RunChoice
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import friendly, show_error
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.waiting import finished, read_clip
from visil_dash.ui.shell.widgets import facts

_FIRST_KINDS = ("crop", "blur")
_CHART = {"displayModeBar": False, "scrollZoom": False}


def choose_clip() -> str | None:
    """The clip, once it is chosen and read."""
    query = pick_video(
        "Clip to edit",
        key=state.ROBUSTNESS_QUERY,
        param=state.PARAM_QUERY,
        placeholder="A video of the library, or a clip of this session",
    )
    clip = None if query is None else backend.session_clip(query)
    return query if clip is None or read_clip(clip) else None


def choose_run(query_id: str) -> RunChoice:
    """Which edits, how many strengths, which stretch of the clip."""
    duration = backend.opened(query_id).info.duration
    longest = min(MOST_SECONDS, max(LEAST_SECONDS, duration))
    with st.container(border=True):
        kinds = st.pills(
            "Kinds of edits",
            list(KINDS),
            selection_mode="multi",
            default=list(_FIRST_KINDS),
            format_func=kind_text,
            key=state.ROBUSTNESS_KINDS,
            persist_state="session",
            help="Each is applied with growing strength. Mild, medium and hard of the development"
            " benchmark are the strengths 0.33, 0.67 and 1.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            start = st.number_input(
                "From second",
                min_value=0.0,
                max_value=max(0.0, duration - LEAST_SECONDS),
                value=0.0,
                step=1.0,
                format="%.1f",
                key=f"{state.ROBUSTNESS_START}-{query_id[:16]}",
                width=140,
            )
            seconds = st.number_input(
                "Seconds",
                min_value=LEAST_SECONDS,
                max_value=longest,
                value=min(12.0, longest),
                step=1.0,
                format="%.1f",
                key=f"{state.ROBUSTNESS_SECONDS}-{query_id[:16]}",
                width=140,
                help=f"At most {MOST_SECONDS:.0f} s of the clip are edited.",
            )
            steps = st.number_input(
                "Strengths",
                min_value=2,
                max_value=MOST_STEPS,
                value=4,
                key=state.ROBUSTNESS_STEPS,
                persist_state="session",
                width=140,
                help="Copies of each kind, evenly between 0 and 1. Kinds with nothing in between,"
                " such as mirroring or a grid of videos, have three.",
            )
            seed = st.number_input(
                "Seed",
                min_value=0,
                max_value=10_000,
                value=0,
                key=state.ROBUSTNESS_SEED,
                persist_state="session",
                width=120,
                help="Decides sides, corners and signs; the same at every strength.",
            )
    return RunChoice(query_id, tuple(kinds), int(steps), float(start), float(seconds), int(seed))


# ---- looking at one edit ----


@st.fragment
def preview(choice: RunChoice) -> None:
    """Pictures before and after one edit at a chosen strength."""
    st.subheader("Look at an edit", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.selectbox(
            "Edit",
            list(choice.kinds),
            format_func=kind_text,
            key=state.ROBUSTNESS_SHOWN,
            width=220,
        )
        steps = strengths_of(kind, 3 if kind in STEPPED else 12)[1:]
        strength = st.select_slider(
            "Strength",
            list(steps),
            value=steps[-1],
            format_func=lambda s: f"{s:.2f}",
            key=f"{state.ROBUSTNESS_STRENGTH}-{'stepped' if kind in STEPPED else 'graded'}",
        )
    task = tasks.edit_preview(choice, kind, strength)
    if not task.wait(0.1):
        _watch_preview(task)
    elif task.error is not None:
        show_error(task.error)
    else:
        _pictures(task.result)


@st.fragment(run_every=0.4)
def _watch_preview(task: Task) -> None:
    if task.ended:
        st.rerun()
    st.progress(task.share, text=f"{task.what}…")


def _pictures(shown: EditPreview) -> None:
    columns = st.columns(len(shown.after), gap="small")
    moments = zip(shown.times, shown.source_times, shown.before, shown.after, strict=True)
    for column, (time, origin, before, after) in zip(columns, moments, strict=True):
        with column:
            if before is None:
                st.html('<div class="vd-blank">other footage</div>')
            else:
                st.image(before, width="stretch", alt=f"The clip at {clock(origin or 0.0)}")
            st.image(after, width="stretch", alt=f"The edited copy at {clock(time)}")
            st.caption(
                f"copy at {clock(time)}" + ("" if origin is None else f", clip at {clock(origin)}")
            )
    st.caption(
        md(f"Above the clip, below the copy as it was read back from its file: {shown.note},")
        + f" {size(shown.bytes)}."
    )


# ---- the run ----


def run(choice: RunChoice) -> RobustnessReport | None:
    """Starts a run on a click; its progress, then its report."""
    copies = 1 + sum(len(strengths_of(kind, choice.steps)) - 1 for kind in choice.kinds)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if st.button("Run", icon=":material/science:", type="primary", key="robustness_run_now"):
            st.session_state[state.ROBUSTNESS_RUN] = choice
            with friendly():
                tasks.robustness(choice, again=True)
        videos = len(backend.library_videos())
        searched = (
            f"each searched for among {plural(videos, 'video')}, exhaustively and hierarchically"
            if videos <= EXHAUSTIVE_VIDEOS
            else f"each searched for hierarchically: above {EXHAUSTIVE_VIDEOS} videos a run would"
            " not end soon enough otherwise"
        )
        st.caption(f"{plural(copies, 'copy', 'copies')} of {choice.seconds:.0f} s, {searched}.")
    started = st.session_state.get(state.ROBUSTNESS_RUN)
    if started is None or started.query_id != choice.query_id:
        return None
    task = tasks.robustness(started)
    if not finished(task, title="Editing and searching", name=backend.name_of(started.query_id)):
        return None
    if started != choice:
        st.caption("Shown is the last run; the choices above were changed since.")
    report: RobustnessReport = task.result
    now = backend.workbench().match_score()
    if report.match_score != now:
        st.caption(
            f"It was measured with the match score {report.match_score:.3f}; the library's is"
            f" {now:.3f} now. Run it again to use that."
        )
    return report


def results(report: RobustnessReport) -> None:
    """What broke where: sentences, two curves, the table and the downloads."""
    st.subheader("Where it breaks", anchor=False)
    facts(
        {
            "Target": safe_name(report.target, longest=40),
            "Unedited": f"{report.trials[0].score:.3f}",
            "Match score": f"{report.match_score:.3f}",
            "Copies": f"{len(report.trials)}",
            "Below the match score": f"{sum(not t.is_match for t in report.trials)}",
            "Not ranked first": f"{sum(t.candidate_rank != 1 for t in report.trials)}",
        }
    )
    for kind in report.kinds:
        st.markdown(f"**{kind_text(kind).capitalize()}.** {md(kind_verdict(report, kind))}")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**Score against strength**")
        st.plotly_chart(
            robustness.score_curves(_curves(report, "score"), match_score=report.match_score),
            key="robustness_scores",
            config=_CHART,
        )
        st.caption("Video-to-video similarity from the copy to the target.")
    with right, st.container(border=True):
        measure = st.segmented_control(
            "Rank in the search",
            ["Hierarchical", "Exhaustive"] if report.exhaustive else ["Hierarchical"],
            default="Hierarchical",
            required=True,
            key="robustness_rank",
        )
        name = "rank" if measure == "Exhaustive" else "candidate_rank"
        st.plotly_chart(
            robustness.rank_curves(_curves(report, name)),
            key=f"robustness_ranks_{name}",
            config=_CHART,
        )
        st.caption("A gap: no frame was near enough for the target to become a candidate.")
    _left_out(report)
    table = pd.DataFrame(trial_rows(report.trials))
    st.dataframe(table, hide_index=True, height=min(420, 38 + 35 * len(table)))
    with st.container(horizontal=True):
        st.download_button(
            "Download the report",
            lambda: to_html(report),
            file_name="robustness.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/description:",
            help="One HTML file with the curves, every copy, and how it was made.",
        )
        st.download_button(
            "Download CSV",
            lambda: to_csv(trial_rows(report.trials)),
            file_name="robustness.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )


def _curves(report: RobustnessReport, value: str) -> list[EditCurve]:
    return [
        EditCurve(
            kind_text(kind),
            [t.strength for t in report.of(kind)],
            [getattr(t, value) for t in report.of(kind)],
            [t.note for t in report.of(kind)],
        )
        for kind in report.kinds
    ]


def _left_out(report: RobustnessReport) -> None:
    said = []
    if report.relatives:
        said.append(
            f"Not counted against a rank, because the clip encoded anew matches them already: "
            f"{', '.join(report.relatives)}."
        )
    if report.hosts:
        said.append(
            f"Other footage came from {', '.join(report.hosts)}; where it shows, it may rank above,"
            " and so may what matches it."
        )
    if said:
        st.caption(md(" ".join(said)))
