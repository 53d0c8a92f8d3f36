"""The matches of a search as cards: picture, relation, scores, coverage and matched segments."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.clock import clock
from visil_dash.matching.spans import bar_parts
from visil_dash.matching.verdict import ANY_OFFSET, best_segment, confidence_text, verdict_of
from visil_dash.media.views import BY_KEY
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.records import Match, Relation, SearchResult, Spans, Verdict
from visil_dash.ui.shell import backend, dialogs
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import escaped, percent, plural
from visil_dash.ui.shell.widgets import (
    UI_ASSETS,
    await_posters,
    compare_button,
    draw_chart,
    facts,
    name_line,
    thumbnail,
)

_SEGMENTS_SHOWN = 4
_TIMELINES_SHOWN = 20
Ranked = tuple[int, Match]


def ranked(result: SearchResult) -> tuple[Ranked, ...]:
    return tuple(enumerate(result.matches, 1))


def draw_match_cards(matches: Sequence[Ranked], result: SearchResult, *, top: int) -> None:
    st.html(UI_ASSETS / "search.css")
    shown = matches[:top]
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
    if len(matches) > len(shown):
        st.caption(
            f"{plural(len(matches) - len(shown), 'lower-ranked video')} not shown: raise “Show at"
            f" most”."
        )


def _is_weak(match: Match) -> bool:
    return verdict_of(match).relation is Relation.NONE


_MEANING = {
    "Confidence": "Probability that this video contains footage of the query clip, estimated from"
    " labelled pairs. It is lower where the clip is similar to many videos, and where many videos"
    " or parts of the picture were compared",
    "Score": "How much of the query clip is in this video (query → reference), at most 1",
    "Reverse score": "How much of this video is in the query clip (reference → query)",
    "Segment score": "Score of the frames in the matched segments alone, in the better direction",
    "Nearest frame": "Smallest squared L2 distance between a frame of the query clip and one of"
    " this video",
    "Near frame pairs": "Pairs of a query frame and a frame of this video within the distance"
    " threshold",
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
                st.caption(
                    f"Matched with the {BY_KEY[match.view].title} of the query clip's picture."
                )
            near, part = match.min_distance, match.part_score
            confidence = confidence_text(verdict)
            facts(
                {
                    **({} if confidence is None else {"Confidence": confidence}),
                    "Score": f"{match.score:.3f}",
                    "Reverse score": f"{match.reverse_score:.3f}",
                    **({} if part is None else {"Segment score": f"{part:.3f}"}),
                    "Nearest frame": "not a candidate" if near is None else f"{near:.3f}",
                    "Near frame pairs": f"{match.candidate_frames:,}",
                },
                meanings=_MEANING,
            )
            if verdict.any_offset:
                st.caption(f":material/sync_problem: {ANY_OFFSET}")
            _coverage_bars(match, query_seconds)
            at = _segments(rank, match, query_seconds)
            with st.container(horizontal=True):
                compare_button(
                    query_id,
                    match.video_id,
                    key=f"compare-{rank}",
                    part=match.view,
                    kind="secondary",
                )
                st.button(
                    f"Play from {clock(at)}",
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
    covered = verdict_of(match).coverage
    st.html(
        _coverage_bar(
            covered.query, covered.query_spans, query_seconds, "of the query clip is in this video"
        )
        + _coverage_bar(
            covered.reference,
            covered.reference_spans,
            video.info.duration if video else 0.0,
            "of this video is in the query clip",
        )
    )


def _coverage_bar(share: float, spans: Spans, length: float, text: str) -> str:
    """HTML of a share with its text, above a bar that shows where on the timeline it lies."""
    parts = "".join(
        f'<i style="left:{left:.2f}%;width:{width:.2f}%"></i>'
        for left, width in bar_parts(spans, length)
    )
    return (
        f'<div class="vd-cover"><b>{percent(share)}</b> {escaped(text)}'
        f'<div class="vd-cover-bar" aria-hidden="true">{parts}</div></div>'
    )


def _weak_row(rank: int, match: Match, query_id: str) -> None:
    near = match.min_distance
    distance = "not a candidate" if near is None else f"nearest frame {near:.3f}"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"match-{rank}"
    ):
        with st.container(width=96):
            thumbnail(match.video_id, key=f"match{rank}")
        with st.container(key=f"weak-{rank}"):
            name_line(
                f"{rank}. {match.name}",
                f"score {match.score:.3f} · reverse score {match.reverse_score:.3f} · {distance}",
            )
        _relation_badge(verdict_of(match))
        compare_button(
            query_id, match.video_id, key=f"compare-{rank}", part=match.view, kind="tertiary"
        )


def _segments(rank: int, match: Match, query_seconds: float) -> float:
    """Draws the matched segments; returns where in the video the best one begins, seconds."""
    if not match.segments:
        st.caption("No matched segment.")
        return 0.0
    video = backend.library_video(match.video_id)
    length = video.info.duration if video else 0.0
    spans = within(match.segments, query_seconds=query_seconds, reference_seconds=length)
    lines = [span_text(span) for span in spans[:_SEGMENTS_SHOWN]]
    if rank <= _TIMELINES_SHOWN:
        draw_chart(
            segment_timeline(spans, query_seconds=query_seconds, reference_seconds=length),
            key=f"timeline-{rank}",
            alt="; ".join(lines),
        )
    more = len(spans) - len(lines)
    if more:
        lines.append(f"and {plural(more, 'more segment')}")
    st.markdown("  \n".join(lines))
    best = best_segment(spans)
    return 0.0 if best is None else best.reference_start


@st.dialog("Player", width="large", on_dismiss=dialogs.dismiss)
def _play(match: Match, at: float) -> None:
    name_line(match.name, f"from {clock(at)}")
    play(match.video_id, start=at)
