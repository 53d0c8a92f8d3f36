"""The review queue: one pair at a time, both sides at their best moment, judged by keyboard."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.clock import clock
from visil_dash.collection.queue import Question
from visil_dash.collection.table import CollectionTable
from visil_dash.errors import VisilDashError
from visil_dash.labels.label import (
    MATCH,
    NOT_MATCH,
    UNSURE,
    Label,
    PairKey,
    by_pair,
    pair_of,
    verdict_of,
)
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.ui.collection import tasks
from visil_dash.ui.collection.labels import judged_pairs, labels_menu
from visil_dash.ui.collection.table import VERDICT_WORDS, compare_button
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import to_link
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, name_line, thumbnail

if TYPE_CHECKING:
    from visil_dash.workbench.collection import Moment

REVIEWED = "review"  # the source of a verdict given here
_RELATIONS = {
    "ND": ("near duplicate", "The same video, edited: cropped, re-encoded, with a logo"),
    "DS": ("duplicate scene", "Shares a scene from the same camera with other footage around it"),
    "CS": ("complementary", "The same moment filmed by another camera: related, not a copy"),
    "IS": ("same incident", "The same event at another time: related, not a copy"),
}
_SPANS_SHOWN = 3


def review(found: CollectionTable, least: float) -> None:
    """The pairs whose score is nearest to the match score, until all are judged."""
    task = tasks.queue(found, least)
    if not finished(task, title="Ordering the pairs to judge", name=f"match score {least:.3f}"):
        return
    _review(task.result, least)


@st.fragment
def _review(questions: tuple[Question, ...], least: float) -> None:
    bench = backend.workbench()
    told = by_pair(bench.library.labels())
    again = bool(st.session_state.get(state.REVIEW_AGAIN))
    listed = [q for q in questions if again or q.pair not in told]
    _top_line(questions, told)
    if bench.library.read_only:
        st.warning(
            "The library is open read-only here: another program is its writer. Judge there.",
            icon=":material/lock:",
        )
    current = _current(questions, listed)
    if current is None:
        empty_state(
            "Every pair is judged" if questions else "There is no pair to judge",
            "Undo the last verdict, look at judged pairs again, or add videos."
            if questions
            else "No two videos were compared. Compare all pairs, or add videos.",
        )
        _undo_button(bench.library.read_only)
    else:
        _question(current, listed, told.get(pair_of(*current)), least)
    judged_pairs(tuple(told.values()))


def _top_line(questions: tuple[Question, ...], told: Mapping[PairKey, Label]) -> None:
    still = sum(q.pair not in told for q in questions)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts({"To judge": f"{still:,}", "Judged": f"{len(told):,}"}, big=True)
        st.space("stretch")
        st.toggle("Judged pairs too", key=state.REVIEW_AGAIN, persist_state="session")
        labels_menu(tuple(told.values()))


def _current(questions: tuple[Question, ...], listed: list[Question]) -> tuple[str, str] | None:
    """The pair being judged: the chosen one, the link's, else the first of the queue."""
    videos = backend.library_videos()
    pair = st.session_state.get(state.REVIEW_PAIR)
    if pair is None:
        wanted = [st.query_params.get(p, "") for p in (state.PARAM_QUERY, state.PARAM_REFERENCE)]
        ids = [next((v for v in videos if len(w) >= 6 and v.startswith(w)), None) for w in wanted]
        pair = (ids[0], ids[1]) if ids[0] and ids[1] and ids[0] != ids[1] else None
    if pair is not None and not set(pair) <= set(videos):
        pair = None
    if pair is None and listed:
        pair = listed[0].query, listed[0].reference
    to_link(state.PARAM_QUERY, state.short(pair[0]) if pair else "")
    to_link(state.PARAM_REFERENCE, state.short(pair[1]) if pair else "")
    return pair


def _question(
    pair: tuple[str, str], listed: list[Question], label: Label | None, least: float
) -> None:
    before, after = _neighbours(pair_of(*pair), listed)
    at = next((i for i, q in enumerate(listed) if q.pair == pair_of(*pair)), None)
    with st.container(border=True, key="review"):
        _buttons(pair, label, before, after)
        place = f"{at + 1:,} of {len(listed):,} · " if at is not None else ""
        task = tasks.moment(*pair)
        if finished(task, title="Looking at the pair", name=backend.name_of(pair[0])):
            found: Moment = task.result
            _evidence(found, least, place)
            if after is not None:  # its pictures are ready when the verdict is given
                tasks.moment(*after)
        elif task.ended:
            left, right = st.columns(2, gap="medium")
            for column, video in zip((left, right), pair, strict=True):
                with column:
                    thumbnail(video, key="review")
                    name_line(backend.name_of(video))


def _neighbours(
    pair: PairKey, listed: list[Question]
) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """The pairs before and after this one in the queue; for one outside it, its first."""
    at = next((i for i, q in enumerate(listed) if q.pair == pair), None)
    if at is None:
        first = listed[0] if listed else None
        return None, (first.query, first.reference) if first else None
    before = listed[at - 1] if at > 0 else None
    after = listed[at + 1] if at + 1 < len(listed) else None
    return (
        (before.query, before.reference) if before else None,
        (after.query, after.reference) if after else None,
    )


