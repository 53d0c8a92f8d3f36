"""The FIVR page: choose videos by annotation or id, download them, add them to the library."""

import pandas as pd
import streamlit as st

from visil_dash.errors import InputError
from visil_dash.laboratory.fivr.download import Fetched
from visil_dash.laboratory.fivr.selection import (
    LAYOUT,
    Wanted,
    read_wanted,
    select_videos,
    wanted_csv,
)
from visil_dash.ui.laboratory import tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.text import md, plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import download_button, empty_state, facts

BY_ANNOTATION, BY_IDS = "From the annotations", "From a list of ids"
_MOST_EVENTS, _MOST_RATE = 100, 1000.0
_MOST_BYTES = 50_000_000  # of an uploaded text; the real annotation file has 1.5 MB


def draw_choice() -> tuple[Wanted, ...]:
    """The chosen videos; empty until a file or ids are given. Raises InputError."""
    names = {"annotations": BY_ANNOTATION, "ids": BY_IDS}
    choice_in_address("fivr_choice", state.PARAM_OF, names, default=BY_ANNOTATION)
    way = st.segmented_control(
        "Which videos",
        [BY_ANNOTATION, BY_IDS],
        required=True,
        key="fivr_choice",
        persist_state="session",
    )
    with st.container(border=True):
        return _by_annotation() if way == BY_ANNOTATION else _by_ids()


def _by_annotation() -> tuple[Wanted, ...]:
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    given = left.file_uploader(
        "annotation.json of FIVR-200K",
        type="json",
        key="fivr_annotation",
        help="Published with the data set: queries, each with its near duplicates (ND), duplicate"
        " scenes (DS), complementary scenes (CS) and incident scenes (IS).",
    )
    number_in_address("fivr_events", "events", low=1, high=_MOST_EVENTS, default=5, whole=True)
    events = right.number_input("Events", min_value=1, max_value=_MOST_EVENTS, key="fivr_events")
    if given is None:
        return ()
    return select_videos(_text(given.getvalue(), given.name), name=given.name, events=int(events))


def _by_ids() -> tuple[Wanted, ...]:
    text = st.text_area(
        "Ids, one per line",
        key="fivr_ids",
        placeholder="wrC_Uqk3juY\nk_NT43aJ_Jw",
        help="Or the lines of a list downloaded here: video, event, relation.",
    )
    return read_wanted(text, name="ids") if text and text.strip() else ()


def _text(raw: bytes, name: str) -> str:
    if len(raw) > _MOST_BYTES:
        raise InputError(name, f"is larger than {size(_MOST_BYTES)}")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(name, "is not text in UTF-8") from error


def draw_nothing_chosen() -> None:
    empty_state(
        "No videos chosen",
        "Choose the annotation file or enter a list of ids. If you already have the files, name"
        " them by their ids and add them on the Library page.",
        _library_button,
    )


def _library_button() -> None:
    if st.button("Add local files", icon=":material/folder_open:", key="fivr_local"):
        state.goto_library()


def draw_selection(wanted: tuple[Wanted, ...]) -> None:
    events = sorted({w.event for w in wanted if w.event})
    facts({"Videos": f"{len(wanted):,}", "Events": f"{len(events):,}"})
    if events:
        place = {(w.event, w.relation): w.video for w in wanted}
        rows = [{r: place.get((event, r), "") for r in LAYOUT} for event in events]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(420, 38 + 35 * len(rows)))
    download_button("Download the list", wanted_csv(wanted), file_name="fivr.csv")


def draw_download(wanted: tuple[Wanted, ...]) -> tuple[Fetched, ...] | None:
    """Downloads on a click; the results once the download has ended."""
    number_in_address("fivr_rate", "rate", low=0.1, high=_MOST_RATE, default=2.0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rate = st.number_input(
            "Limit, MB per second",
            min_value=0.1,
            max_value=_MOST_RATE,
            key="fivr_rate",
            width=180,
        )
        if st.button(
            "Download", icon=":material/cloud_download:", type="primary", key="fivr_fetch"
        ):
            st.session_state[state.FIVR_RUN] = wanted
            tasks.download_task(wanted, rate_bytes=int(rate * 1e6), again=True)
            st.rerun()
    st.caption(
        "From YouTube with yt-dlp, one at a time with a pause after each. Only this page uses the"
        " network. The videos belong to their makers, and the terms of the site apply. Downloaded"
        " files are kept, and a stopped download can be resumed."
    )
    if st.session_state.get(state.FIVR_RUN) is None:
        return None
    task = tasks.download_task(wanted, rate_bytes=int(rate * 1e6))
    if not finished(task, title="Downloading", name=plural(len(wanted), "video")):
        return None
    results: tuple[Fetched, ...] = task.result
    return results


def draw_download_results(results: tuple[Fetched, ...]) -> None:
    here = [f for f in results if f.here]
    facts(
        {
            "Downloaded": f"{len(here)} of {len(results)}",
            "Missing": f"{len(results) - len(here)}",
            "Size": size(sum(f.bytes for f in here)),
        },
        big=True,
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Video": [f.video for f in results],
                "File": [f.file for f in results],
                "Reason": [f.reason for f in results],
            }
        ),
        hide_index=True,
        height=min(420, 38 + 35 * len(results)),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        bench = backend.workbench()
        if st.button(
            f"Add {plural(len(here), 'video')} to the library",
            icon=":material/add:",
            type="primary",
            disabled=not here or bench.library.read_only,
            key="fivr_add",
        ):
            bench.add_paths([tasks.fivr_folder() / f.file for f in here])
            state.goto_library()
        st.caption(md(f"The files are in {tasks.fivr_folder()}."))
