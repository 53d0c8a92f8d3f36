"""The Robustness page: choose a clip and edits, preview them, see where matching fails."""

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.edits.kinds import KINDS, STEPPED, strengths_of
from visil_dash.laboratory.robustness.copies import LEAST_SECONDS, MOST_SECONDS, EditPreview
from visil_dash.laboratory.robustness.report import (
    kind_text,
    kind_verdict,
    named_rows,
    to_html,
    trial_rows,
)
from visil_dash.laboratory.robustness.run import MOST_STEPS, RobustnessReport
from visil_dash.laboratory.robustness.trial import EXHAUSTIVE_VIDEOS
from visil_dash.plots import robustness
from visil_dash.plots.robustness import EditCurve
from visil_dash.safe_csv import to_csv
from visil_dash.ui.laboratory import tasks
from visil_dash.ui.laboratory.robustness_proof import draw_proof_curves, proof_facts
from visil_dash.ui.laboratory.tasks import RunChoice
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.links import choice_in_address, choices_in_address, number_in_address
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.runs import fragment, keep_click, kept_click
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.waiting import finished, read_clip
from visil_dash.ui.shell.widgets import download_button, draw_chart, facts

_FIRST_KINDS = ("crop", "blur")
# Of the table, so that none is cut off; the download has them.
_FOLDED = ("Nearest frame", "Seconds", "Motion at other offsets", "Why")
_MOST_SEED = 10_000
_CLICK = "robustness"


def draw_clip_choice() -> str | None:
    """The clip, once it was chosen and read."""
    query = pick_video(
        "Clip to edit",
        key="robustness_query",
        param=state.PARAM_QUERY,
        placeholder="A library video, or one of your clips",
    )
    clip = None if query is None else backend.session_clip(query)
    return query if clip is None or read_clip(clip) else None


def _kind_title(kind: str) -> str:
    return "Re-encode" if kind == "reencode" else kind_text(kind).capitalize()


