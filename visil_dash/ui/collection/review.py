"""The review queue: one pair at a time, both sides at their most similar frames."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.clock import clock
from visil_dash.collection.queue import Question
from visil_dash.collection.table import CollectionTable
from visil_dash.labels.label import Label, PairKey, by_pair, pair_of
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.ui.collection.labels import draw_judged_pairs, draw_labels_menu
from visil_dash.ui.collection.tasks import best_moment_task, review_queue_task
from visil_dash.ui.collection.verdict_buttons import draw_undo_button, draw_verdict_buttons
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import address_counts, to_link
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import (
    compare_button,
    draw_chart,
    empty_state,
    facts,
    name_line,
    thumbnail,
)

if TYPE_CHECKING:
    from visil_dash.workbench.collection import Moment

_SPANS_SHOWN = 3


def follow_old_link() -> None:
    """Opens the review for an address of the time when it was a view of the collection."""
    if st.query_params.get(state.PARAM_VIEW) == "review":
        params = {k: v for k, v in st.query_params.items() if k != state.PARAM_VIEW}
        st.switch_page("pages/review.py", query_params=params)


def draw_review(computed: CollectionTable, match_score: float) -> None:
    task = review_queue_task(computed, match_score)
    name = f"match score {match_score:.3f}"
    if finished(task, title="Sorting the pairs to judge", name=name):
        _review(task.result, match_score)


@fragment
def _review(questions: tuple[Question, ...], match_score: float) -> None:
    bench = backend.workbench()
    labels = by_pair(bench.library.labels())
    again = bool(st.session_state.get(state.REVIEW_AGAIN))
    listed = [q for q in questions if again or q.pair not in labels]
    _top_line(questions, labels)
    if bench.library.read_only:
        st.warning(
            "This library is open read-only, because another program is writing to it. Judge pairs"
            " there.",
            icon=":material/lock:",
        )
    current = _current(listed)
    if current is None:
        empty_state(
            "Every pair is judged" if questions else "There is no pair to judge",
            "Undo the last verdict, look at judged pairs again, or add videos."
            if questions
            else "No two videos were compared. Compare all pairs, or add videos.",
        )
        draw_undo_button(locked=bench.library.read_only)
    else:
        _question(current, listed, labels.get(pair_of(*current)), match_score)
    draw_judged_pairs(tuple(labels.values()))


def _top_line(questions: tuple[Question, ...], labels: Mapping[PairKey, Label]) -> None:
    open_pairs = sum(q.pair not in labels for q in questions)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts({"To judge": f"{open_pairs:,}", "Judged": f"{len(labels):,}"}, big=True)
        st.space("stretch")
        st.toggle("Include judged pairs", key=state.REVIEW_AGAIN, persist_state="session")
        draw_labels_menu(tuple(labels.values()))


def _current(listed: list[Question]) -> tuple[str, str] | None:
    """The pair to judge now: the chosen one, the link's, else the first of the queue."""
    videos = backend.library_videos()
    if {p for p in (state.PARAM_QUERY, state.PARAM_REFERENCE) if address_counts(p)}:
        st.session_state.pop(state.REVIEW_PAIR, None)
    pair: tuple[str, str] | None = st.session_state.get(state.REVIEW_PAIR) or _linked(videos)
    if pair is not None and not set(pair) <= set(videos):
        pair = None
    if pair is None and listed:
        pair = listed[0].query, listed[0].reference
    to_link(state.PARAM_QUERY, state.short(pair[0]) if pair else "")
    to_link(state.PARAM_REFERENCE, state.short(pair[1]) if pair else "")
    return pair


def _linked(videos: Iterable[str]) -> tuple[str, str] | None:
    """The pair of different videos that the link names, if it does."""
    wanted = [st.query_params.get(p, "") for p in (state.PARAM_QUERY, state.PARAM_REFERENCE)]
    query, reference = (
        next((v for v in videos if len(w) >= 6 and v.startswith(w)), None) for w in wanted
    )
    return (query, reference) if query and reference and query != reference else None


def _question(
    pair: tuple[str, str], listed: list[Question], label: Label | None, match_score: float
) -> None:
    before, after = _neighbours(pair_of(*pair), listed)
    at = next((i for i, q in enumerate(listed) if q.pair == pair_of(*pair)), None)
    with st.container(border=True, key="review"):
        draw_verdict_buttons(pair, label, before, after)
        place = f"{at + 1:,} of {len(listed):,} · " if at is not None else ""
        task = best_moment_task(*pair)
        if finished(task, title="Loading the pair", name=backend.name_of(pair[0])):
            _evidence(task.result, match_score, place)
            if after is not None:  # so that its pictures are ready after the verdict
                best_moment_task(*after)
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


def _evidence(best: "Moment", match_score: float, place: str) -> None:
    """Both sides at their most similar frames, the scores, and the matched segments."""
    videos = (best.query, best.reference)
    for column, video, time, picture in zip(
        st.columns(2, gap="medium"), videos, best.times, best.pictures, strict=True
    ):
        with column:
            name = backend.name_of(video)
            st.image(picture, width="stretch", alt=f"{safe_name(name)} at {clock(time)}")
            side = "Query" if video == best.query else "Reference"
            name_line(safe_name(name), f"{side}, {clock(time)} · most similar frames")
    margin = max(best.score, best.reverse) - match_score
    with st.container(horizontal=True, vertical_alignment="center"):
        facts(
            {
                "Query → reference": f"{best.score:.3f}",
                "Reference → query": f"{best.reverse:.3f}",
                "Difference from match score": f"{margin:+.3f}",
            },
            meanings={"Difference from match score": f"The higher score minus {match_score:.3f}"},
        )
        st.space("stretch")
        st.caption(f"{place}closest to the match score first", width="content")
        compare_button(*videos, key="review_compare")
    if not best.segments:
        st.caption("No matched segments.")
        return
    _timeline(best)


def _timeline(best: "Moment") -> None:
    videos = (best.query, best.reference)
    lengths = [info.duration if (info := backend.info_of(v)) else 0.0 for v in videos]
    spans = within(best.segments, query_seconds=lengths[0], reference_seconds=lengths[1])
    lines = [span_text(span) for span in spans[:_SPANS_SHOWN]]
    draw_chart(
        segment_timeline(spans, query_seconds=lengths[0], reference_seconds=lengths[1]),
        key="review_timeline",
        alt="; ".join(lines),
    )
    more = len(spans) - len(lines)
    st.caption(md("; ".join(lines)) + (f"; and {plural(more, 'more segment')}" if more > 0 else ""))
