"""The two frames that show what a pair shares, side by side; decoded in the background."""

from dataclasses import dataclass

import streamlit as st

from visil_dash.clock import clock
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.runs import arrived
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import escaped, safe_name
from visil_dash.ui.shell.widgets import thumbnail

_SIDE = 480  # pixels of the longer side; twice what a card shows, for dense screens


@dataclass(frozen=True)
class PairMoment:
    """A time of each video, seconds. `times` None: nothing shows which frames correspond."""

    query_id: str
    reference_id: str
    times: tuple[float, float] | None


def _task(moment: PairMoment) -> Task:
    """Both frames as JPEG."""
    assert moment.times is not None
    bench, (there, here) = backend.workbench(), moment.times
    query, reference = moment.query_id, moment.reference_id
    backend.name_of(query), backend.name_of(reference)

    def work(watch: Watch) -> tuple[bytes, bytes]:
        from visil_dash.workbench.pictures import jpegs

        watch.step("Reading the matched frames", 0.0)
        (ours,) = jpegs(bench, query, [there], long_side=_SIDE)
        watch.check()
        (theirs,) = jpegs(bench, reference, [here], long_side=_SIDE)
        return ours, theirs

    key = ("moment", *backend.task_scope(), query, reference, there, here)
    return backend.tasks().start(key, work)


def draw_moment(moment: PairMoment, *, key: str) -> None:
    """The query's frame on the left, the reference's on the right; posters stand for frames that
    are unknown or cannot be read."""
    sides = (moment.query_id, "Query clip"), (moment.reference_id, "Reference video")
    task = None if moment.times is None else _task(moment)
    coming = task is not None and not arrived(task)
    frames = None if task is None or coming else task.result
    with st.container(horizontal=True, gap="small", key=f"frames-{key}"):
        for at, (video, title) in enumerate(sides):
            with st.container(gap=None):
                if coming:
                    st.html('<div class="vd-blank"></div>')
                elif frames is None:
                    thumbnail(video, key=f"{key}-{at}")
                else:
                    name = safe_name(backend.name_of(video))
                    time = moment.times[at] if moment.times else 0.0
                    st.image(frames[at], width="stretch", alt=f"{name} at {clock(time)}")
                place = "" if moment.times is None else f" at {clock(moment.times[at], digits=1)}"
                st.html(f'<div class="vd-meta">{escaped(title + place)}</div>')
