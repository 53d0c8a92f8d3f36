"""Sorting out one group: which video to keep, and tagging, listing or removing the others."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.clock import clock
from visil_dash.collection.groups import Group
from visil_dash.collection.keeping import best_to_keep, bit_rate
from visil_dash.collection.rows import group_rows
from visil_dash.records import VideoRecord
from visil_dash.safe_csv import to_csv
from visil_dash.ui.library.trash import files_elsewhere, remove_videos
from visil_dash.ui.shell import backend, dialogs
from visil_dash.ui.shell.errors import keep_errors, show_kept_errors
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.widgets import download_button


def media_line(video: VideoRecord) -> str:
    """Length, picture, bit rate and size: what makes one copy better than another."""
    info, rate = video.info, f"{bit_rate(video) / 1000:,.0f} kbit/s"
    return f"{clock(info.duration)} · {info.width}×{info.height} · {rate} · {size(video.bytes)}"


def tidy_button(number: int, group: Group) -> None:
    st.button(
        "Keep one…",
        key=f"tidy_group_{number}",
        icon=":material/rule:",
        type="primary",
        on_click=dialogs.request,
        args=(dialogs.COLLECTION, *(member.video_id for member in group.members)),
        help="Choose what to keep; tag, list or remove the other videos of this group",
    )


def draw_tidying(groups: Sequence[Group]) -> None:
    """The dialog of the group that was chosen, if one was and it is still whole."""
    asked = dialogs.requested(dialogs.COLLECTION)
    if asked is None:
        return
    for number, group in enumerate(groups, 1):
        if tuple(member.video_id for member in group.members) == asked:
            _tidy(number, group)
            return
    dialogs.dismiss()


@st.dialog("Keep one of a group", width="medium", on_dismiss=dialogs.dismiss)
def _tidy(number: int, group: Group) -> None:
    videos = backend.library_videos()
    members = [videos[m.video_id] for m in group.members if m.video_id in videos]
    best, reason = best_to_keep(members)
    st.markdown(
        f"Suggested to keep: **{md(safe_name(best.name))}**, {reason}. Tick the videos to tag, list"
        " or remove."
    )
    chosen = [video for video in members if _ticked(video, best)]
    st.caption(
        f"{plural(len(chosen), 'video')} of {len(members)} ticked,"
        f" {size(sum(video.bytes for video in chosen))}"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = st.text_input("Tag", key="tidy_tag", max_chars=60, placeholder="such as duplicate")
        read_only = backend.workbench().library.read_only
        if st.button("Tag", key="tidy_set_tag", disabled=read_only or not chosen or not tag):
            with keep_errors():
                _tag(chosen, tag)
                st.rerun()
        download_button(
            "List",
            lambda: to_csv(
                list(group_rows([group], videos, only={video.video_id for video in chosen}))
            ),
            file_name=f"group_{number}.csv",
            disabled=not chosen,
            help="The ticked videos with their facts and places, as CSV",
        )
    if not read_only:
        _removal(chosen)


def _ticked(video: VideoRecord, best: VideoRecord) -> bool:
    with st.container(key=f"tick-{video.video_id[:16]}", gap=None):
        ticked = st.checkbox(
            md(safe_name(video.name)),
            value=video is not best,
            key=f"tidy_{video.video_id}",
        )
        tags = f" · {', '.join(video.tags)}" if video.tags else ""
        note = "keep · " if video is best else ""
        st.caption(md(f"{note}{media_line(video)}{tags}"))
    return bool(ticked)


def _tag(videos: Sequence[VideoRecord], tag: str) -> None:
    from visil_dash.workbench.collection import add_tag

    changed = add_tag(backend.workbench(), [video.video_id for video in videos], tag)
    st.toast(f"{plural(changed, 'video')} tagged", icon=":material/sell:")


def _removal(chosen: Sequence[VideoRecord]) -> None:
    ids = [video.video_id for video in chosen]
    elsewhere = files_elsewhere(ids)
    with st.container(border=True, key="tidy-removal"):
        st.markdown(
            f"**Remove {plural(len(chosen), 'video')} from the library.** They move to its trash"
            " and can be restored until that is emptied. The files that they were added from are"
            " not touched."
        )
        outside = bool(elsewhere) and st.checkbox(
            f"Move {plural(elsewhere, 'file')} outside the library to the trash as well",
            key="tidy_outside",
            help="Only files that are still the same as when they were added. Undo puts them back.",
        )
        if st.button(
            f"Remove {plural(len(chosen), 'video')}",
            key="tidy_remove",
            icon=":material/delete:",
            disabled=not chosen,
        ):
            with keep_errors():
                remove_videos(ids, outside=outside)
                dialogs.dismiss()
                st.rerun()
        show_kept_errors("collection/tidy")
