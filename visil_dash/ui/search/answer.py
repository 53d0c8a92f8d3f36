"""The search page's answer in one sentence, and what else to know or to try."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from visil_dash.matching.agreement import Agreement, agreement
from visil_dash.matching.headline import headline
from visil_dash.matching.verdict import Filter, verdict_of
from visil_dash.records import SearchResult
from visil_dash.ui.search.cards import Ranked
from visil_dash.ui.search.downloads import draw_downloads
from visil_dash.ui.search.filters import draw_filter
from visil_dash.ui.search.options import EXHAUSTIVE, HIERARCHICAL, NEAREST, SearchOptions
from visil_dash.ui.search.tasks import Verification, proofs_of
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import escaped, md, percent, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, name_line, verified_badge

CROWDED = 0.25  # background from which it is mentioned: that of one query in ten is higher
_ORDER = (
    "Proved on the pixels first, contradicted last, and by strength: the best of a match's scores,"
    " of either direction or of the matched segments alone"
)
_NO_FEATURES = "no features of the model"  # begins the reason in SearchResult.skipped


def draw_answer(
    result: SearchResult, matches: Sequence[Ranked], verification: Verification | None
) -> Filter:
    """The answer in a sentence, how it was found, and what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="answer-line"):
        with st.container(key="answer"):
            st.subheader(md(headline(result)), anchor=False)
        chosen = draw_filter(matches)
        draw_downloads(result)
        if st.button(
            "Tune",
            icon=":material/tune:",
            type="tertiary",
            help="Move the distance threshold and see which frames and videos it admits",
        ):
            state.goto_threshold(result.query_id)
    _draw_state(result, verification)
    return chosen


def _draw_state(result: SearchResult, verification: Verification | None) -> None:
    """How the answer was found, in one line, with the order of the matches."""
    took = seconds(sum(result.timings.values()))
    inside = ", inside the picture too," if result.inside else ""
    line = (
        f"{_compared(result)}{inside} in {took} · match score {result.match_score:.2f}"
        f" · model {result.model}"
    )
    order = "proved first, then the strongest" if proofs_of(result) else "strongest first"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<div class="vd-meta">{escaped(line)} · <b title="{escaped(_ORDER)}">'
            f"{escaped(order)}</b></div>",
            width="content",
        )
        verified_badge(result.verified)
        if verification is None:
            return
        if verification.going_on:
            _watch_verification(verification)
        elif verification.task.error is not None:
            st.caption(md(str(verification.task.error)))


@fragment(run_every=1.0)
def _watch_verification(verification: Verification) -> None:
    """Progress of the proofs; draws the page again with each that arrives."""
    task = verification.task
    if task.ended or verification.news:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        st.html(
            f'<div class="vd-meta" role="status">Verifying, {percent(task.share)}</div>',
            width="content",
        )
        st.button(
            "Stop",
            key="stop_verification",
            type="tertiary",
            on_click=task.cancel,
            help="Ends the verification on the pixels; what was proved stays",
        )


def _compared(result: SearchResult) -> str:
    videos = plural(result.library_videos, "video")
    videos += f" with the tag {' and '.join(result.tags)}" if result.tags else ""
    if result.mode == "exhaustive":
        return f"All {videos} compared"
    if result.mode == "nearest":
        return f"The {len(result.candidates):,} nearest of {videos} compared"
    candidates = plural(len(result.candidates), "candidate")
    line = f"{candidates} of {videos} within distance threshold {result.threshold:.3g}"
    return f"{line}, the best {result.reranked:,} re-ranked" if result.waiting else line


def draw_notices(result: SearchResult) -> None:
    """What limits the answer: a common query, videos without features, failed comparisons."""
    if result.background >= CROWDED and any(m.probability is not None for m in result.matches):
        st.caption(
            "Many videos are similar to this query clip: the 3rd to 12th best score"
            f" {result.background:.2f} on average. Confidence is therefore lower than the scores"
            " alone suggest."
        )
    _missing_features(result)
    for notice in result.notices:
        st.warning(md(notice), icon=":material/info:")
    failed = {v: reason for v, reason in result.skipped.items() if _NO_FEATURES not in reason}
    if failed:
        _unusable_features(failed)


def _unusable_features(failed: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"{plural(len(failed), 'video')} could not be searched: the stored features are"
            " damaged. Any match with them is missing below.",
            icon=":material/error:",
            width="stretch",
        )
        if st.button("Repair them on the Library page", key="goto_repair"):
            state.goto_library()
    with st.expander("Which, and why"):
        for video_id, reason in list(failed.items())[:50]:
            video = backend.library_video(video_id)
            name_line(video.name if video else video_id[:12], reason)


