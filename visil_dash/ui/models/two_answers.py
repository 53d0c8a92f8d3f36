"""The answers of two models to one query beside each other."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from visil_dash.matching.headline import headline
from visil_dash.matching.side_by_side import Placed, SharedRow, SideBySide, side_by_side
from visil_dash.matching.verdict import confidence_text, verdict_of
from visil_dash.progress import Watch
from visil_dash.records import SearchResult
from visil_dash.ui.library.extraction import draw_extraction_beside
from visil_dash.ui.search.options import SearchOptions, search_result
from visil_dash.ui.search.second_model import draw_second_model_missing
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.frame import switch_model
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import escaped, md, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    compare_button,
    name_line,
    thumbnail,
    verified_badge,
)

_NAMED = 5  # videos that only one of them finds, in the sentence


def draw_two_answers(query_id: str, options: SearchOptions) -> None:
    """Both answers, what one finds and the other does not, and both lists on shared rows."""
    if draw_second_model_missing(options.second, state.SEARCH_SECOND):
        return
    if not draw_extraction_beside(options.second):
        return
    first = search_result(query_id, options)
    second = None if first is None else _second_result(query_id, options)
    if first is None or second is None:
        return
    joined = side_by_side(first, second, top=options.top)
    _draw_answers(first, second)
    st.markdown(_difference_text(joined, first.model, second.model))
    _draw_rows(joined.rows, first, second)


# ---- the second search ----


def _second_result(query_id: str, options: SearchOptions) -> SearchResult | None:
    task = _second_task(query_id, options)
    name = f"{backend.name_of(query_id)} with {options.second}"
    if not finished(task, title="Searching", name=name, key="cancel_second"):
        if task.ended and st.button("Search again", icon=":material/refresh:", key="again_second"):
            _second_task(query_id, options, again=True)
            st.rerun()
        return None
    judged = backend.workbench(options.second).judged(task.result)
    return replace(judged, query=backend.name_of(query_id))


def _second_task(query_id: str, options: SearchOptions, *, again: bool = False) -> Task:
    """As the search of the model in use, with the distance threshold that the library has for this
    model: a typed one is of the other's space."""
    bench = backend.workbench(options.second)
    name, path = backend.name_of(query_id), backend.media_path(query_id)

    def work(watch: Watch) -> SearchResult:
        bench.open_clip(path, name=name, watch=watch)
        if not options.nearest:
            result = bench.search(
                query_id,
                exhaustive=options.exhaustive,
                inside=options.inside,
                other_shapes=options.other_shapes,
                budget=options.budget,
                tags=options.tags,
                watch=watch,
            )
            if result.matches or options.exhaustive:
                return result
        return bench.search_nearest(query_id, most=options.top, tags=options.tags, watch=watch)

    scope = str(bench.library.folder), bench.extractor, bench.space.version, bench.threshold()
    asked = (
        options.exhaustive,
        options.nearest,
        options.inside,
        options.other_shapes,
        options.budget,
        options.tags,
        options.top,
    )
    return backend.tasks().start(("second", *scope, query_id, name, *asked), work, again=again)


# ---- drawing ----


def _draw_answers(first: SearchResult, second: SearchResult) -> None:
    with st.container(key="two-answers"):
        for number, result in enumerate((first, second), 1):
            with st.container(border=True, key=f"model-answer-{number}", gap="xsmall"):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    name_line(result.model)
                    verified_badge(result.verified)
                st.subheader(md(headline(result)), anchor=False)
                st.html(f'<div class="vd-meta">{escaped(_how(result))}</div>')
                if number == 1:
                    st.button(
                        f"Only {md(result.model)}",
                        key="one_model",
                        icon=":material/close:",
                        type="tertiary",
                        on_click=st.session_state.update,
                        args=({state.SEARCH_SECOND: ""},),
                        help="Back to the answer of the model in use, with its matches as cards",
                    )
                else:
                    st.button(
                        f"Use {md(result.model)}",
                        key="swap_models",
                        icon=":material/swap_horiz:",
                        type="tertiary",
                        on_click=_swap,
                        args=(first.model, result.model),
                        help="Makes it the model in use, with the other beside it",
                    )


def _how(result: SearchResult) -> str:
    compared = f"{plural(len(result.matches), 'video')} of {result.library_videos:,} compared"
    took = seconds(sum(result.timings.values()))
    return f"{compared} in {took} · match score {result.match_score:.2f}"


def _swap(first: str, second: str) -> None:
    switch_model(second)
    st.session_state[state.SEARCH_SECOND] = first


def _difference_text(joined: SideBySide, first: str, second: str) -> str:
    if not joined.both and not joined.only_first and not joined.only_second:
        return "**Neither model finds a match.**"
    parts = [f"**Both find {plural(len(joined.both), 'match', 'matches')}.**"]
    if not joined.only_first and not joined.only_second:
        parts.append("Neither finds one that the other misses.")
    for model, rows in ((first, joined.only_first), (second, joined.only_second)):
        if rows:
            more = len(rows) - _NAMED
            names = ", ".join(md(safe_name(row.name)) for row in rows[:_NAMED])
            parts.append(
                f"Only **{md(model)}** finds {names}{f' and {more} more' if more > 0 else ''}."
            )
    return " ".join(parts)


def _draw_rows(rows: Sequence[SharedRow], first: SearchResult, second: SearchResult) -> None:
    st.html(
        '<div class="vd-two vd-two-head"><div>Video</div>'
        f"<div>{escaped(first.model)}</div><div>{escaped(second.model)}</div></div>"
    )
    for number, row in enumerate(rows, 1):
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", key=f"shared-{number}"
        ):
            with st.container(width=96):
                thumbnail(row.video_id, key=f"shared{number}")
            with st.container(key=f"weak-shared-{number}"):
                st.html(
                    f'<div class="vd-two"><div class="vd-name vd-one" title="{escaped(row.name)}">'
                    f"{escaped(row.name)}</div>{_cell(row.first, first)}{_cell(row.second, second)}"
                    "</div>"
                )
            compare_button(
                first.query_id, row.video_id, key=f"compare-shared-{number}", kind="tertiary"
            )
    st.caption(
        "What each model finds by itself: nothing is verified on the pixels here, and strengths of"
        " two models are not on one scale. Compare opens the pair with the model in use."
    )


def _cell(placed: Placed | None, result: SearchResult) -> str:
    """Rank and verdict, with confidence and strength below."""
    model = f'<span class="vd-two-model">{escaped(result.model)}: </span>'
    if placed is None:
        why = "not a candidate" if result.mode == "hierarchical" else "not compared"
        return f'<div class="vd-meta">{model}{why}</div>'
    verdict = verdict_of(placed.match)
    confidence = confidence_text(verdict)
    numbers = [] if confidence is None else [f"confidence {confidence}"]
    numbers.append(f"strength {placed.match.strength:.2f}")
    label = f"<b>{escaped(verdict.label)}</b>" if placed.is_match else escaped(verdict.label)
    return (
        f'<div><div title="{escaped(verdict.reason)}">{model}{placed.rank}. {label}</div>'
        f'<div class="vd-meta">{escaped(" · ".join(numbers))}</div></div>'
    )
