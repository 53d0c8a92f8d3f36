"""Waiting for a task: its progress, its error and a button that cancels it."""

import streamlit as st

from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import percent, safe_name
from visil_dash.ui.shell.uploads import SessionClip
from visil_dash.ui.shell.widgets import name_line

_QUICK = 0.4  # seconds that a page waits for a result before it shows progress instead

# Shown for as long as a task of the page runs.
MEANWHILE = "You can open other pages meanwhile; the work continues."


def finished(task: Task, *, title: str, name: str, key: str = "cancel_task") -> bool:
    """Whether the task has a result; draws its progress with a Cancel button, or its error.

    `key`: of the Cancel button, for pages that may draw two tasks.
    """
    if not task.wait(_QUICK):
        _watch(task, title, name, key)
        return False
    if task.error is None:
        return True
    show_error(task.error)
    return False


@fragment(run_every=0.5)
def _watch(task: Task, title: str, name: str, key: str) -> None:
    if task.ended:
        st.rerun()
    with st.container(border=True):
        name_line(title, safe_name(name))
        st.progress(task.share, text=f"{task.what}, {percent(task.share)}")
        if task.stopping:
            st.caption("Stopping…")
        elif st.button("Cancel", icon=":material/close:", key=key):
            task.cancel()
    st.caption(MEANWHILE)


def read_clip(clip: SessionClip) -> bool:
    """Whether the uploaded clip has been read; otherwise draws its progress or error."""
    task = backend.open_clip(clip)
    if finished(task, title="Reading the clip", name=clip.name):
        return True
    if task.ended and st.button("Try again", icon=":material/refresh:"):
        backend.open_clip(clip, again=True)
        st.rerun()
    return False
