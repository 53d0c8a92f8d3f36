"""The ranked videos of a search as cards: picture, relation, coverage both ways, matched spans."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from visil_dash.clock import clock
from visil_dash.matching.spans import bar_parts
from visil_dash.matching.verdict import ANY_OFFSET, best_segment, confidence_text, verdict_of
from visil_dash.media.views import BY_KEY
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.records import Match, Relation, SearchResult, Spans, Verdict
from visil_dash.ui.shell import backend, dialogs, state
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import escaped, percent, plural
from visil_dash.ui.shell.widgets import ASSETS, await_posters, facts, name_line, thumbnail

SPANS_SHOWN = 4
TIMELINES_SHOWN = 20
Ranked = tuple[int, Match]


def ranked(result: SearchResult) -> tuple[Ranked, ...]:
    """Every match with its rank."""
    return tuple(enumerate(result.matches, 1))


def match_cards(found: Sequence[Ranked], result: SearchResult, *, top: int) -> None:
    """The ranked videos; unrelated ones take a single line."""
    st.html(ASSETS / "search.css")
    shown = found[:top]
    info = backend.info_of(result.query_id)
    length = info.duration if info else 0.0
    weak = [(rank, match) for rank, match in shown if _is_weak(match)]
    for rank, match in shown:
        if not _is_weak(match):
            _card(rank, match, result.query_id, query_seconds=length)
    if weak:
        st.caption(f"Below the match score ({result.match_score:.2f}), without a matched segment:")
    for rank, match in weak:
        _weak_row(rank, match, result.query_id)
    await_posters([result.query_id, *(match.video_id for _, match in shown)])
    opened = dialogs.requested(dialogs.SEARCH)
    for _, match in shown:
        if opened is not None and opened[0] == match.video_id:
            _play(match, float(opened[1]))
    if len(found) > len(shown):
        st.caption(
            f"{plural(len(found) - len(shown), 'weaker video')} not shown: raise “Show at most”."
        )


def _is_weak(match: Match) -> bool:
    return verdict_of(match).relation is Relation.NONE


_MEANING = {
    "Confidence": "Probability that this video holds footage of the query clip: from how often"
    " pairs with such scores were copies, less half of what the query clip scores against other"
    " videos, and from how many videos, and parts of the picture, were compared",
    "Score": "How much of the clip is found in this video; 1 is the most",
    "Reverse score": "How much of this video is found in the query clip",
    "Matched segments": "Score of the frames in the segments alone, in the better direction",
    "Nearest frame": "Smallest squared L2 distance of a frame of the clip to a frame of this video",
    "Near frame pairs": "Pairs of a clip's frame and a frame of this video within the threshold",
}


def _card(rank: int, match: Match, query_id: str, *, query_seconds: float) -> None:
    verdict = verdict_of(match)
    with st.container(border=True, key=f"match-{rank}"):
        picture, text = st.columns([1, 3.4], gap="medium")
        with picture:
            thumbnail(match.video_id, key=f"match{rank}")
        with text:
            with st.container(horizontal=True, vertical_alignment="top"):
                with st.container():
                    name_line(f"{rank}. {match.name}")
                _relation_badge(verdict)
            if match.view:
                st.caption(f"Found by the {BY_KEY[match.view].title} of the clip's picture.")
            near, part = match.min_distance, match.part_score
            confidence = confidence_text(verdict)
            facts(
                {
                    **({} if confidence is None else {"Confidence": confidence}),
                    "Score": f"{match.score:.3f}",
                    "Reverse score": f"{match.reverse_score:.3f}",
                    **({} if part is None else {"Matched segments": f"{part:.3f}"}),
                    "Nearest frame": "not a candidate" if near is None else f"{near:.3f}",
                    "Near frame pairs": f"{match.candidate_frames:,}",
                },
                meanings=_MEANING,
            )
            if verdict.any_offset:
                st.caption(f":material/sync_problem: {ANY_OFFSET}")
            _coverage_bars(match, query_seconds)
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


def _relation_badge(verdict: Verdict) -> None:
    """The relation in words; green for a match, blue for a doubt."""
    st.badge(
        verdict.label,
        icon=":material/check:" if verdict.is_match else None,
        color="green" if verdict.is_match else "blue" if verdict.is_doubt else "gray",
        help=verdict.reason,
    )


def _coverage_bars(match: Match, query_seconds: float) -> None:
    if not match.segments:
        return
    video = backend.library_video(match.video_id)
    found = verdict_of(match).coverage
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


def _weak_row(rank: int, match: Match, query_id: str) -> None:
    near = "no candidate" if match.min_distance is None else f"nearest {match.min_distance:.3f}"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"match-{rank}"
    ):
        with st.container(width=96):
            thumbnail(match.video_id, key=f"match{rank}")
        with st.container(key=f"weak-{rank}"):
            name_line(
                f"{rank}. {match.name}",
                f"score {match.score:.3f} · reverse {match.reverse_score:.3f} · {near}",
            )
        _relation_badge(verdict_of(match))
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
    best = best_segment(spans)
    return 0.0 if best is None else best.reference_start


@st.dialog("Player", width="large", on_dismiss=dialogs.dismiss)
def _play(match: Match, at: float) -> None:
    name_line(match.name, f"from {clock(at)}")
    play(match.video_id, start=at)
