"""The library page's health panel: its contents, whether they can be searched, and repairs."""

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
    from visil_dash.workbench.overview import Overview
    from visil_dash.workbench.upkeep import Extraction, Verification

_PROBLEMS_SHOWN = 20
_STATE_LINES = {
    "ready": ":green[:material/check_circle:] {line} · ready to search",
    "rebuilding": ":orange[:material/sync:] {line} · the index is being rebuilt",
    "degraded": ":orange[:material/warning:] {line} · searches are exact but slower",
}
_INDEX_STATES = {
    "ready": ":green[:material/check_circle:] Index ready",
    "empty": ":gray[:material/circle:] Index empty",
    "rebuilding": ":orange[:material/sync:] Index is being rebuilt; until then searches are exact",
    "degraded": ":orange[:material/warning:] Index degraded: searches are exact but slower",
}


def library_overview() -> "Overview":
    from visil_dash.workbench.overview import overview

    return overview(backend.workbench())


def draw_health(overview: "Overview") -> None:
    """One line about the state of the library, which opens."""
    index = overview.index
    with st.expander(_state_line(overview), key="health"):
        facts(
            {
                "Videos": f"{overview.videos:,}",
                "Footage": clock(overview.seconds),
                "Sampled frames": f"{overview.frames:,}",
                "On disk": size(overview.media_bytes),
                "Free disk space": size(backend.workbench().library.free_bytes()),
            },
            big=True,
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            index_line = _INDEX_STATES.get(index.state, md(index.state))
            if index.frames:
                index_line += f" · {index.frames:,} frames, {index.dim} dimensions"
            if index.generation:
                index_line += f", generation {index.generation}"
            st.markdown(index_line, width="content")
            st.markdown(f":gray[Model {md(overview.model)}]", width="content")
            verified_badge(overview.verified)
        _verification()


def _state_line(overview: "Overview") -> str:
    last = _last_verification()
    line = f"{plural(overview.videos, 'video')} · {clock(overview.seconds)} of footage"
    if last is not None and last.problems:
        problems = plural(len(last.problems), "problem")
        return f":red[:material/error:] {line} · {problems} found by the verification"
    if overview.missing_features:
        missing = f"{overview.missing_features:,} not searchable yet"
        return f":orange[:material/warning:] {line} · {missing}"
    return _STATE_LINES.get(overview.index.state, ":gray[:material/circle:] {line}").format(
        line=line
    )


def draw_attention(overview: "Overview", *, extracting: Task | None) -> None:
    """What the user should know or do; nothing where all is well."""
    for notice in overview.notices:
        st.warning(md(notice), icon=":material/info:")
    if extracting is not None:
        _extracting(extracting)
    elif overview.missing_features:
        _missing_features(overview)


# ---- features of another model ----


def _extraction_task(*, begin: bool = False) -> Task | None:
    """The extraction for this library and model; `begin` starts it, also after one that ended."""
    bench = backend.workbench()
    key = ("extract", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Extraction":
        from visil_dash.workbench.upkeep import extract_missing

        return extract_missing(bench, watch=watch)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def running_extraction() -> Task | None:
    """Call it before the overview is made, so that the overview includes what has just ended."""
    task = _extraction_task()
    return None if task is None or task.ended else task


def _missing_features(overview: "Overview") -> None:
    task = _extraction_task()
    with st.container(border=True, key="other-model"):
        st.markdown(_missing_text(overview))
        if task is not None and task.error is not None:
            show_error(task.error)
        elif task is not None and task.ended:
            for name, reason in list(task.result.failed.items())[:_PROBLEMS_SHOWN]:
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
                "Reads the stored files again in the background, one by one. What is done is kept"
                " when you stop; features of other models are kept as well."
            )


def _missing_text(overview: "Overview") -> str:
    missing, model = overview.missing_features, md(overview.model)
    if missing == overview.videos:
        return (
            f"**Model {model} has no features for these videos yet.** Their features come from"
            " another model, or another version of this one. Searches find nothing until features"
            " are extracted again."
        )
    return (
        f"**{plural(missing, 'video')} of {overview.videos:,} cannot be searched yet:** model"
        f" {model} has no features for {'it' if missing == 1 else 'them'}."
    )


def _begin_extraction() -> None:
    _extraction_task(begin=True)


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


def _verification_task(*, begin: bool = False) -> Task | None:
    bench = backend.workbench()
    key = ("verify", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Verification":
        from visil_dash.workbench.upkeep import verify_library

        watch.step("Checking stored files against their hashes", 0.0)
        return verify_library(bench)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _last_verification() -> "Verification | None":
    from visil_dash.workbench.upkeep import last_verification

    task = _verification_task()
    done = task is not None and task.ended and task.error is None
    return (task.result if task is not None and done else None) or last_verification(
        backend.workbench()
    )


def _verification() -> None:
    task, last = _verification_task(), _last_verification()
    if task is not None and not task.ended:
        _verifying(task)
        return
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
            st.caption(f"Verified {minute_of(last.at)} UTC: no problems", width="content")
        st.button(
            "Verify now",
            key="verify_now",
            type="tertiary",
            icon=":material/fact_check:",
            help="Checks every stored file and the index against their hashes, in the background",
            on_click=_begin_verification,
        )
    if task is not None and task.error is not None:
        show_error(task.error)
    if last is not None and last.problems:
        with st.expander("Problems"):
            for problem in last.problems[:_PROBLEMS_SHOWN]:
                st.text(safe_name(problem, longest=400))


def _begin_verification() -> None:
    _verification_task(begin=True)


@st.fragment(run_every=0.5)
def _verifying(task: Task) -> None:
    if task.ended:
        st.rerun()
    st.caption(f":material/sync: {task.what}…")
