"""Several query clips at once: one row per clip with its progress or outcome."""

from collections.abc import Callable, Mapping

import streamlit as st

from visil_dash.exports.search import matches_csv
from visil_dash.matching.headline import headline
from visil_dash.matching.verdict import verdict_of
from visil_dash.records import SearchResult
from visil_dash.ui.search.options import SearchOptions, judged_result, search_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import percent, plural, safe_name
from visil_dash.ui.shell.uploads import SessionClip
from visil_dash.ui.shell.verdicts import without_rejected
from visil_dash.ui.shell.widgets import download_button, name_line

_ROWS_SHOWN = 5  # more than these scroll
_ROW_PIXELS = 74


def draw_clip_list(query_id: str | None, options: SearchOptions) -> None:
    """Searches with every clip of the session; draws nothing for fewer than two."""
    clips = backend.session_clips()
    if len(clips) < 2:
        return
    # The clip that is shown goes first.
    order = sorted(clips, key=lambda clip: clip.query_id != query_id)
    tasks = {clip.query_id: search_task(clip.query_id, options) for clip in order}
    if all(task.ended for task in tasks.values()):
        _panel(clips, tasks, query_id, options)
    else:
        _watch(clips, tasks, query_id, options)


@st.fragment(run_every=1.0)
def _watch(
    clips: tuple[SessionClip, ...],
    tasks: Mapping[str, Task],
    query_id: str | None,
    options: SearchOptions,
) -> None:
    if all(task.ended for task in tasks.values()):
        st.rerun()
    _panel(clips, tasks, query_id, options)


def _panel(
    clips: tuple[SessionClip, ...],
    tasks: Mapping[str, Task],
    query_id: str | None,
    options: SearchOptions,
) -> None:
    going = [task for task in tasks.values() if not task.ended]
    results = [
        judged_result(task.result) for task in tasks.values() if task.ended and task.error is None
    ]
    with st.container(border=True, key="several"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plural(len(clips), 'clip')}**", width="content")
            st.caption(_counts(len(going), len(results), len(clips)), width="stretch")
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
        many = len(clips) > _ROWS_SHOWN
        with st.container(height=_ROWS_SHOWN * _ROW_PIXELS if many else "content", border=False):
            for clip in clips:
                _row(clip, tasks[clip.query_id], clip.query_id == query_id, options)


def _counts(going: int, done: int, clips: int) -> str:
    failed = clips - going - done
    parts = [f"{done} searched"]
    parts += [f"{going} to go"] if going else []
    parts += [f"{failed} failed"] if failed else []
    return " · ".join(parts)


def _download(results: list[SearchResult]) -> None:
    download_button(
        "CSV of all results",
        lambda: matches_csv(*map(backend.with_verdicts, results)),
        file_name="matches.csv",
        type="tertiary",
        key="several_csv",
    )


def _row(clip: SessionClip, task: Task, shown: bool, options: SearchOptions) -> None:
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
            _button("Show", clip, st.session_state.update, ({state.SEARCH_QUERY: clip.query_id},))


def _button(
    label: str, clip: SessionClip, on_click: Callable[..., None], args: tuple[object, ...]
) -> None:
    key = f"{label.lower().replace(' ', '_')}-{state.short(clip.query_id)}"
    st.button(label, key=key, type="tertiary", on_click=on_click, args=args)


def _outcome(clip: SessionClip, task: Task) -> str:
    """Progress of the clip, its error, or the answer with the best video."""
    if task.stopping:
        return "Stopping…"
    if not task.ended:
        return f"{task.what}, {percent(task.share)}"
    if task.error is not None:
        # The message begins with the clip's name, which the row shows, or its name on disk.
        return str(task.error).removeprefix(f"{clip.name}: ").removeprefix("original: ")
    result = backend.with_verdicts(without_rejected(task.result))
    matches, line = result.matches, headline(result)
    if matches:
        best = matches[0]
        label = verdict_of(best).label
        line += f" · best {safe_name(best.name)}, {best.score:.3f}, {label}"
    return line


def _cancel(clips: tuple[SessionClip, ...], going: list[Task]) -> None:
    # A clip is read by its own task and by its search, and either may be the one that runs.
    for task in [*going, *(backend.open_clip(clip) for clip in clips)]:
        task.cancel()


def _again(clip: SessionClip, options: SearchOptions) -> None:
    backend.open_clip(clip, again=True)
    search_task(clip.query_id, options, again=True)
