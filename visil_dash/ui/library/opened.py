"""The library page: one video opened, with its player, facts, names, tags and removal."""

from collections.abc import Iterable

import streamlit as st

from visil_dash.clock import clock
from visil_dash.errors import InputError
from visil_dash.records import VideoRecord
from visil_dash.ui.library.trash import files_elsewhere, remove_videos
from visil_dash.ui.shell import backend, dialogs, state
from visil_dash.ui.shell.errors import friendly, keep_errors, show_kept_errors
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import md, plural, size
from visil_dash.ui.shell.widgets import facts, minute_of, name_line

MOST_TAGS = 20  # of one video, and of those offered as filters


def open_button(video: VideoRecord) -> None:
    st.button(
        "Open",
        key=f"open-{video.video_id}",
        icon=":material/play_circle:",
        type="tertiary",
        help="Play, show details, rename, tag or remove this video",
        on_click=_show,
        args=(video.video_id,),
    )


def _show(video_id: str) -> None:
    _ask_removal("")
    dialogs.request(dialogs.LIBRARY, video_id)


def draw_opened(*, read_only: bool) -> None:
    """The dialog of the video that was opened, if one was."""
    opened = dialogs.requested(dialogs.LIBRARY)
    video = backend.library_videos().get(str(opened[0])) if opened else None
    if video is not None:
        _open(video, read_only=read_only)


@st.dialog("Video", width="medium", on_dismiss=dialogs.dismiss)
def _open(video: VideoRecord, *, read_only: bool) -> None:
    name_line(video.name)
    with friendly():
        play(video.video_id)
    info = video.info
    facts(
        {
            "Length": clock(info.duration),
            "Picture": f"{info.width}×{info.height}",
            "Format": f"{info.codec} in {info.container}",
            "Size": size(video.bytes),
            "Sampled frames": f"{video.frames:,}",
            "Added": minute_of(video.added),
            "Id": video.video_id[:12],
        }
    )
    if video.other_names:
        st.caption("Also added as " + ", ".join(md(name) for name in video.other_names))
    if video.places:
        st.caption("Added from " + ", ".join(md(place) for place in video.places))
    if info.reason:
        st.warning("Partly read: " + md(info.reason), icon=":material/content_cut:")
    if read_only:
        return
    _naming(video)
    if st.session_state.get(state.REMOVING) != video.video_id:
        st.button(
            "Remove from the library…",
            key=f"remove-{video.video_id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_ask_removal,
            args=(video.video_id,),
        )
        return
    elsewhere = files_elsewhere([video.video_id])
    with st.container(border=True):
        st.markdown(
            "**Remove this video?** It moves to the library's trash and can be restored until that"
            " is emptied. The original file that you added is not touched."
        )
        outside = bool(elsewhere) and st.checkbox(
            f"Move {plural(elsewhere, 'file')} outside the library to the trash as well",
            key="remove_outside",
            help="Only files that are still the same as when they were added. Undo puts them back.",
        )
        with st.container(horizontal=True):
            if st.button("Remove", type="primary", icon=":material/delete:", key="confirm_remove"):
                with keep_errors():
                    remove_videos([video.video_id], outside=outside)
                    _ask_removal("")
                    dialogs.dismiss()
                    st.rerun()
            st.button("Cancel", on_click=_ask_removal, args=("",))
        show_kept_errors("library/removal")


def _naming(video: VideoRecord) -> None:
    with st.form(f"naming-{video.video_id[:16]}", border=False):
        name = st.text_input("Name", video.name, max_chars=200)
        everywhere = sorted({tag for v in backend.library_videos().values() for tag in v.tags})
        tags = st.multiselect(
            "Tags",
            everywhere,
            default=list(video.tags),
            accept_new_options=True,
            max_selections=MOST_TAGS,
            placeholder="Choose or type a tag",
        )
        if st.form_submit_button("Save", icon=":material/save:"):
            with keep_errors():
                _rename(video, name, tags)
                dialogs.dismiss()
                st.rerun()
    show_kept_errors("library/naming")


def _rename(video: VideoRecord, name: str, tags: Iterable[str]) -> None:
    if not name.strip():
        raise InputError("the new name", "it is empty", "enter a name")
    library = backend.workbench().library
    wanted = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if name.strip() != video.name:
        library.rename(video.video_id, name)
    if wanted != video.tags:
        library.set_tags(video.video_id, wanted)


def _ask_removal(video_id: str) -> None:
    st.session_state[state.REMOVING] = video_id
