"""The library page's health: one line that opens, and what needs attention."""

from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.clock import clock
from visil_dash.progress import Watch
from visil_dash.ui.library.extraction import draw_extraction
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tasks import Task, at_work
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.widgets import facts, minute_of, verified_badge

if TYPE_CHECKING:  # importing them takes seconds (torch, the index)
    from visil_dash.safekeeping.doctor import Examination
    from visil_dash.workbench.overview import Overview

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
    index, examining = overview.index, _running_examination()
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
            if index.engine != "hnswlib":  # its address is no page to be opened: no link
                index_line += f", `{index.engine}`" + ("" if index.behind else ", up to date")
            st.markdown(index_line, width="content")
            st.markdown(f":gray[Model {md(overview.model)}]", width="content")
            verified_badge(overview.verified)
        files = f" · Files: {md(overview.store)}" if overview.store else ""
        st.caption(f"Catalogue: {md(overview.catalogue)}{files}")
        _verification(examining)


def _state_line(overview: "Overview") -> str:
    last = _last_examination()
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


def draw_open_points(overview: "Overview", *, extracting: Task | None) -> None:
    """What the user should know or do; nothing where all is well."""
    for notice in overview.notices:
        st.warning(md(notice), icon=":material/info:")
    if overview.may_write:
        st.markdown("The process that wrote this library has ended.")
        if st.button("Make changes here", key="open_again", icon=":material/edit:"):
            backend.open_again()
            st.rerun()
    draw_extraction(overview, extracting)


# ---- verification ----


def _examination_task(*, begin: bool = False, repair: bool = False) -> Task | None:
    bench = backend.workbench()
    key = ("verify", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Examination":
        from visil_dash.safekeeping.doctor import examine, repair_library

        return repair_library(bench, watch=watch) if repair else examine(bench, watch=watch)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _running_examination() -> Task | None:
    """Call it before the last one is read, so that this includes what has just ended."""
    return at_work(_examination_task())


def _last_examination() -> "Examination | None":
    from visil_dash.safekeeping.doctor import last_examination

    task = _examination_task()
    done = task is not None and task.ended and task.error is None
    return (task.result if task is not None and done else None) or last_examination(
        backend.workbench()
    )


def _verification(examining: Task | None) -> None:
    if examining is not None:
        _verifying(examining)
        return
    task, last = _examination_task(), _last_examination()
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
            help="Checks packages, every stored file and the index, in the background",
            on_click=_begin_examination,
        )
    if task is not None and task.error is not None:
        show_error(task.error)
    if last is not None and last.problems:
        with st.expander("Problems"):
            for problem in last.problems[:_PROBLEMS_SHOWN]:
                st.text(safe_name(problem, longest=400))
    if last is not None and last.repairs:
        _repair(last.repairs)


def _repair(repairs: tuple[str, ...]) -> None:
    """What a repair would do, and the button that does it."""
    st.markdown("A repair would:")
    for text in repairs[:_PROBLEMS_SHOWN]:
        st.markdown(f"- {md(text)}")
    if len(repairs) > _PROBLEMS_SHOWN:
        st.caption(f"and {len(repairs) - _PROBLEMS_SHOWN:,} more")
    st.button(
        "Repair",
        key="repair_library",
        icon=":material/build:",
        help="Does what is listed. Damaged files are moved to quarantine, not deleted; labels, tags"
        " and names stay.",
        on_click=_begin_examination,
        kwargs={"repair": True},
        disabled=backend.workbench().library.read_only,
    )


def _begin_examination(*, repair: bool = False) -> None:
    _examination_task(begin=True, repair=repair)


@fragment(run_every=0.5)
def _verifying(task: Task) -> None:
    if task.ended:
        st.rerun()
    st.caption(f":material/sync: {task.what}…")
