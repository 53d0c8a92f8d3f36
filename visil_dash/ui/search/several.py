"""Several query clips at once: a table of clip, answer and best match, with each one's progress."""

from collections.abc import Callable, Mapping

import streamlit as st

from visil_dash.errors import without_name
from visil_dash.exports.search import matches_csv
from visil_dash.matching.headline import headline
from visil_dash.matching.verdict import confidence_text, verdict_of
from visil_dash.records import SearchResult
from visil_dash.ui.search.answer import draw_inside_button, holds_match
from visil_dash.ui.search.options import SearchOptions, judged_result, search_task
from visil_dash.ui.search.tasks import verified_so_far
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import escaped, percent, plural, safe_name
from visil_dash.ui.shell.uploads import SessionClip
from visil_dash.ui.shell.verdicts import without_rejected
from visil_dash.ui.shell.widgets import download_button

_ROWS_SHOWN = 6  # more than these scroll
_ROW_PIXELS = 56
_ACTS_PIXELS = 144


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


@fragment(run_every=1.0)
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
        judged_result(verified_so_far(task.result))
        for task in tasks.values()
        if task.ended and task.error is None
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
        st.html(
            '<div class="vd-clip vd-clip-head" aria-hidden="true"><div>Clip</div><div>Answer</div>'
            "<div>Best match</div></div>"
        )
        many = len(clips) > _ROWS_SHOWN
        with st.container(height=_ROWS_SHOWN * _ROW_PIXELS if many else "content", border=False):
            for clip in sorted(clips, key=lambda clip: tasks[clip.query_id].error is not None):
                _row(clip, tasks[clip.query_id], clip.query_id == query_id, options)
        if not going and not all(map(holds_match, results)):
            draw_inside_button(options, key="several_inside")


def _counts(going: int, done: int, clips: int) -> str:
    failed = clips - going - done
    parts = [f"{done} searched"]
    parts += [f"{going} to go"] if going else []
    parts += [f"{failed} failed"] if failed else []
    return " · ".join(parts)


def _download(results: list[SearchResult]) -> None:
    download_button(
        "CSV of all results",
        matches_csv(*map(backend.with_verdicts, results)),
        file_name="matches.csv",
        type="tertiary",
        key="several_csv",
    )


def _row(clip: SessionClip, task: Task, shown: bool, options: SearchOptions) -> None:
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        gap="small",
        key=f"clip-{state.short(clip.query_id)}",
    ):
        answer, best = _outcome(clip, task)
        with st.container():
            st.html(
                f'<div class="vd-clip"><div class="vd-name vd-one" title="{escaped(clip.name)}">'
                f'{escaped(clip.name)}</div><div class="vd-meta">{escaped(answer)}</div>'
                f'<div class="vd-meta">{escaped(best, empty="")}</div></div>'
            )
            if not task.ended:
                st.progress(task.share)
        with st.container(
            width=_ACTS_PIXELS, horizontal=True, horizontal_alignment="right", gap="small"
        ):
            if task.ended and task.error is not None:
                _button("Try again", clip, _again, (clip, options))
            elif shown:
                st.badge("shown below", icon=":material/arrow_downward:", color="blue")
            if not shown:
                _button("Show", clip, _show, (clip.query_id,))


def _button(
    label: str, clip: SessionClip, on_click: Callable[..., None], args: tuple[object, ...]
) -> None:
    key = f"{label.lower().replace(' ', '_')}-{state.short(clip.query_id)}"
    st.button(label, key=key, type="tertiary", on_click=on_click, args=args)


def _outcome(clip: SessionClip, task: Task) -> tuple[str, str]:
    """Progress of the clip, its error, or the answer; then the best match."""
    if task.stopping:
        return "Stopping…", ""
    if not task.ended:
        return f"{task.what}, {percent(task.share)}", ""
    if task.error is not None:
        return without_name(str(task.error), clip.name), ""
    result = backend.with_verdicts(without_rejected(verified_so_far(task.result)))
    if not result.matches:
        return headline(result), ""
    best = result.matches[0]
    verdict = verdict_of(best)
    confidence = confidence_text(verdict)
    sure = f"strength {best.strength:.2f}" if confidence is None else f"confidence {confidence}"
    return headline(result), f"{safe_name(best.name)}, {verdict.label}, {sure}"


def _show(query_id: str) -> None:
    st.session_state[state.SEARCH_QUERY] = query_id
    st.session_state.pop(state.SEARCH_NEW, None)


def _cancel(clips: tuple[SessionClip, ...], going: list[Task]) -> None:
    # A clip is read by its own task and by its search, and either may be the one that runs.
    for task in [*going, *(backend.open_clip(clip) for clip in clips)]:
        task.cancel()


def _again(clip: SessionClip, options: SearchOptions) -> None:
    backend.open_clip(clip, again=True)
    search_task(clip.query_id, options, again=True)
