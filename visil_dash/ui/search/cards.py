"""The matches of a search as cards: both frames, one badge, one confidence, one timeline."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.clock import clock
from visil_dash.framing.views import QueryRef
from visil_dash.matching.proved import standing
from visil_dash.matching.verdict import best_segment, confidence_text, verdict_of
from visil_dash.plots.timeline import segment_timeline, span_text, within
from visil_dash.proof.moments import is_shown, shown_times
from visil_dash.records import WHOLE, Match, ProofState, Relation, SearchResult, Segment
from visil_dash.ui.pair.judging import draw_verdict_choice
from visil_dash.ui.pair.moments import PairMoment, draw_moment
from visil_dash.ui.pair.pinning import draw_pin
from visil_dash.ui.pair.proof import proof_line
from visil_dash.ui.search.details import draw_details
from visil_dash.ui.shell import backend, dialogs
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import escaped, plural
from visil_dash.ui.shell.widgets import (
    compare_button,
    draw_chart,
    name_line,
    thumbnail,
)

_TIMELINES_SHOWN = 20
_TIMELINE_HEIGHT = 92
_CONFIDENCE = (
    "Probability that this video contains footage of the query clip, estimated from labelled pairs."
    " It is lower where the clip is similar to many videos, and where many videos or parts of the"
    " picture were compared"
)
_STRENGTH = "The best of its scores, of either direction or of the matched segments alone"
Ranked = tuple[int, Match]


def ranked(result: SearchResult) -> tuple[Ranked, ...]:
    return tuple(enumerate(result.matches, 1))


def draw_match_cards(matches: Sequence[Ranked], result: SearchResult, *, top: int) -> None:
    shown = matches[:top]
    weak = [(rank, match) for rank, match in shown if _is_weak(match)]
    moments = {
        match.video_id: _moment(result.query_id, match) for _, match in shown if not _is_weak(match)
    }
    for rank, match in shown:
        if match.video_id in moments:
            _card(rank, match, moments[match.video_id])
    if weak:
        st.caption(f"Below the match score ({result.match_score:.2f}), without a matched segment:")
    for rank, match in weak:
        _weak_row(rank, match, result.query_id)
    opened = dialogs.requested(dialogs.SEARCH)
    for _, match in shown:
        if opened is not None and opened[0] == match.video_id:
            _play(match, float(opened[1]))
    if len(matches) > len(shown):
        st.caption(
            f"{plural(len(matches) - len(shown), 'lower-ranked video')} not shown: raise “Show at"
            f" most” under Advanced."
        )


def _is_weak(match: Match) -> bool:
    return verdict_of(match).relation is Relation.NONE


def _moment(query_id: str, match: Match) -> PairMoment:
    # A proof is of the whole picture, also where a part of it was searched with.
    view = WHOLE if is_shown(match.proof) else match.view
    return PairMoment(str(QueryRef(query_id, view)), match.video_id, shown_times(match))


def _card(rank: int, match: Match, moment: PairMoment) -> None:
    query_id = QueryRef.parse(moment.query_id).base
    spans, lengths = _spans(query_id, match)
    with st.container(border=True, key=f"match-{rank}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(key=f"name-{rank}"):
                name_line(f"{rank}. {match.name}", one_line=True)
            _relation_badge(match)
        pictures, text = st.columns(2, gap="medium")
        with pictures:
            draw_moment(moment, key=str(rank))
        with text, st.container(gap="xsmall"):
            _numbers(match)
            _timeline(rank, spans, lengths)
            _proof_line(match)
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"acts-{rank}"
        ):
            draw_verdict_choice(query_id, match.video_id, key=f"verdict-{match.video_id}")
            st.space("stretch")
            best = best_segment(spans)
            at = 0.0 if best is None else best.reference_start
            st.button(
                f"Play from {clock(at)}",
                key=f"play-{rank}",
                icon=":material/play_arrow:",
                type="tertiary",
                on_click=dialogs.request,
                args=(dialogs.SEARCH, match.video_id, at),
            )
            draw_pin(query_id, match.video_id, key=f"pin-{match.video_id}")
            draw_details(match, spans, key=f"details-{rank}")
            compare_button(
                query_id,
                match.video_id,
                key=f"compare-{rank}",
                part=match.view,
                kind="secondary",
            )


def _relation_badge(match: Match) -> None:
    """The relation in words, with a seal where it is proved; green a match, blue a doubt."""
    verdict, proved = verdict_of(match), standing(match) > 0
    st.badge(
        verdict.label,
        icon=":material/verified:" if proved else ":material/check:" if verdict.is_match else None,
        color="green" if verdict.is_match else "blue" if verdict.is_doubt else "gray",
        help=verdict.reason,
    )


def _numbers(match: Match) -> None:
    """Confidence, or the strength where the model reports none; length and resolution."""
    confidence = confidence_text(verdict_of(match))
    name, value, meaning = (
        ("strength", f"{match.strength:.2f}", _STRENGTH)
        if confidence is None
        else ("confidence", confidence, _CONFIDENCE)
    )
    info = backend.info_of(match.video_id)
    about = "" if info is None else f"{clock(info.duration)} · {info.width}×{info.height}"
    st.html(
        f'<div class="vd-card-line"><span title="{escaped(meaning)}"><b>{escaped(value)}</b>'
        f' {escaped(name)}</span><span class="vd-meta">{escaped(about, empty="")}</span></div>'
    )


def _spans(query_id: str, match: Match) -> tuple[tuple[Segment, ...], tuple[float, float]]:
    """The segments cut at the ends of both videos, and how long these are (0: unknown)."""
    infos = backend.info_of(query_id), backend.info_of(match.video_id)
    query, reference = (info.duration if info else 0.0 for info in infos)
    spans = within(match.segments, query_seconds=query, reference_seconds=reference)
    return spans, (query, reference)


def _timeline(rank: int, spans: Sequence[Segment], lengths: tuple[float, float]) -> None:
    best = best_segment(spans)
    if best is None:
        st.caption("No matched segment.")
        return
    line = span_text(best)
    if rank <= _TIMELINES_SHOWN:
        draw_chart(
            segment_timeline(
                spans,
                query_seconds=lengths[0],
                reference_seconds=lengths[1],
                height=_TIMELINE_HEIGHT,
            ),
            key=f"timeline-{rank}",
            alt=line,
        )
    more = f", and {plural(len(spans) - 1, 'more segment')}" if len(spans) > 1 else ""
    st.html(f'<div class="vd-meta">{escaped(line + more)}</div>')


def _proof_line(match: Match) -> None:
    """What the pixels show, where they decided: the edits of a copy, or why it is none."""
    if match.proof is not None and match.proof.state is not ProofState.UNDECIDABLE:
        st.html(f'<div class="vd-meta">{escaped(proof_line(match.proof))}</div>')


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
        _relation_badge(match)
        compare_button(
            query_id, match.video_id, key=f"compare-{rank}", part=match.view, kind="tertiary"
        )


@st.dialog("Player", width="large", on_dismiss=dialogs.dismiss)
def _play(match: Match, at: float) -> None:
    name_line(match.name, f"from {clock(at)}")
    play(match.video_id, start=at)
