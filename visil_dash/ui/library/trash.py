"""Removing videos into the library's trash, taking that back, and emptying the trash."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.media.allowed import allowed_folders
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.runs import uninterrupted
from visil_dash.ui.shell.text import md, plural, safe_name, size
from visil_dash.ui.shell.widgets import minute_of, name_line

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.workbench.trash import Trashed

_NAMES_SHOWN = 3


@uninterrupted()
def remove_videos(video_ids: Sequence[str], *, outside: bool = False) -> None:
    """Moves videos to the trash of the library in use; `outside`: their files elsewhere, too.

    Raises NotFound, StoreReadOnly and StoreError.
    """
    from visil_dash.workbench.trash import move_to_trash

    bench = backend.workbench()
    folders = allowed_folders(bench.settings) if outside else ()
    trashed = move_to_trash(bench, backend.open_benches, video_ids, outside=folders)
    st.session_state[state.REMOVED] = str(bench.library.folder), trashed.batch


def files_elsewhere(video_ids: Sequence[str]) -> int:
    """How many files outside the library the videos were added from, if any may be moved."""
    if not allowed_folders(backend.settings_in_use()):
        return 0
    videos = backend.library_videos()
    return sum(len(videos[v].places) for v in video_ids if v in videos)


def draw_undo() -> None:
    """A line about this session's last removal, which takes it back."""
    folder, batch = st.session_state.get(state.REMOVED) or ("", "")
    if folder != str(backend.workbench().library.folder):
        return
    trashed = next((t for t in _trash() if t.batch == batch), None)
    if trashed is None:
        return
    with st.container(border=True, key="removed"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/delete: {md(_what(trashed))} moved to the trash" + _elsewhere(trashed),
            )
            st.button("Undo", icon=":material/undo:", on_click=_restore, args=(batch,))
            st.button("Dismiss", type="tertiary", on_click=_dismiss)
        for source, reason in trashed.left:
            st.caption(md(f"{source} stays: {reason}"))


def draw_trash() -> None:
    """What lies in the trash, to be restored or deleted for good; nothing where it is empty."""
    trash = _trash()
    if not trash or backend.workbench().library.read_only:
        return
    total = size(sum(t.bytes for t in trash))
    videos = plural(sum(len(t.names) for t in trash), "video")
    with st.expander(f":material/delete: Trash: {videos}, {total}", key="trash"):
        for trashed in trash:
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container():
                    meta = f"{minute_of(trashed.at)} UTC · {size(trashed.bytes)}"
                    name_line(_what(trashed), meta + _elsewhere(trashed), one_line=True)
                st.button(
                    "Restore",
                    key=f"restore-{trashed.batch}",
                    icon=":material/undo:",
                    on_click=_restore,
                    args=(trashed.batch,),
                )
        with st.popover("Empty the trash…", icon=":material/delete_forever:", type="tertiary"):
            st.markdown(f"Delete {videos} for good? This frees {total} and cannot be undone.")
            st.button(
                "Delete for good",
                type="primary",
                key="empty_trash",
                on_click=_empty,
                args=([trashed.batch for trashed in trash],),
            )


def _trash() -> "tuple[Trashed, ...]":
    from visil_dash.workbench.trash import trash_of

    return trash_of(backend.workbench())


def _what(trashed: "Trashed") -> str:
    names = [safe_name(name, longest=60) for name in trashed.names]
    if not names:
        return "files that could not be put back"
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _elsewhere(trashed: "Trashed") -> str:
    moved = len(trashed.moved)
    return f", with {plural(moved, 'file')} from outside the library" if moved else ""


def _restore(batch: str) -> None:
    from visil_dash.workbench.trash import restore

    bench = backend.workbench()
    with keep_errors():
        restored = restore(
            bench, backend.open_benches, batch, outside=allowed_folders(bench.settings)
        )
        st.toast(f"Restored {md(_what(restored))}", icon=":material/undo:")
        for source, reason in restored.left:
            st.toast(md(f"{source} stays in the trash: {reason}"), icon=":material/warning:")


def _empty(batches: Sequence[str]) -> None:
    from visil_dash.workbench.trash import empty_trash

    with keep_errors():
        empty_trash(backend.workbench(), batches)


def _dismiss() -> None:
    st.session_state.pop(state.REMOVED, None)
