"""The further numbers of a match: scores, distances, coverage, and all its segments."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.framing.views import BY_KEY
from visil_dash.matching.verdict import ANY_OFFSET, verdict_of
from visil_dash.plots.timeline import span_text
from visil_dash.records import Match, Segment
from visil_dash.ui.pair.proof import draw_proof_badge, edits_text
from visil_dash.ui.shell.text import md, percent, plural
from visil_dash.ui.shell.widgets import facts

_SEGMENTS_SHOWN = 6
_OF_QUERY, _OF_VIDEO = "Of the query clip in this video", "Of this video in the query clip"
_MEANING = {
    "Strength": "The best of its scores, by which the matches are sorted",
    "Score": "How much of the query clip is in this video (query → reference), at most 1",
    "Reverse score": "How much of this video is in the query clip (reference → query)",
    "Segment score": "Score of the frames in the matched segments alone, in the better direction",
    "Nearest frame": "Smallest squared L2 distance between a frame of the query clip and one of"
    " this video",
    "Near frame pairs": "Pairs of a query frame and a frame of this video within the distance"
    " threshold",
}


def draw_details(match: Match, spans: Sequence[Segment], *, key: str) -> None:
    """Behind a button; `spans`: the segments cut at the ends of both videos."""
    verdict = verdict_of(match)
    with st.popover("Details", icon=":material/info:", key=key):
        st.markdown(f"**{verdict.label.capitalize()}.** {verdict.reason}")
        if verdict.any_offset and verdict.reason != ANY_OFFSET:
            st.caption(f":material/sync_problem: {ANY_OFFSET}")
        if match.view:
            st.caption(f"Matched with the {BY_KEY[match.view].of_query}.")
        facts(_values(match), meanings=_MEANING)
        if match.proof is not None:
            draw_proof_badge(match.proof)
            st.caption(md(" ".join(filter(None, [match.proof.reason, edits_text(match.proof)]))))
        if spans:
            covered = verdict.coverage
            facts({_OF_QUERY: percent(covered.query), _OF_VIDEO: percent(covered.reference)})
            lines = [span_text(span) for span in spans[:_SEGMENTS_SHOWN]]
            if len(spans) > len(lines):
                lines.append(f"and {plural(len(spans) - len(lines), 'more segment')}")
            st.markdown("  \n".join(lines))
        if match.similar:
            also = [span_text(span) for span in match.similar[:_SEGMENTS_SHOWN]]
            st.caption("Looks similar, but is no part of the match:  \n" + "  \n".join(also))


def _values(match: Match) -> dict[str, str]:
    near, part = match.min_distance, match.part_score
    return {
        "Strength": f"{match.strength:.3f}",
        "Score": f"{match.score:.3f}",
        "Reverse score": f"{match.reverse_score:.3f}",
        **({} if part is None else {"Segment score": f"{part:.3f}"}),
        "Nearest frame": "not a candidate" if near is None else f"{near:.3f}",
        "Near frame pairs": f"{match.candidate_frames:,}",
    }
