"""The FIVR page: choose by annotation or bring ids, fetch, add to the library."""

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
from visil_dash.ui.shell.text import md, plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts

BY_ANNOTATION, BY_IDS = "From the annotations", "From a list of ids"
_MOST_BYTES = 50_000_000  # of an uploaded text; the real annotation file has 1.5 MB


def choose() -> tuple[Wanted, ...]:
    """The videos that are wanted; empty while nothing was given. Raises InputError."""
    way = st.segmented_control(
        "Which videos",
        [BY_ANNOTATION, BY_IDS],
        default=BY_ANNOTATION,
        required=True,
        key=state.FIVR_CHOICE,
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
        help="The authors publish it with the data set: queries, each with its near duplicates"
        " (ND), duplicate scenes (DS), complementary scenes (CS) and incident scenes (IS).",
    )
    events = right.number_input("Events", min_value=1, max_value=100, value=5, key="fivr_events")
    if given is None:
        return ()
    return select_videos(_text(given.getvalue(), given.name), name=given.name, events=int(events))


def _by_ids() -> tuple[Wanted, ...]:
    text = st.text_area(
        "Ids, one a line",
        key="fivr_ids",
        placeholder="wrC_Uqk3juY\nk_NT43aJ_Jw",
        help="Or the lines of a CSV made here: video, event, relation.",
    )
    return read_wanted(text, name="ids") if text and text.strip() else ()


def _text(raw: bytes, name: str) -> str:
    if len(raw) > _MOST_BYTES:
        raise InputError(name, f"it is larger than {size(_MOST_BYTES)}")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(name, "it is no text in UTF-8") from error


def nothing_chosen() -> None:
    empty_state(
        "No videos chosen",
        "Give the annotation file or a list of ids. Files that you have already are an equal way"
        " in: name them by their ids, and add them on the Library page.",
        _library_button,
    )


def _library_button() -> None:
    if st.button("Add local files", icon=":material/folder_open:", key="fivr_local"):
        state.goto_library()


def layout(wanted: tuple[Wanted, ...]) -> None:
    """Events down, relations across, as far as these are known; the list to keep."""
    events = sorted({w.event for w in wanted if w.event})
    facts({"Videos": f"{len(wanted):,}", "Events": f"{len(events):,}"})
    if events:
        place = {(w.event, w.relation): w.video for w in wanted}
        rows = [{r: place.get((event, r), "") for r in LAYOUT} for event in events]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(420, 38 + 35 * len(rows)))
    st.download_button(
        "Download the list",
        lambda: wanted_csv(wanted),
        file_name="fivr.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def fetched(wanted: tuple[Wanted, ...]) -> tuple[Fetched, ...] | None:
    """Fetches on a click; what came and what did not, when it has ended."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rate = st.number_input(
            "At most, MB a second",
            min_value=0.1,
            max_value=1000.0,
            value=2.0,
            key="fivr_rate",
            width=180,
        )
        if st.button("Fetch", icon=":material/cloud_download:", type="primary", key="fivr_fetch"):
            st.session_state[state.FIVR_RUN] = wanted
            tasks.fetch_fivr(wanted, rate_bytes=int(rate * 1e6), again=True)
            st.rerun()
    st.caption(
        "From YouTube, by yt-dlp, one after the other with a pause between. This is the one place"
        " where the dashboard uses the network. The videos belong to their makers; the terms of the"
        " site apply. What was fetched is kept, and a stopped run goes on where it stood."
    )
    if st.session_state.get(state.FIVR_RUN) is None:
        return None
    task = tasks.fetch_fivr(wanted, rate_bytes=int(rate * 1e6))
    if not finished(task, title="Fetching", name=plural(len(wanted), "video")):
        return None
    found: tuple[Fetched, ...] = task.result
    return found


def outcome(found: tuple[Fetched, ...]) -> None:
    """Each video with its reason; those that are here can be added."""
    here = [f for f in found if f.here]
    facts(
        {
            "Here": f"{len(here)} of {len(found)}",
            "Missing": f"{len(found) - len(here)}",
            "Size": size(sum(f.bytes for f in here)),
        },
        big=True,
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Video": [f.video for f in found],
                "File": [f.file for f in found],
                "Why not": [f.reason for f in found],
            }
        ),
        hide_index=True,
        height=min(420, 38 + 35 * len(found)),
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
        st.caption(md(f"They lie in {tasks.fivr_folder()}."))