def draw_run_form(query_id: str) -> RunChoice:
    choices_in_address("robustness_kinds", "kinds", KINDS, default=list(_FIRST_KINDS))
    number_in_address("robustness_steps", "steps", low=2, high=MOST_STEPS, default=4, whole=True)
    number_in_address("robustness_seed", "seed", low=0, high=_MOST_SEED, default=0, whole=True)
    choice_in_address("robustness_proof", "proof", {"no": False, "yes": True}, default=False)
    with st.container(border=True):
        kinds = st.pills(
            "Kinds of edits",
            list(KINDS),
            selection_mode="multi",
            format_func=_kind_title,
            key="robustness_kinds",
            persist_state="session",
            help="Each is applied with increasing strength. Mild, medium and hard in the"
            " development benchmark are the strengths 0.33, 0.67 and 1.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            start, seconds = _draw_stretch(query_id)
            steps = st.number_input(
                "Strengths",
                min_value=2,
                max_value=MOST_STEPS,
                key="robustness_steps",
                persist_state="session",
                width=140,
                help="Copies of each kind, evenly spaced between 0 and 1. Kinds without"
                " intermediate strengths, such as mirroring or a grid of videos, have three.",
            )
            seed = st.number_input(
                "Seed",
                min_value=0,
                max_value=_MOST_SEED,
                key="robustness_seed",
                persist_state="session",
                width=120,
                help="Selects sides, corners and directions, the same at every strength.",
            )
            proof = st.toggle(
                "Verify on the pixels",
                key="robustness_proof",
                persist_state="session",
                help="Lays each copy onto its source and compares what moves: proved, contradicted"
                " or undecidable, beside the match strength.",
            )
    return RunChoice(query_id, tuple(kinds), int(steps), start, seconds, int(seed), proof)


def _draw_stretch(query_id: str) -> tuple[float, float]:
    """Start and length, in seconds, of what is edited of the clip."""
    duration = backend.opened(query_id).info.duration
    longest = min(MOST_SECONDS, max(LEAST_SECONDS, duration))
    latest = max(0.0, duration - LEAST_SECONDS)
    start_key, seconds_key = (f"robustness_{name}-{query_id[:16]}" for name in ("start", "seconds"))
    usual = min(12.0, longest)
    number_in_address(start_key, "from", low=0.0, high=latest, default=0.0)
    number_in_address(seconds_key, "seconds", low=LEAST_SECONDS, high=longest, default=usual)
    start = st.number_input(
        "From second",
        min_value=0.0,
        max_value=latest,
        step=1.0,
        format="%.1f",
        key=start_key,
        width=140,
    )
    seconds = st.number_input(
        "Seconds",
        min_value=LEAST_SECONDS,
        max_value=longest,
        step=1.0,
        format="%.1f",
        key=seconds_key,
        width=140,
        help=f"At most {MOST_SECONDS:.0f} s of the clip are edited.",
    )
    return float(start), float(seconds)


# ---- preview of one edit ----


def draw_edit_preview(choice: RunChoice, *, folded: bool) -> None:
    """Frames of the clip and of an edited copy; `folded`: below results, for those who ask."""
    with st.expander("Preview an edit", icon=":material/image:", expanded=not folded):
        _preview(choice)


@fragment
def _preview(choice: RunChoice) -> None:
    kinds = {kind: kind for kind in choice.kinds}
    choice_in_address("robustness_shown", "edit", kinds, default=choice.kinds[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.selectbox(
            "Edit",
            list(choice.kinds),
            format_func=_kind_title,
            key="robustness_shown",
            width=220,
        )
        steps = strengths_of(kind, 3 if kind in STEPPED else 12)[1:]
        key = f"robustness_strength-{'stepped' if kind in STEPPED else 'graded'}"
        choice_in_address(key, "strength", {f"{s:.2f}": s for s in steps}, default=steps[-1])
        strength = st.select_slider(
            "Strength", list(steps), format_func=lambda s: f"{s:.2f}", key=key
        )
    task = tasks.edit_preview_task(choice, kind, strength)
    if not task.wait(0.1):
        _watch_preview(task)
    elif task.error is not None:
        show_error(task.error)
    else:
        _pictures(task.result)


@fragment(run_every=0.4)
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
        md(f"Above: the clip. Below: the copy, decoded from its file: {shown.note},")
        + f" {size(shown.bytes)}."
    )


# ---- the run ----


def draw_run(choice: RunChoice) -> RobustnessReport | None:
    copies = 1 + sum(len(strengths_of(kind, choice.steps)) - 1 for kind in choice.kinds)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            "Run",
            icon=":material/science:",
            type="primary",
            key="robustness_run_now",
            on_click=keep_click,
            args=(_CLICK,),
        )
        with kept_click(_CLICK) as clicked:
            if clicked:
                st.session_state[state.ROBUSTNESS_RUN] = choice
                tasks.robustness_task(choice, again=True)
        videos = len(backend.library_videos())
        searched = (
            f"each searched for among {plural(videos, 'video')}, exhaustively and hierarchically"
            if videos <= EXHAUSTIVE_VIDEOS
            else "each searched for hierarchically, as the library has more than"
            f" {EXHAUSTIVE_VIDEOS} videos"
        )
        verified = ", and verified on the pixels" if choice.proof else ""
        st.caption(
            f"{plural(copies, 'copy', 'copies')} of {choice.seconds:.0f} s, {searched}{verified}."
        )
    started = st.session_state.get(state.ROBUSTNESS_RUN)
    if started is None and tasks.known_robustness_task(choice) is not None:
        started = choice  # a run that goes on, or went on, without this page
    if started is None or started.query_id != choice.query_id:
        return None
    task = tasks.robustness_task(started)
    if not finished(task, title="Editing and searching", name=backend.name_of(started.query_id)):
        return None
    if started != choice:
        st.caption("These are the results of the last run; the choices above have changed since.")
    report: RobustnessReport = task.result
    now = backend.workbench().match_score()
    if report.match_score != now:
        st.caption(
            f"Measured with the match score {report.match_score:.3f}; the library's is now"
            f" {now:.3f}. Run it again to use that."
        )
    return report


def draw_robustness(report: RobustnessReport) -> None:
    st.subheader("Where matching fails", anchor=False)
    facts(
        {
            "Target": safe_name(report.target, longest=40),
            "Unedited": f"{report.trials[0].score:.3f}",
            "Match score": f"{report.match_score:.3f}",
            "Copies": f"{len(report.trials)}",
            "Not matched": f"{sum(not t.is_match for t in report.trials)}",
            "Not ranked first": f"{sum(t.candidate_rank != 1 for t in report.trials)}",
            **proof_facts(report),
        }
    )
    for kind in report.kinds:
        st.markdown(f"**{_kind_title(kind)}.** {md(kind_verdict(report, kind))}")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**Score against strength**")
        draw_chart(
            robustness.score_curves(_curves(report, "score"), match_score=report.match_score),
            key="robustness_scores",
        )
        st.caption("Video-to-video similarity from the copy to the target.")
    with right, st.container(border=True):
        ways = ["Hierarchical", "Exhaustive"] if report.exhaustive else ["Hierarchical"]
        names = {way.lower(): way for way in ways}
        choice_in_address("robustness_rank", "rank", names, default="Hierarchical")
        measure = st.segmented_control(
            "Rank in the search",
            ways,
            required=True,
            key="robustness_rank",
        )
        name = "rank" if measure == "Exhaustive" else "candidate_rank"
        draw_chart(robustness.rank_curves(_curves(report, name)), key=f"robustness_ranks_{name}")
        st.caption(
            "A gap: no frame was within the distance threshold, so the target was not a candidate."
        )
    if report.proof:
        draw_proof_curves(report)
    _left_out(report)
    _trials(report)


def _trials(report: RobustnessReport) -> None:
    table = pd.DataFrame(named_rows(report.trials))
    numbers = {
        name: st.column_config.NumberColumn(format="%.3f")
        for name in ("Score", "Reverse score", "Match strength", "Motion")
    }
    st.dataframe(
        table,
        hide_index=True,
        height=min(420, 38 + 35 * len(table)),
        column_config=numbers
        | {
            "Kind": st.column_config.TextColumn(pinned=True),
            "Strength": st.column_config.NumberColumn(format="%.2f"),
        },
        column_order=[name for name in table.columns if name not in _FOLDED],
    )
    with st.container(horizontal=True):
        download_button(
            "Download the report",
            lambda: to_html(report),
            file_name="robustness.html",
            icon=":material/description:",
            help="One HTML file with the curves, all copies and the settings of the run.",
        )
        download_button(
            "Download CSV", to_csv(trial_rows(report.trials)), file_name="robustness.csv"
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
    notes = []
    if report.relatives:
        notes.append(
            f"Ignored in ranks, because the unedited clip matches them: "
            f"{', '.join(report.relatives)}."
        )
    if report.hosts:
        notes.append(
            f"Other footage is from {', '.join(report.hosts)}; for copies that show it, these"
            " videos and their matches are ignored in ranks."
        )
    if notes:
        st.caption(md(" ".join(notes)))
