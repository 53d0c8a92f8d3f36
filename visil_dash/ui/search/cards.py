"""The ranked videos of a search as cards: picture, relation, coverage both ways, matched spans."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from visil_dash.clock import clock
from visil_dash.matching.spans import Spans, bar_parts
from visil_dash.matching.verdict import OUT_OF_STEP, Related, Relation, related
from visil_dash.media.views import BY_KEY
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.records import Match, SearchResult
from visil_dash.ui.shell import backend, dialogs, state
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import escaped, percent, plural
from visil_dash.ui.shell.widgets import ASSETS, await_posters, facts, name_line, thumbnail

SPANS_SHOWN = 4
TIMELINES_SHOWN = 20
Ranked = tuple[int, Related]


def ranked(result: SearchResult, match_score: float) -> tuple[Ranked, ...]:
    """Every match with its rank and what it is to the clip."""
    info = backend.info_of(result.query_id)
    length = info.duration if info else 0.0
    found = []
    for rank, match in enumerate(result.matches, 1):
        video = backend.library_video(match.video_id)
        told = related(
            match,
            query_seconds=length,
            reference_seconds=video.info.duration if video else 0.0,
            match_score=match_score,
            threshold=result.threshold,
        )
        found.append((rank, told))
    return tuple(found)


def match_cards(
    found: Sequence[Ranked], result: SearchResult, *, top: int, match_score: float
) -> None:
    """The ranked videos; those that neither score nor line up take a single line."""
    st.html(ASSETS / "search.css")
    shown = found[:top]
    info = backend.info_of(result.query_id)
    length = info.duration if info else 0.0
    weak = [(rank, told) for rank, told in shown if _is_weak(told)]
    for rank, told in shown:
        if not _is_weak(told):
            _card(rank, told, result.query_id, query_seconds=length)
    if weak:
        st.caption(f"Below the score of a match ({match_score:.2f}), and nothing lines up:")
    for rank, told in weak:
        _weak_row(rank, told, result.query_id)
    await_posters([result.query_id, *(told.match.video_id for _, told in shown)])
    opened = dialogs.requested(dialogs.SEARCH)
    for _, told in shown:
        if opened is not None and opened[0] == told.match.video_id:
            _play(told.match, float(opened[1]))
    if len(found) > len(shown):
        st.caption(
            f"{plural(len(found) - len(shown), 'weaker video')} not shown: raise “Show at most”."
        )


def _is_weak(told: Related) -> bool:
    return not told.confirmed and not told.lines_up


_MEANING = {
    "How sure": "Probability that this video holds footage of the clip: from what the best of these"
    " scores said of pairs whose truth was known, less half of what the clip reaches against other"
    " videos, and from how many videos, and parts of the picture, were asked",
    "Score": "How much of the clip is found in this video; 1 is the most",
    "Other way": "How much of this video is found in the clip",
    "What lines up": "Score of the frames in the matched spans alone, in the better direction",
    "Nearest frame": "Smallest squared L2 distance of a frame of the clip to a frame of this video",
    "Near frame pairs": "Pairs of a clip's frame and a frame of this video within the threshold",
}


def _card(rank: int, told: Related, query_id: str, *, query_seconds: float) -> None:
    match = told.match
    with st.container(border=True, key=f"match-{rank}"):
        picture, text = st.columns([1, 3.4], gap="medium")
        with picture:
            thumbnail(match.video_id, key=f"match{rank}")
        with text:
            with st.container(horizontal=True, vertical_alignment="top"):
                with st.container():
                    name_line(f"{rank}. {match.name}")
                _relation_badge(told)
            if match.view:
                st.caption(f"Found by the {BY_KEY[match.view].title} of the clip's picture.")
            near, part = match.min_distance, match.part_score
            sure = told.how_sure
            facts(
                {
                    **({} if sure is None else {"How sure": sure}),
                    "Score": f"{match.score:.3f}",
                    "Other way": f"{match.reverse_score:.3f}",
                    **({} if part is None else {"What lines up": f"{part:.3f}"}),
                    "Nearest frame": "not a candidate" if near is None else f"{near:.3f}",
                    "Near frame pairs": f"{match.candidate_frames:,}",
                },
                meanings=_MEANING,
            )
            if told.out_of_step:
                st.caption(f":material/sync_problem: {OUT_OF_STEP}")
            _coverage_bars(told, query_seconds)
            at = _spans(rank, match, query_seconds)
            with st.container(horizontal=True):
                _compare_button(rank, match, query_id)
                st.button(
                    f"Play at {clock(at)}",
                    key=f"play-{rank}",
                    icon=":material/play_arrow:",
                    type="tertiary",
                    on_click=dialogs.request,
                    args=(dialogs.SEARCH, match.video_id, at),
                )


def _relation_badge(told: Related) -> None:
    """The relation in words; green where a score confirms what lines up."""
    may = told.relation is Relation.PARTIAL
    st.badge(
        told.label,
        icon=":material/check:" if told.shares else None,
        color="green" if told.shares else "blue" if may else "gray",
        help=told.meaning,
    )


def _coverage_bars(told: Related, query_seconds: float) -> None:
    if not told.match.segments:
        return
    video = backend.library_video(told.match.video_id)
    found = told.coverage
    st.html(
        coverage_bar(found.query, found.query_spans, query_seconds, "of the clip is in this video")
        + coverage_bar(
            found.reference,
            found.reference_spans,
            video.info.duration if video else 0.0,
            "of this video is in the clip",
        )
    )


def coverage_bar(share: float, spans: Spans, length: float, told: str) -> str:
    """HTML of a share in words over a bar that shows where on the timeline it lies."""
    parts = "".join(
        f'<i style="left:{left:.2f}%;width:{width:.2f}%"></i>'
        for left, width in bar_parts(spans, length)
    )
    return (
        f'<div class="vd-cover"><b>{percent(share)}</b> {escaped(told)}'
        f'<div class="vd-cover-bar" aria-hidden="true">{parts}</div></div>'
    )


def _weak_row(rank: int, told: Related, query_id: str) -> None:
    match = told.match
    near = "no candidate" if match.min_distance is None else f"nearest {match.min_distance:.3f}"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"match-{rank}"
    ):
        with st.container(width=96):
            thumbnail(match.video_id, key=f"match{rank}")
        with st.container(key=f"weak-{rank}"):
            name_line(
                f"{rank}. {match.name}",
                f"score {match.score:.3f} · other way {match.reverse_score:.3f} · {near}",
            )
        _relation_badge(told)
        _compare_button(rank, match, query_id, kind="tertiary")


def _compare_button(
    rank: int, match: Match, query_id: str, *, kind: Literal["secondary", "tertiary"] = "secondary"
) -> None:
    if st.button(
        "Compare",
        key=f"compare-{rank}",
        icon=":material/compare:",
        type=kind,
        help="The similarity of every frame with every frame, and why",
    ):
        state.goto_compare(query_id, match.video_id, part=match.view)


def _spans(rank: int, match: Match, query_seconds: float) -> float:
    """Draws the matched spans; returns where in the video the best one begins."""
    if not match.segments:
        st.caption("No stretch of it lines up with the clip in time.")
        return 0.0
    video = backend.library_video(match.video_id)
    length = video.info.duration if video else 0.0
    spans = within(match.segments, query_seconds=query_seconds, reference_seconds=length)
    told = [span_text(span) for span in spans[:SPANS_SHOWN]]
    if rank <= TIMELINES_SHOWN:
        st.plotly_chart(
            segment_timeline(spans, query_seconds=query_seconds, reference_seconds=length),
            key=f"timeline-{rank}",
            config={"displayModeBar": False},
            alt="; ".join(told),
        )
    more = len(spans) - SPANS_SHOWN
    st.markdown("  \n".join([*told, *([f"and {plural(more, 'more span')}"] if more > 0 else [])]))
    return max(spans, key=lambda span: span.score).reference_start


@st.dialog("Player", width="large", on_dismiss=dialogs.dismiss)
def _play(match: Match, at: float) -> None:
    name_line(match.name, f"from {clock(at)}")
    play(match.video_id, start=at)
