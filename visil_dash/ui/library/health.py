"""The library page's health panel: what there is, whether it is ready, and what can be mended."""

from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.clock import clock
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, percent, plural, safe_name, size
from visil_dash.ui.shell.widgets import facts, minute_of, name_line, verified_badge

if TYPE_CHECKING:  # importing them takes seconds (torch, the index)
    from visil_dash.records import Overview
    from visil_dash.workbench.upkeep import Extraction, Verification

PROBLEMS_SHOWN = 20
INDEX_WORDS = {
    "ready": ":green[:material/check_circle:] Index ready",
    "empty": ":gray[:material/circle:] Index empty",
    "rebuilding": ":orange[:material/sync:] Index being rebuilt, searches are exact meanwhile",
    "degraded": ":orange[:material/warning:] Index degraded, searches are exact and slower",
}


def health(overview: "Overview", *, extracting: Task | None) -> None:
    """What there is, and whether it is ready to be searched."""
    index = overview.index
    with st.container(border=True, key="health"):
        facts(
            {
                "Videos": f"{overview.videos:,}",
                "Footage": clock(overview.seconds),
                "Sampled frames": f"{overview.frames:,}",
                "On disk": size(overview.media_bytes),
                "Disk free": size(backend.workbench().library.free_bytes()),
            },
            big=True,
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            told = INDEX_WORDS.get(index.state, md(index.state))
            if index.frames:
                told += f" · {index.frames:,} frames, {index.dim} dimensions"
            if index.generation:
                told += f", generation {index.generation}"
            st.markdown(told, width="content")
            st.markdown(f":gray[Model {md(overview.model)}]", width="content")
            verified_badge(overview.verified)
        _verification()
    for notice in overview.notices:
        st.warning(md(notice), icon=":material/info:")
    if extracting is not None:
        _extracting(extracting)
    elif overview.missing_features:
        _other_model(overview)


# ---- features of another model ----


def extraction_task(*, begin: bool = False) -> Task | None:
    """The extraction for this library and model; `begin` starts it, also after one that ended."""
    bench = backend.workbench()
    key = ("extract", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Extraction":
        from visil_dash.workbench.upkeep import extract_missing

        return extract_missing(bench, watch=watch)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def running_extraction() -> Task | None:
    """Ask before the overview is made: that then knows what an extraction that ended has done."""
    task = extraction_task()
    return None if task is None or task.ended else task


def _other_model(overview: "Overview") -> None:
    """Videos that the present model never saw, and the one button that mends it."""
    task = extraction_task()
    with st.container(border=True, key="other-model"):
        st.markdown(_missing_told(overview))
        if task is not None and task.error is not None:
            show_error(task.error)
        elif task is not None and task.ended:
            for name, reason in list(task.result.failed.items())[:PROBLEMS_SHOWN]:
                name_line(name, reason)
        if not overview.read_only:
            st.button(
                f"Extract again with {md(overview.model)}",
                icon=":material/auto_awesome:",
                type="primary",
                key="extract_again",
                on_click=_begin_extraction,
            )
            st.caption(
                "Reads the stored files anew, one by one, in the background. What is done stays"
                " when you stop; features of other models are kept."
            )


def _missing_told(overview: "Overview") -> str:
    missing, model = overview.missing_features, md(overview.model)
    if missing == overview.videos:
        return (
            f"**The model {model} has not seen these videos yet.** Their features were made by"
            " another model, or by another edition of this one, so searches find nothing until"
            " they are extracted again."
        )
    return (
        f"**{plural(missing, 'video')} of {overview.videos:,} cannot be found yet:** the model"
        f" {model} has no features of {'it' if missing == 1 else 'them'}."
    )


def _begin_extraction() -> None:
    extraction_task(begin=True)


@st.fragment(run_every=0.5)
def _extracting(task: Task) -> None:
    if task.ended:
        st.rerun()
    with st.container(border=True, key="other-model"):
        st.markdown(f"**Extracting with {md(backend.workbench().model.name)}**")
        st.progress(task.share, text=f"{md(task.what)}, {percent(task.share)}")
        if task.stopping:
            st.caption("Stopping…")
        else:
            st.button("Stop", icon=":material/close:", key="stop_extracting", on_click=task.cancel)


# ---- verification ----


def verification_task(*, begin: bool = False) -> Task | None:
    bench = backend.workbench()
    key = ("verify", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Verification":
        from visil_dash.workbench.upkeep import verify_library

        watch.step("Reading everything stored against its hashes", 0.0)
        return verify_library(bench)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _verification() -> None:
    from visil_dash.workbench.upkeep import last_verification

    task = verification_task()
    if task is not None and not task.ended:
        _verifying(task)
        return
    last = task.result if task is not None and task.error is None else None
    last = last or last_verification(backend.workbench())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if last is None:
            st.caption("Never verified", width="content")
        elif last.problems:
            st.markdown(
                f":red[:material/error:] {plural(len(last.problems), 'problem')} found by the"
                f" verification of {minute_of(last.at)} UTC",
                width="content",
            )
        else:
            st.caption(f"Verified {minute_of(last.at)} UTC: everything in order", width="content")
        st.button(
            "Verify now",
            key="verify_now",
            type="tertiary",
            icon=":material/fact_check:",
            help="Reads every stored file and the index against their hashes, in the background",
            on_click=_begin_verification,
        )
    if task is not None and task.error is not None:
        show_error(task.error)
    if last is not None and last.problems:
        with st.expander("What is wrong"):
            for problem in last.problems[:PROBLEMS_SHOWN]:
                st.text(safe_name(problem, longest=400))


def _begin_verification() -> None:
    verification_task(begin=True)


@st.fragment(run_every=0.5)
def _verifying(task: Task) -> None:
    if task.ended:
        st.rerun()
    st.caption(f":material/sync: {task.what}…")