def _buttons(
    pair: tuple[str, str],
    label: Label | None,
    before: tuple[str, str] | None,
    after: tuple[str, str] | None,
) -> None:
    locked = backend.workbench().library.read_only
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="review-verdicts"
    ):
        for text, verdict, key, icon in (
            ("Match", MATCH, "M", ":material/check:"),
            ("Not a match", NOT_MATCH, "N", ":material/close:"),
            ("Unsure", UNSURE, "U", ":material/question_mark:"),
        ):
            st.button(
                text,
                key=f"review_{verdict}",
                icon=icon,
                shortcut=key,
                type="primary" if label and label.verdict == verdict else "secondary",
                disabled=locked,
                on_click=_judge,
                args=(pair, verdict, "", label, after),
            )
        st.space("stretch")
        st.button(
            "Back",
            key="review_back",
            icon=":material/arrow_back:",
            shortcut="Left",
            disabled=before is None,
            type="tertiary",
            on_click=_go,
            args=(before,),
        )
        st.button(
            "Skip",
            key="review_skip",
            icon=":material/arrow_forward:",
            shortcut="Right",
            disabled=after is None,
            type="tertiary",
            on_click=_go,
            args=(after,),
        )
        _undo_button(locked)
    with st.container(horizontal=True, gap="small", key="review-relations"):
        for number, (relation, (word, meaning)) in enumerate(_RELATIONS.items(), 1):
            st.button(
                f"{relation} {word}",
                key=f"review_{relation}",
                shortcut=str(number),
                type="primary" if label and label.relation == relation else "secondary",
                disabled=locked,
                on_click=_judge,
                args=(pair, verdict_of(relation), relation, label, after),
                help=meaning,
            )


def _undo_button(locked: bool) -> None:
    done = st.session_state.get(state.REVIEW_DONE) or []
    st.button(
        "Undo",
        key="review_undo",
        icon=":material/undo:",
        type="tertiary",
        shortcut="Z",
        disabled=locked or not done,
        on_click=_undo,
        help="Take back the last verdict given here",
    )


def _evidence(found: "Moment", least: float, place: str) -> None:
    """Both sides at the best moment, the scores both ways, and where the two line up."""
    videos = (found.query, found.reference)
    for column, video, time, picture in zip(
        st.columns(2, gap="medium"), videos, found.times, found.pictures, strict=True
    ):
        with column:
            name = backend.name_of(video)
            st.image(picture, width="stretch", alt=f"{safe_name(name)} at {clock(time)}")
            side = "Query" if video == found.query else "Reference"
            name_line(safe_name(name), f"{side}, {clock(time)}: the frames most alike")
    margin = max(found.score, found.reverse) - least
    with st.container(horizontal=True, vertical_alignment="center"):
        facts(
            {
                "Query → reference": f"{found.score:.3f}",
                "Reference → query": f"{found.reverse:.3f}",
                "From the match score": f"{margin:+.3f}",
            },
            meanings={"From the match score": f"The better score less {least:.3f}"},
        )
        st.space("stretch")
        st.caption(f"{place}nearest to the match score first", width="content")
        compare_button(*videos, key="review_compare")
    if not found.segments:
        st.caption("No stretch of the two lines up in time.")
        return
    lengths = [info.duration if (info := backend.info_of(v)) else 0.0 for v in videos]
    spans = within(found.segments, query_seconds=lengths[0], reference_seconds=lengths[1])
    told = [span_text(span) for span in spans[:_SPANS_SHOWN]]
    st.plotly_chart(
        segment_timeline(spans, query_seconds=lengths[0], reference_seconds=lengths[1]),
        key="review_timeline",
        config={"displayModeBar": False},
        alt="; ".join(told),
    )
    more = len(spans) - len(told)
    st.caption(md("; ".join(told)) + (f"; and {plural(more, 'more span')}" if more > 0 else ""))


# ---- what the keys do ----


def _judge(
    pair: tuple[str, str],
    verdict: str,
    relation: str,
    earlier: Label | None,
    after: tuple[str, str] | None,
) -> None:
    if not relation and earlier is not None and earlier.relation:
        # A verdict of its own overrules a relation that says otherwise, and keeps one that agrees.
        agrees = verdict != UNSURE and verdict_of(earlier.relation) == verdict
        relation = earlier.relation if agrees else ""
    try:
        backend.workbench().library.set_label(Label(*pair, verdict, relation, REVIEWED))
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
        return
    done = [*(st.session_state.get(state.REVIEW_DONE) or []), (pair, earlier)]
    st.session_state[state.REVIEW_DONE] = done[-200:]
    st.toast(f"{VERDICT_WORDS[verdict].capitalize()}{f', {relation}' if relation else ''}")
    _go(after)


def _go(pair: tuple[str, str] | None) -> None:
    st.session_state[state.REVIEW_PAIR] = pair
    if pair is None:  # the queue's end: begin anew with what is still open
        for param in (state.PARAM_QUERY, state.PARAM_REFERENCE):
            st.query_params.pop(param, None)


def _undo() -> None:
    from visil_dash.workbench.collection import restore_label

    done = st.session_state.get(state.REVIEW_DONE) or []
    if not done:
        return
    pair, earlier = done[-1]
    st.session_state[state.REVIEW_DONE] = done[:-1]
    try:
        restore_label(backend.workbench(), pair_of(*pair), earlier)
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
        return
    _go(pair)
