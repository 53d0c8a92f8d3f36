"""The Scale planner page: estimated disk, memory and times for a collection on this machine."""

from dataclasses import replace

import streamlit as st

from visil_dash.framing.views import INSIDE
from visil_dash.laboratory.planner.costs import (
    BYTES_PER_VALUE,
    GB,
    Collection,
    CostEstimate,
    Rates,
    StorageEstimate,
    advice,
    estimate_costs,
    estimate_storage,
    view_cost,
)
from visil_dash.plots import planner
from visil_dash.ui.laboratory import tasks
from visil_dash.ui.library.health import library_overview
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.text import duration_text, plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart, facts

_MEDIA_MB_PER_MINUTE = 7.5  # 1 Mbit/s, a 480p web video; the default for an empty library
_MOST_DIMS = 65_536
_HOURS = [10 ** (i / 4) for i in range(25)]


def draw_collection_form() -> tuple[Collection, float]:
    """The planned collection and the length of a query in minutes; defaults are the library's."""
    bench = backend.workbench()
    overview = library_overview()
    mean = overview.seconds / 60 / overview.videos if overview.videos else 5.0
    rate = (
        overview.media_bytes / overview.seconds * 60 / 1e6
        if overview.seconds
        else _MEDIA_MB_PER_MINUTE
    )
    full = bench.model.regions * bench.model.dim
    now = bench.space.reduction.dim or full
    number_in_address("planner_dims", "dims", low=8, high=_MOST_DIMS, default=now, whole=True)
    precisions = {name: name for name in BYTES_PER_VALUE}
    choice_in_address(
        "planner_precision", "precision", precisions, default=next(iter(BYTES_PER_VALUE))
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            hours = _number("Hours of video", "hours", 1000.0, 1.0, 10_000_000.0, "%.0f")
            clip = _number("Mean length, minutes", "clip", round(mean, 2), 0.05, 1440.0, "%.2f")
            frames = _number(
                "Frames per second", "rate", bench.settings.rate, 0.1, 30.0, "%.2f",
                meaning="Sampled frames per second of video; the default is this library's.",
            )  # fmt: skip
            query = _number("Query, minutes", "query", 1.0, 0.05, 600.0, "%.2f")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            dims = st.number_input(
                "Index dimensions",
                min_value=8,
                max_value=_MOST_DIMS,
                key="planner_dims",
                width=150,
                help="Of a frame vector after reduction; this model's full frame vectors have"
                f" {full:,}.",
            )
            precision = st.selectbox(
                "Precision",
                list(BYTES_PER_VALUE),
                key="planner_precision",
                width=150,
                help="Of the vectors stored for exact re-scoring. The graph (hnswlib) also"
                " stores fp32 vectors.",
            )
            media = _number(
                "Video, MB per minute", "media", round(rate, 2), 0.0, 2000.0, "%.2f",
                meaning="Size of the files that the library stores. 0: they are stored elsewhere.",
            )  # fmt: skip
    asked = Collection(hours, clip, frames, int(dims), precision, full, media * 1e6 / 60)
    return asked, query


def _number(
    label: str, name: str, value: float, least: float, most: float, form: str, *, meaning: str = ""
) -> float:
    usual = min(most, max(least, float(value)))
    number_in_address(f"planner_{name}", name, low=least, high=most, default=usual)
    return float(
        st.number_input(
            label,
            min_value=least,
            max_value=most,
            format=form,
            key=f"planner_{name}",
            width=150,
            help=meaning or None,
        )
    )


def draw_rates() -> Rates | None:
    """The measured rates; None before the measurement was started, and while it runs."""
    asked = tasks.known_rates_task() is not None
    label = "Measure again" if asked else "Measure this machine"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if st.button(label, icon=":material/speed:", type="secondary" if asked else "primary"):
            tasks.rates_task(again=True)
            st.rerun()
        st.caption(
            "Takes a few seconds: extracts frames with the model in use, decodes a library video,"
            " builds and searches an index of synthetic vectors, and compares one pair."
        )
    if not asked:
        return None
    task = tasks.rates_task()
    if not finished(task, title="Measuring", name="this machine"):
        return None
    rates: Rates = task.result
    return rates


def draw_storage(asked: Collection) -> None:
    """The figures that need no measurement."""
    storage = estimate_storage(asked)
    facts(
        {
            "Videos": f"{storage.videos:,}",
            "Frames": f"{storage.frames:,}",
            "Disk": size(storage.disk_bytes),
            "Memory of the index": size(storage.index_memory_bytes),
            "Times": "not measured yet",
        },
        big=True,
    )
    _disk_parts(storage)


def _disk_parts(storage: StorageEstimate) -> None:
    st.caption(
        f"Disk: {size(storage.media_bytes)} videos, {size(storage.feature_bytes)} features (fp16),"
        f" {size(storage.index_disk_bytes)} index."
    )


def draw_estimate(asked: Collection, query_minutes: float, measured: Rates) -> None:
    costs = estimate_costs(asked, measured, query_minutes=query_minutes)
    facts(
        {
            "Videos": f"{costs.videos:,}",
            "Frames": f"{costs.frames:,}",
            "Disk": size(costs.disk_bytes),
            "Memory of the index": size(costs.index_memory_bytes),
            "Extraction": duration_text(costs.extraction_hours * 3600),
            "Index build": duration_text(costs.index_build_hours * 3600),
            "Candidates per query": duration_text(costs.candidate_seconds_per_query),
            "Exhaustive query": duration_text(costs.exhaustive_seconds_per_query),
        },
        big=True,
    )
    _disk_parts(costs)
    limits = advice(costs, measured)
    if not limits:
        st.success("This machine is sufficient.", icon=":material/check_circle:")
    for line in limits:
        st.warning(f"{line.what} {line.to}", icon=":material/hub:")
    _views(asked, query_minutes, measured)
    _curves(asked, query_minutes, measured)
    _measured(measured)


def _views(asked: Collection, query_minutes: float, measured: Rates) -> None:
    """What searching with more than the whole picture of a query costs."""
    kinds = {
        "Whole picture": (1, "always"),
        "And as part of another shape": (2, "where the library has videos of that shape"),
        "And its parts, turned, and an inset": (2 + len(INSIDE), "where nothing matches before"),
    }
    costs = [
        view_cost(asked, measured, views, query_minutes=query_minutes)
        for views, _ in kinds.values()
    ]
    with st.container(border=True):
        st.markdown("**Views of a query's picture**")
        st.dataframe(
            {
                "Searched for": list(kinds),
                "When": [when for _, when in kinds.values()],
                "Views": [cost.views for cost in costs],
                "Reading the query": [duration_text(cost.reading_seconds) for cost in costs],
                "Candidates": [duration_text(cost.candidate_seconds) for cost in costs],
                "Added to the index": ["nothing"] * len(costs),
            },
            hide_index=True,
            key="planner_views",
        )
        st.caption(
            "Re-ranking grows with the candidates that the views add. Both are switched off in the"
            " options of Search, and by --same-shape and --inside never."
        )


def _curves(asked: Collection, query_minutes: float, measured: Rates) -> None:
    plans: list[CostEstimate] = [
        estimate_costs(replace(asked, hours=h), measured, query_minutes=query_minutes)
        for h in _HOURS
    ]
    left, right = st.columns(2, gap="medium")
    costs = estimate_costs(asked, measured, query_minutes=query_minutes)
    for place, what, needed, mine, room in (
        (
            left,
            "memory",
            [p.index_memory_bytes for p in plans],
            costs.index_memory_bytes,
            measured.memory_bytes,
        ),
        (
            right,
            "disk",
            [p.disk_bytes for p in plans],
            costs.disk_bytes,
            measured.disk_free_bytes,
        ),
    ):
        with place, st.container(border=True):
            st.markdown(f"**{what.capitalize()} over hours of video**")
            draw_chart(
                planner.growth(
                    _HOURS,
                    [b / GB for b in needed],
                    chosen_hours=asked.hours,
                    chosen_gb=mine / GB,
                    room_gb=room / GB,
                    what=what,
                ),
                key=f"planner_{what}",
            )


def _measured(measured: Rates) -> None:
    st.subheader("Measured rates", anchor=False)
    decoded = measured.decoded_seconds_per_second
    facts(
        {
            "Extraction": f"{measured.extracted_frames_per_second:,.1f} frames/s",
            "Decoding": "no video" if decoded is None else f"{decoded:,.0f} s of video/s",
            "Index build": f"{measured.indexed_frames_per_second:,.0f} frames/s",
            "Index search": f"{measured.graph_milliseconds_per_query_frame:.2f} ms per frame",
            "Comparison": f"{measured.compared_pairs_per_second:,.0f} frame pairs/s",
            "Cores": f"{measured.cores}",
            "Memory": size(measured.memory_bytes),
            "Free disk": size(measured.disk_free_bytes),
        }
    )
    st.caption(
        f"Index times are measured on {plural(measured.graph_frames, 'synthetic frame')} and"
        " scaled: the time of a graph search with log(frames), of building with frames ·"
        " log(frames). Other work on this machine makes the rates lower."
    )
