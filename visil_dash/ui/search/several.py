"""Several clips at once: a row each with its progress and what came of it; one is looked at."""

from collections.abc import Callable, Mapping

import streamlit as st

from visil_dash.exports.search import matches_csv
from visil_dash.matching.verdict import answer, verdict_of
from visil_dash.records import SearchResult
from visil_dash.ui.search.options import Options, asked, own
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import percent, plural, safe_name
from visil_dash.ui.shell.uploads import SessionClip
from visil_dash.ui.shell.verdicts import without_rejected
from visil_dash.ui.shell.widgets import name_line

ROWS_SHOWN = 5  # more than these scroll
_ROW_PIXELS = 74


def several(query_id: str | None, options: Options) -> None:
    """Searches for every clip of the session; nothing to see while there are fewer than two."""
    clips = backend.session_clips()
    if len(clips) < 2:
        return
    # What is looked at goes first.
    order = sorted(clips, key=lambda clip: clip.query_id != query_id)
    tasks = {clip.query_id: asked(clip.query_id, options) for clip in order}
    if all(task.ended for task in tasks.values()):
        _panel(clips, tasks, query_id, options)
    else:
        _watch(clips, tasks, query_id, options)


@st.fragment(run_every=1.0)
def _watch(
    clips: tuple[SessionClip, ...],
    tasks: Mapping[str, Task],
    query_id: str | None,
    options: Options,
) -> None:
    if all(task.ended for task in tasks.values()):
        st.rerun()
    _panel(clips, tasks, query_id, options)


def _panel(
    clips: tuple[SessionClip, ...],
    tasks: Mapping[str, Task],
    query_id: str | None,
    options: Options,
) -> None:
    going = [task for task in tasks.values() if not task.ended]
    results = [own(task.result) for task in tasks.values() if task.ended and task.error is None]
    with st.container(border=True, key="several"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plural(len(clips), 'clip')}**", width="content")
            st.caption(_told(len(going), len(results), len(clips)), width="stretch")
            if going:
                st.button(
                    "Cancel all",
                    icon=":material/close:",
                    key="cancel_several",
                    type="tertiary",
                    on_click=_cancel,
                    args=(clips, going),
                )
            elif results:
                _download(results)
        many = len(clips) > ROWS_SHOWN
        with st.container(height=ROWS_SHOWN * _ROW_PIXELS if many else "content", border=False):
            for clip in clips:
                _row(clip, tasks[clip.query_id], clip.query_id == query_id, options)


def _told(going: int, found: int, clips: int) -> str:
    failed = clips - going - found
    parts = [f"{found} searched for"]
    parts += [f"{going} to go"] if going else []
    parts += [f"{failed} without a result"] if failed else []
    return " · ".join(parts)


def _download(results: list[SearchResult]) -> None:
    st.download_button(
        "CSV of all",
        lambda: matches_csv(*map(backend.judged, results)),
        file_name="matches.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key="several_csv",
    )


def _row(clip: SessionClip, task: Task, shown: bool, options: Options) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"clip-{state.short(clip.query_id)}"
    ):
        with st.container():
            name_line(clip.name, _outcome(clip, task), one_line=True)
            if not task.ended:
                st.progress(task.share)
        if task.ended and task.error is not None:
            _button("Try again", clip, _again, (clip, options))
        elif shown:
            st.badge("shown below", icon=":material/arrow_downward:", color="blue")
        if not shown:
            _button("Show", clip, _show, (clip.query_id,))


def _button(
    label: str, clip: SessionClip, act: Callable[..., None], about: tuple[object, ...]
) -> None:
    key = f"{label.lower().replace(' ', '_')}-{state.short(clip.query_id)}"
    st.button(label, key=key, type="tertiary", on_click=act, args=about)


def _outcome(clip: SessionClip, task: Task) -> str:
    """What is being done with the clip, what went wrong, or the answer and its best video."""
    if task.stopping:
        return "Stopping…"
    if not task.ended:
        return f"{task.what}, {percent(task.share)}"
    if task.error is not None:
        # The sentence begins with the name, or with the one it has on disk: told above.
        return str(task.error).removeprefix(f"{clip.name}: ").removeprefix("original: ")
    matches = backend.judged(without_rejected(task.result)).matches
    line = answer(matches)
    if matches:
        best = matches[0]
        label = verdict_of(best).label
        line += f" · best {safe_name(best.name)}, {best.score:.3f}, {label}"
    return line


def _show(query_id: str) -> None:
    st.session_state[state.SEARCH_QUERY] = query_id


def _cancel(clips: tuple[SessionClip, ...], going: list[Task]) -> None:
    # Reading for the page and reading for the search are two tasks, one of which does the work.
    for task in [*going, *(backend.open_clip(clip) for clip in clips)]:
        task.cancel()


def _again(clip: SessionClip, options: Options) -> None:
    backend.open_clip(clip, again=True)
    asked(clip.query_id, options, again=True)
