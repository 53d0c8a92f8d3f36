"""A plan for all groups: what is kept and what goes, shown first, then carried out and undone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from visil_dash.clock import clock
from visil_dash.collection.groups import Group
from visil_dash.collection.keeping import bit_rate
from visil_dash.library.paths import path_of
from visil_dash.media.allowed import allowed_folders
from visil_dash.records import VideoRecord
from visil_dash.ui.library.trash import files_elsewhere
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.guard import person
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.widgets import download_button, minute_of

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.tidying.plan import Step

_MOST_HEIGHT = 420  # pixels
_FOLDERS_OFFERED = 100
_LOG_SHOWN = 10
_RULES, _PREFERRED, _KEPT, _OUTSIDE = "plan_rules", "plan_folders", "plan_kept", "plan_outside"


def draw_plan(groups: Sequence[Group]) -> None:
    """Folded: the rules, the plan that follows from them, and the button that carries it out."""
    from visil_dash.tidying.carry_out import log_of

    bench = backend.workbench()
    if bench.library.read_only or not (groups or log_of(bench)):
        return
    with st.expander("Keep one of every group…", icon=":material/rule:", key="tidy-plan"):
        st.caption(
            "Nothing happens before the button below is pressed. What goes is moved to the trash"
            " of the library and can be put back until that is emptied."
        )
        videos = backend.library_videos()
        steps = _planned(groups, videos) if groups else ()
        if steps:
            _table(steps, videos)
            _carry_out(_with_kept(steps, videos), videos)
        _log()


def _planned(groups: Sequence[Group], videos: Mapping[str, VideoRecord]) -> "tuple[Step, ...]":
    from visil_dash.tidying.plan import make_plan
    from visil_dash.tidying.rules import DEFAULT, RULES

    rules = st.multiselect(
        "What decides, in this order: a video wins that…",
        [rule for rule in RULES if rule != "folder"],
        default=list(DEFAULT),
        format_func=lambda rule: RULES[rule],
        key=_RULES,
        persist_state="session",
    )
    folders = sorted({str(path_of(p).parent) for v in videos.values() for p in v.places})
    preferred: list[str] = []
    if len(folders) > 1:
        preferred = st.multiselect(
            "Before all of that: lies in one of these folders, the first named first",
            folders[:_FOLDERS_OFFERED],
            key=_PREFERRED,
            placeholder="No folder is preferred",
        )
    if not rules and not preferred:
        st.info("Choose what decides.", icon=":material/rule:")
        return ()
    ordered = [*(["folder"] if preferred else []), *rules]
    return make_plan(groups, videos, ordered, prefer=[Path(folder) for folder in preferred])


def _table(steps: "Sequence[Step]", videos: Mapping[str, VideoRecord]) -> None:
    rows: list[dict[str, Any]] = []
    for step in steps:
        video = videos[step.video_id]
        rows.append(
            {
                "Group": int(step.group),
                "Plan": step.action,
                "Video": safe_name(video.name),
                "Why": step.why,
                "Length": clock(video.info.duration),
                "Picture": f"{video.info.width}×{video.info.height}",
                "kbit/s": round(bit_rate(video) / 1000),
                "Size": size(video.bytes),
                "Added from": ", ".join(safe_name(p, longest=200) for p in video.places),
            }
        )
    height = min(_MOST_HEIGHT, table_height(len(rows)))
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=height, lazy=False)


def _with_kept(steps: "Sequence[Step]", videos: Mapping[str, VideoRecord]) -> "tuple[Step, ...]":
    """The plan with what the user keeps beside it."""
    from dataclasses import replace

    from visil_dash.tidying.plan import KEEP, TRASH

    going = [step.video_id for step in steps if step.action == TRASH]
    chosen = [v for v in st.session_state.get(_KEPT) or [] if v in going]
    if _KEPT in st.session_state:
        st.session_state[_KEPT] = chosen  # what no longer goes is no option any more
    kept = st.multiselect(
        "Keep these as well",
        going,
        format_func=lambda v: safe_name(videos[v].name, longest=80),
        key=_KEPT,
        placeholder="All others of the groups go",
    )
    return tuple(
        replace(s, action=KEEP, why="kept by hand") if s.video_id in kept else s for s in steps
    )


def _carry_out(steps: "Sequence[Step]", videos: Mapping[str, VideoRecord]) -> None:
    from visil_dash.tidying.plan import TRASH, plan_csv

    going = [step.video_id for step in steps if step.action == TRASH]
    total = size(sum(videos[v].bytes for v in going))
    elsewhere = files_elsewhere(going)
    if elsewhere:
        st.checkbox(
            f"Move {plural(elsewhere, 'file')} outside the library to the trash as well",
            key=_OUTSIDE,
            help="Only files within the allowed folders that are still the same as when they were"
            " added. Undo puts them back.",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Move {plural(len(going), 'video')} to the trash",
            key="carry_out_plan",
            icon=":material/delete:",
            type="primary",
            disabled=not going,
            on_click=_begin,
            args=(tuple(steps),),
        )
        download_button("The plan as CSV", plan_csv(steps, videos), file_name="plan.csv")
        st.caption(f"{total} of videos", width="content")


def _begin(steps: "Sequence[Step]") -> None:
    from visil_dash.tidying.carry_out import carry_out

    bench = backend.workbench()
    folders = allowed_folders(bench.settings) if st.session_state.get(_OUTSIDE) else ()
    with keep_errors():
        done = carry_out(bench, steps, by=person(), outside=folders, others=backend.open_benches)
        st.session_state[state.REMOVED] = str(bench.library.folder), done.batch


# ---- what was done ----


def _log() -> None:
    from visil_dash.tidying.carry_out import log_of
    from visil_dash.workbench.trash import trash_of

    bench = backend.workbench()
    entries = log_of(bench)[::-1]
    if not entries:
        return
    st.markdown("**What was done**")
    in_trash = {trashed.batch for trashed in trash_of(bench)}
    for number, entry in enumerate(entries[:_LOG_SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center"):
            by = f" by {entry['by']}" if entry["by"] else ""
            what = plural(len(entry["videos"]), "video")
            line = f"{minute_of(entry['at'])} UTC{by}: {entry['action']}, {what}"
            st.caption(md(safe_name(line, longest=200)), width="content")
            if entry["action"] != "undone" and entry["batch"] in in_trash:
                st.button(
                    "Undo",
                    key=f"undo_plan_{number}",
                    icon=":material/undo:",
                    type="tertiary",
                    on_click=_undo,
                    args=(entry["batch"],),
                )


def _undo(batch: str) -> None:
    from visil_dash.tidying.carry_out import put_back

    bench = backend.workbench()
    with keep_errors():
        restored = put_back(
            bench,
            batch,
            by=person(),
            outside=allowed_folders(bench.settings),
            others=backend.open_benches,
        )
        st.toast(f"{plural(len(restored.names), 'video')} put back", icon=":material/undo:")
        for source, reason in restored.left:
            st.toast(md(f"{source} stays in the trash: {reason}"), icon=":material/warning:")
