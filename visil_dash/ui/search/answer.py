"""The search page's answer: ranked videos, their matched spans, agreement, downloads."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.clock import clock
from visil_dash.matching.agreement import agreement
from visil_dash.matching.verdict import answer, verdict_of
from visil_dash.records import SearchResult
from visil_dash.ui.search.cards import Ranked
from visil_dash.ui.search.downloads import downloads
from visil_dash.ui.search.options import EXHAUSTIVE, HIERARCHICAL, NEAREST, Options
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, percent, plural, safe_name, seconds
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, name_line, thumbnail, verified_badge

CROWDED = 0.25  # background from which a search tells of it: one query of ten has more
NO_FEATURES = "no features of the model"  # begins the reason in SearchResult.skipped


def headline(result: SearchResult) -> None:
    """The answer in one sentence, then how it was found."""
    with st.container(horizontal=True, vertical_alignment="center"):
        said = answer(result.matches)
        st.subheader(said, anchor=False, width="stretch")
        if st.button(
            "Tune",
            icon=":material/tune:",
            type="tertiary",
            help="Move the distance threshold and see which frames and videos it lets in",
        ):
            state.goto_threshold(result.query_id)
        downloads(result)
    took = sum(result.timings.values())
    looked = _looked(result) + (", inside the picture too," if result.inside else "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"{looked} in {seconds(took)} · a match scores {result.match_score:.2f} or more ·"
            f" model {md(result.model)}",
            width="content",
        )
        verified_badge(backend.workbench().model.verified)
    if result.background >= CROWDED and any(m.probability is not None for m in result.matches):
        st.caption(
            "Many videos come near this clip: the 3rd to 12th best reach"
            f" {result.background:.2f} on average. So each match is less sure than its scores alone"
            " would make it."
        )
    unseen = sum(NO_FEATURES in reason for reason in result.skipped.values())
    if unseen:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"{plural(unseen, 'video')} of {result.library_videos:,} were passed over: the"
                f" model {md(result.model)} has no features of them yet.",
                icon=":material/info:",
                width="stretch",
            )
            if st.button("Extract them on the Library page", key="goto_extract"):
                state.goto_library()
    for notice in result.notices:
        st.warning(md(notice), icon=":material/info:")
    failed = {v: reason for v, reason in result.skipped.items() if NO_FEATURES not in reason}
    if failed:
        with st.expander(f"{plural(len(failed), 'video')} could not be compared"):
            for video_id, reason in list(failed.items())[:50]:
                known = backend.library_video(video_id)
                name_line(known.name if known else video_id[:12], reason)


def _looked(result: SearchResult) -> str:
    every = plural(result.library_videos, "video")
    if result.mode == "exhaustive":
        return f"All {every} compared"
    if result.mode == "nearest":
        return f"The {len(result.candidates):,} nearest of {every} compared"
    found = plural(len(result.candidates), "candidate")
    return f"{found} of {every} within distance {result.threshold:.3g}"


def query_line(query_id: str) -> None:
    """What is searched for: its picture, name and facts."""
    info = backend.info_of(query_id)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="query-card"):
        with st.container(width=160):
            thumbnail(query_id, key="query")
        with st.container():
            told = "a clip of this session" if backend.session_clip(query_id) else "in the library"
            if info is not None:
                told = (
                    f"{clock(info.duration)} · {info.width}×{info.height} · {info.codec} · {told}"
                )
            name_line(backend.name_of(query_id), told)


def nothing_found() -> None:
    """Not one video to tell of."""
    empty_state("There is nothing to compare with", "Add videos to the library, then search again.")


def _go_exhaustive() -> None:
    st.session_state[state.SEARCH_MODE] = EXHAUSTIVE


def sure_way(result: SearchResult) -> None:
    """Beside nearest videos that stand in for candidates: how to be sure."""
    if not any(candidate.hits for candidate in result.candidates):
        st.button(
            "Search exhaustively",
            icon=":material/manage_search:",
            on_click=_go_exhaustive,
            key="go_exhaustive",
            help="Compares every video in full; slow, misses nothing",
        )


def _look_inside() -> None:
    st.session_state[state.SEARCH_INSIDE] = True
    if st.session_state.get(state.SEARCH_MODE) == NEAREST:
        st.session_state[state.SEARCH_MODE] = HIERARCHICAL


def inside_way(found: Sequence[Ranked], options: Options) -> None:
    """Where nothing scores as a match and only whole pictures were compared: look further."""
    if options.inside or any(verdict_of(match).is_match for _, match in found):
        return
    st.button(
        "Look inside the picture",
        icon=":material/picture_in_picture:",
        on_click=_look_inside,
        key="go_inside",
        help="The footage may be a picture in the clip's picture, or one cell of a collage:"
        " searches for its corners, centre and halves as well",
    )


def agreement_card(result: SearchResult, options: Options) -> None:
    """What hierarchical search would have missed, beside an exhaustive result."""
    task = backend.search(result.query_id, threshold=options.threshold, exhaustive=False)
    if not finished(task, title="Searching hierarchically, to compare", name=result.query):
        return
    found = agreement(backend.judged(task.result), result)
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
            meanings={
                "Matches found": "Videos that score as a match and that hierarchical search found",
                f"Overlap of the top {found.k}": "Share of the exhaustive list's top that were"
                " candidates, whether they are matches or not",
                "Hierarchical": "Finding candidates and comparing them",
                "Exhaustive": "Comparing every video",
            },
        )
