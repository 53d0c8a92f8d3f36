"""The search page's answer: ranked videos, their matched spans, agreement, downloads."""

from typing import Literal

import streamlit as st

from visil_dash.agreement import agreement
from visil_dash.export_search import matches_csv, matches_json
from visil_dash.plots_timeline import segment_timeline, span_text, within
from visil_dash.records import Match, SearchResult
from visil_dash.ui import backend, state
from visil_dash.ui.search_view import EXHAUSTIVE, Options, finished
from visil_dash.ui.text import md, mmss, percent, plural, safe_name, seconds
from visil_dash.ui.widgets import (
    await_posters,
    empty_state,
    facts,
    name_line,
    play,
    thumbnail,
    verified_badge,
)

SPANS_SHOWN = 4
TIMELINES_SHOWN = 20


def kind_of(match: Match, match_score: float) -> str:
    """match: the clip as a whole is found there. part: a stretch of it is. weak: neither."""
    if match.score >= match_score:
        return "match"
    return "part" if match.segments else "weak"


def headline(result: SearchResult, match_score: float) -> None:
    """The answer in one sentence, then how it was found."""
    kinds = [kind_of(match, match_score) for match in result.matches]
    above, parts = kinds.count("match"), kinds.count("part")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_answer(above, parts), anchor=False, width="stretch")
        if st.button(
            "Tune",
            icon=":material/tune:",
            type="tertiary",
            help="Move the distance threshold and see which frames and videos it lets in",
        ):
            state.goto_threshold(result.query_id)
        _downloads(result)
    took = sum(result.timings.values())
    looked = (
        f"All {plural(result.library_videos, 'video')} compared"
        if result.mode == "exhaustive"
        else f"{plural(len(result.candidates), 'candidate')} of"
        f" {plural(result.library_videos, 'video')} within distance {result.threshold:.3g}"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"{looked} in {seconds(took)} · a match scores {match_score:.2f} or more ·"
            f" model {md(result.model)}",
            width="content",
        )
        verified_badge(backend.workbench().model.verified)
    for notice in result.notices:
        st.warning(md(notice), icon=":material/info:")
    if result.skipped:
        with st.expander(f"{plural(len(result.skipped), 'video')} could not be compared"):
            for video_id, reason in list(result.skipped.items())[:50]:
                known = backend.library_video(video_id)
                name_line(known.name if known else video_id[:12], reason)


def _answer(above: int, parts: int) -> str:
    shares = "shares" if above == 1 else "share"
    if above and parts:
        return f"{plural(above, 'video')} {shares} this footage, {parts} more in part"
    if above:
        return f"{plural(above, 'video')} {shares} footage with this clip"
    if parts:
        return f"{plural(parts, 'video')} may share a part of this clip"
    return "No video shares footage with this clip"


def query_line(query_id: str) -> None:
    """What is searched for: its picture, name and facts."""
    info = backend.media_info(query_id)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="query-card"):
        with st.container(width=160):
            thumbnail(query_id, key="query")
        with st.container():
            told = "a clip of this session" if backend.session_clip(query_id) else "in the library"
            if info is not None:
                told = f"{mmss(info.duration)} · {info.width}×{info.height} · {info.codec} · {told}"
            name_line(backend.name_of(query_id), told)


def _downloads(result: SearchResult) -> None:
    with st.popover("Download", icon=":material/download:", disabled=not result.matches):
        stem = "matches-" + state.short(result.query_id)
        st.download_button(
            "CSV, one row a matched span",
            lambda: matches_csv(result),
            file_name=f"{stem}.csv",
            mime="text/csv",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "JSON, all of the result",
            lambda: matches_json(result),
            file_name=f"{stem}.json",
            mime="application/json",
            on_click="ignore",
            width="stretch",
        )


def match_cards(result: SearchResult, *, top: int, match_score: float) -> None:
    """The ranked videos; those that neither score nor line up take a single line."""
    shown = result.matches[:top]
    info = backend.media_info(result.query_id)
    length = info.duration if info else 0.0
    weak_told = False
    for rank, match in enumerate(shown, 1):
        kind = kind_of(match, match_score)
        if kind == "weak":
            if not weak_told:
                st.caption(f"Below the score of a match ({match_score:.2f}), nothing lines up")
            weak_told = True
            _weak_row(rank, match, result.query_id)
        else:
            _card(rank, match, result.query_id, kind=kind, query_seconds=length)
    await_posters([result.query_id, *(match.video_id for match in shown)])
    if len(result.matches) > len(shown):
        st.caption(
            f"{plural(len(result.matches) - len(shown), 'weaker video')} not shown:"
            " raise “Show at most”."
        )


