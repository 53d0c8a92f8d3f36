"""Extracting features of the model in use where they are missing: its cost and its progress."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tasks import Task, at_work
from visil_dash.ui.shell.text import md, percent, plural, rough_duration, size
from visil_dash.ui.shell.widgets import name_line

if TYPE_CHECKING:  # importing them takes seconds (torch, the index)
    from visil_dash.laboratory.planner.extraction import ExtractionRates
    from visil_dash.records import VideoRecord
    from visil_dash.workbench.overview import Overview
    from visil_dash.workbench.upkeep import Extraction

_PROBLEMS_SHOWN = 20


def _extraction_task(model: str = "", *, begin: bool = False) -> Task | None:
    """The extraction for this library; `begin` starts it, also after one that ended.

    `model`: empty for the one in use.
    """
    bench = backend.workbench(model)
    key = ("extract", str(bench.library.folder), bench.extractor)

    def work(watch: Watch) -> "Extraction":
        from visil_dash.workbench.upkeep import extract_missing, look_for_borders

        if _without_features(model):
            return extract_missing(bench, watch=watch)
        return look_for_borders(bench, watch=watch)

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def running_extraction(model: str = "") -> Task | None:
    """Call it before anything is read that it changes, so that this includes what has just
    ended."""
    return at_work(_extraction_task(model))


def draw_extraction(overview: "Overview", extracting: Task | None) -> None:
    """The extraction that runs; else the offer to begin one where features are missing."""
    if extracting is not None:
        _extracting(extracting, overview.model)
    elif overview.missing_features:
        _missing_features(overview)
    elif not overview.read_only:
        _older_features(overview)


def _missing_features(overview: "Overview") -> None:
    with st.container(border=True, key="other-model"):
        st.markdown(_missing_text(overview))
        _draw_problems(_extraction_task())
        if not overview.read_only:
            _draw_begin(f"Extract again with {md(overview.model)}", _without_features())


def _older_features(overview: "Overview") -> None:
    """The offer to look for borders in videos that were read before they were cut."""
    older = _before_borders(*backend.task_scope(), backend.workbench().space.version)
    if not older:
        return
    with st.container(border=True, key="before-borders"):
        st.markdown(
            f"**{plural(len(older), 'video')} of {overview.videos:,} were read before borders were"
            " cut.** Bars, captions or a blurred fill around the picture make videos hard to find."
            " Searches go on meanwhile."
        )
        _draw_problems(_extraction_task())
        _draw_begin("Look for borders", older)


@st.cache_data(max_entries=8, show_spinner=False)
def _before_borders(folder: str, extractor: str, version: object) -> "tuple[VideoRecord, ...]":
    from visil_dash.workbench.upkeep import before_borders

    return before_borders(backend.workbench())


def draw_extraction_beside(model: str) -> bool:
    """The same for another model than the one in use: its running extraction, or the offer, if it
    lacks features. Returns whether it has features of any video."""
    extracting = running_extraction(model)
    unread = _without_features(model)
    if extracting is not None:
        _extracting(extracting, model)
    elif unread:
        _extraction_beside(model, unread)
    return len(unread) < len(backend.library_videos())


def _extraction_beside(model: str, unread: "Sequence[VideoRecord]") -> None:
    videos = len(backend.library_videos())
    with st.container(border=True, key="other-model"):
        missing = (
            "any video of this library"
            if len(unread) == videos
            else f"{len(unread):,} of {plural(videos, 'video')}"
        )
        st.markdown(f"**Model {md(model)} has no features for {missing} yet.**")
        _draw_problems(_extraction_task(model))
        if not backend.workbench(model).library.read_only:
            _draw_begin(f"Extract with {md(model)}", unread, model=model)


def _draw_problems(ended: Task | None) -> None:
    """What went wrong in an extraction that has ended."""
    if ended is not None and ended.error is not None:
        show_error(ended.error)
    elif ended is not None and ended.ended:
        for name, reason in list(ended.result.failed.items())[:_PROBLEMS_SHOWN]:
            name_line(name, reason)


def _draw_begin(label: str, videos: "Sequence[VideoRecord]", *, model: str = "") -> None:
    st.button(
        label,
        icon=":material/auto_awesome:",
        type="primary",
        key="extract_again",
        on_click=_begin_extraction,
        args=(model,),
    )
    loaded = backend.workbench(model).model
    draw_cost(loaded.name, loaded.regions * loaded.dim, videos)
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


def _without_features(model: str = "") -> "tuple[VideoRecord, ...]":
    from visil_dash.workbench.upkeep import without_features

    return without_features(backend.workbench(model))


# ---- what it costs ----


def draw_cost(
    model: str, values: int, videos: "Sequence[VideoRecord]", *, timed: bool = True
) -> None:
    """A line: disk and minutes of extracting these videos with a model of so many `values` a frame.

    `timed`: the model is timed on this machine, once; without it there are no minutes.
    """
    if not timed:
        st.caption(_cost_text(values, videos, None), width="content")
        return
    task = _rates_task(model)
    if task.ended:
        st.caption(_cost_text(values, videos, task.result))  # None where it could not be timed
    else:
        _timing(task, values, videos)


@fragment(run_every=0.5)
def _timing(task: Task, values: int, videos: "Sequence[VideoRecord]") -> None:
    if task.ended:
        st.rerun()
    st.caption(f"{_cost_text(values, videos, None)} Timing the model on this machine…")


def _cost_text(
    values: int, videos: "Sequence[VideoRecord]", rates: "ExtractionRates | None"
) -> str:
    from visil_dash.laboratory.planner.extraction import extraction_cost

    rate = backend.settings_in_use().rate
    cost = extraction_cost(videos, values=values, frames_per_second=rate, rates=rates)
    what = f"{plural(cost.videos, 'video')}, {plural(cost.frames, 'frame')}"
    disk = f"{size(cost.bytes)} of features"
    if math.isnan(cost.seconds):
        return f"{what}: {disk}."
    return f"{what}: about {rough_duration(cost.seconds)} on this machine, and {disk}."


def _rates_task(name: str) -> Task:
    """Timing a model by its name, once for all libraries; `result` is ExtractionRates."""
    from visil_dash.laboratory.planner.extraction import typical_file

    bench = backend.workbench()
    path = typical_file(bench.library)

    def work(watch: Watch) -> "ExtractionRates":
        from visil_dash.laboratory.planner.extraction import measure_extraction

        if name == bench.model.name:
            return measure_extraction(bench.model, settings=bench.settings, video=path, watch=watch)
        from visil_dash.laboratory.planner.untrained import untrained  # torchvision: 150 MB
        from visil_dash.models.load import load_model
        from visil_dash.models.published import MODEL_FILES

        # Without its weights, which may not be there yet, a network is as fast as with them.
        timed = (
            untrained(name, settings=bench.settings)
            if name in MODEL_FILES
            else load_model(name, settings=bench.settings)
        )
        return measure_extraction(timed, settings=bench.settings, video=path, watch=watch)

    return backend.tasks().start(("extraction-rates", name), work)


# ---- the extraction ----


def _begin_extraction(model: str) -> None:
    _extraction_task(model, begin=True)


@fragment(run_every=0.5)
def _extracting(task: Task, model: str) -> None:
    if task.ended:
        st.rerun()
    with st.container(border=True, key="other-model"):
        st.markdown(f"**Extracting with {md(model)}**")
        st.progress(task.share, text=f"{md(task.what)}, {percent(task.share)}")
        if task.stopping:
            st.caption("Stopping…")
        else:
            st.button("Stop", icon=":material/close:", key="stop_extracting", on_click=task.cancel)