def _missing_features(result: SearchResult) -> None:
    missing = sum(_NO_FEATURES in reason for reason in result.skipped.values())
    if not missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"{plural(missing, 'video')} of {result.library_videos:,} were skipped: model"
            f" {md(result.model)} has no features for them yet.",
            icon=":material/info:",
            width="stretch",
        )
        if st.button("Extract them on the Library page", key="goto_extract"):
            state.goto_library()


def draw_nothing_compared(result: SearchResult) -> None:
    """Why no video was compared: that no copy exists is not the answer then."""
    if result.skipped:
        empty_state(
            "No video could be compared",
            f"None of the library's videos has usable features of the model {result.model}, so"
            " this search cannot say whether there are copies. Extract the features on the"
            " Library page.",
        )
    else:
        empty_state(
            "There is nothing to compare with",
            "The query clip is the only video in the library. Add others first.",
        )


# ---- other ways to search ----


def draw_exhaustive_button(result: SearchResult) -> None:
    """Where nearest videos replace missing candidates: compare all videos."""
    if not any(candidate.hits for candidate in result.candidates):
        st.button(
            "Search exhaustively",
            icon=":material/manage_search:",
            on_click=st.session_state.update,
            args=({state.SEARCH_MODE: EXHAUSTIVE},),
            key="go_exhaustive",
            help="Compares every video in full: slow but complete",
        )


def _look_inside() -> None:
    st.session_state[state.SEARCH_INSIDE] = True
    if st.session_state.get(state.SEARCH_MODE) == NEAREST:
        st.session_state[state.SEARCH_MODE] = HIERARCHICAL


def holds_match(result: SearchResult) -> bool:
    return any(verdict_of(match).is_match for match in result.matches)


def draw_inside_button(options: SearchOptions, *, key: str = "go_inside") -> None:
    """Where nothing matches: search parts of the picture, unless they were searched."""
    if options.inside:
        return
    st.button(
        "Look inside the picture",
        icon=":material/picture_in_picture:",
        on_click=_look_inside,
        key=key,
        help="Also searches with the corners, centre and halves of the query clip's picture, to"
        " find footage shown picture-in-picture or in a collage",
    )


# ---- hierarchical against exhaustive ----


def draw_agreement(result: SearchResult, options: SearchOptions) -> None:
    """What hierarchical search would have missed, beside an exhaustive result."""
    task = backend.search(
        result.query_id, threshold=options.threshold, exhaustive=False, tags=options.tags
    )
    if not finished(task, title="Searching hierarchically, to compare", name=result.query):
        return
    # A pair is the same pair however it was found, so what was proved of it holds for both.
    known = {match.video_id: match for match in result.matches}
    found = backend.with_verdicts(task.result)
    matches = tuple(known.get(match.video_id, match) for match in found.matches)
    both = agreement(replace(found, matches=matches), result)
    overlap = f"Overlap of the top {both.k}"
    with st.container(border=True, key="agreement"):
        st.markdown(_agreement_text(both))
        facts(
            {
                "Matches found": f"{both.above - len(both.missed_above)} of {both.above}",
                overlap: percent(both.overlap),
                "Candidates": f"{len(task.result.candidates):,} of {result.library_videos:,}",
                "Hierarchical": seconds(both.hierarchical_seconds),
                "Exhaustive": seconds(both.exhaustive_seconds),
            },
            meanings={
                "Matches found": "Matches that hierarchical search found",
                overlap: "Share of the exhaustive top results that were candidates, matches or not",
                "Hierarchical": "Candidate generation and re-ranking",
                "Exhaustive": "Comparing every video",
            },
        )


def _agreement_text(both: Agreement) -> str:
    matches, missed = both.above, both.missed_above
    if not matches:
        return "**Both searches agree:** no video is a match."
    if not missed:
        them = "the one match is" if matches == 1 else f"all {matches} matches are"
        return f"**Hierarchical search misses nothing here:** {them} among its candidates."
    names = ", ".join(md(safe_name(match.name)) for match in missed[:5])
    return (
        f"**Hierarchical search misses {len(missed)} of"
        f" {plural(matches, 'match', 'matches')}:** {names}. A higher distance threshold would"
        " admit them."
    )