_MEANING = {
    "Score": "How much of the clip is found in this video; 1 is the most",
    "Other way": "How much of this video is found in the clip",
    "Nearest frame": "Smallest squared L2 distance of a frame of the clip to a frame of this video",
    "Near frame pairs": "Pairs of a clip's frame and a frame of this video within the threshold",
}


def _card(rank: int, match: Match, query_id: str, *, kind: str, query_seconds: float) -> None:
    with st.container(border=True, key=f"match-{rank}"):
        picture, told = st.columns([1, 3.4], gap="medium")
        with picture:
            thumbnail(match.video_id, key=f"match{rank}")
        with told:
            with st.container(horizontal=True, vertical_alignment="top"):
                with st.container():
                    name_line(f"{rank}. {match.name}")
                if kind == "match":
                    st.badge("match", icon=":material/check:", color="green")
                else:
                    st.badge(
                        "part",
                        color="blue",
                        help="Over the whole clip the score is below that of a match, but a"
                        " stretch of it lines up in time.",
                    )
            near = match.min_distance
            facts(
                {
                    "Score": f"{match.score:.3f}",
                    "Other way": f"{match.reverse_score:.3f}",
                    "Nearest frame": "not a candidate" if near is None else f"{near:.3f}",
                    "Near frame pairs": f"{match.candidate_frames:,}",
                },
                told=_MEANING,
            )
            at = _spans(rank, match, query_seconds)
            with st.container(horizontal=True):
                _compare_button(rank, match, query_id)
                if st.button(
                    f"Play at {mmss(at)}",
                    key=f"play-{rank}",
                    icon=":material/play_arrow:",
                    type="tertiary",
                ):
                    _play(match, at)


def _weak_row(rank: int, match: Match, query_id: str) -> None:
    near = "no candidate" if match.min_distance is None else f"nearest {match.min_distance:.3f}"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"match-{rank}"
    ):
        with st.container(width=96):
            thumbnail(match.video_id, key=f"match{rank}")
        with st.container():
            name_line(
                f"{rank}. {match.name}",
                f"score {match.score:.3f} · other way {match.reverse_score:.3f} · {near}",
            )
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
        state.goto_compare(query_id, match.video_id)


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


@st.dialog("Player", width="large")
def _play(match: Match, at: float) -> None:
    name_line(match.name, f"from {mmss(at)}")
    play(match.video_id, start=at)


def nothing_found(result: SearchResult) -> None:
    """No candidate at all: what that means, and the way to be sure."""
    if result.mode == "exhaustive":
        empty_state(
            "There is nothing to compare with", "Add videos to the library, then search again."
        )
        return
    empty_state(
        "No frame of the library is near this clip",
        f"Nothing lies within distance {result.threshold:.3g}. Exhaustive search compares every"
        " video in full; a higher distance threshold lets more candidates in.",
        lambda: st.button(
            "Search exhaustively", type="primary", on_click=_go_exhaustive, key="go_exhaustive"
        ),
    )


def _go_exhaustive() -> None:
    st.session_state[state.SEARCH_MODE] = EXHAUSTIVE


def agreement_card(result: SearchResult, options: Options, match_score: float) -> None:
    """What hierarchical search would have missed, beside an exhaustive result."""
    task = backend.search(result.query_id, threshold=options.threshold, exhaustive=False)
    if not finished(task, title="Searching hierarchically, to compare", name=result.query):
        return
    found = agreement(task.result, result, match_score=match_score)
    with st.container(border=True, key="agreement"):
        if not found.above:
            st.markdown("**Both searches agree:** no video scores as a match.")
        elif not found.missed_above:
            st.markdown(
                f"**Hierarchical search misses nothing here:** all {found.above} matches are among"
                " its candidates."
                if found.above > 1
                else "**Hierarchical search misses nothing here:** the one match is among its"
                " candidates."
            )
        else:
            names = ", ".join(md(safe_name(m.name)) for m in found.missed_above[:5])
            st.markdown(
                f"**Hierarchical search misses {len(found.missed_above)} of {found.above}"
                f" {'match' if found.above == 1 else 'matches'}:** {names}. A higher distance"
                " threshold would let them in."
            )
        facts(
            {
                "Matches found": f"{found.above - len(found.missed_above)} of {found.above}",
                f"Overlap of the top {found.k}": percent(found.overlap),
                "Candidates": f"{len(task.result.candidates):,} of {result.library_videos:,}",
                "Hierarchical": seconds(found.hierarchical_seconds),
                "Exhaustive": seconds(found.exhaustive_seconds),
            },
            told={
                "Matches found": "Videos that score as a match and that hierarchical search found",
                f"Overlap of the top {found.k}": "Share of the exhaustive list's top that were"
                " candidates, whether they are matches or not",
                "Hierarchical": "Finding candidates and comparing them",
                "Exhaustive": "Comparing every video",
            },
        )
