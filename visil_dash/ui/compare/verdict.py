"""The top of the Compare page: the pair, and the verdict with its scores and reasons."""

import streamlit as st

from visil_dash.framing.views import BY_KEY, QueryRef
from visil_dash.matching.maps import ScorerRow, scorer_rows
from visil_dash.matching.reasons import Explanation, explain
from visil_dash.records import WHOLE, Comparison
from visil_dash.ui.compare.tasks import comparison, comparison_task
from visil_dash.ui.pair.judging import draw_note, draw_verdict_choice
from visil_dash.ui.pair.pinning import draw_pin
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.picker import pick_video, picked_video
from visil_dash.ui.shell.text import escaped, md, percent, safe_name
from visil_dash.ui.shell.waiting import finished, read_clip
from visil_dash.ui.shell.widgets import UI_ASSETS, facts, form_line, verified_badge

# ---- which pair ----


def draw_pair_form() -> tuple[str, str] | None:
    """Query and reference, once both are chosen and read; for the query, the chosen view of it.

    A form while a side is missing, then a line that opens it.
    """
    query = picked_video(state.COMPARE_QUERY, state.PARAM_QUERY)
    reference = picked_video(state.COMPARE_REFERENCE, state.PARAM_REFERENCE)
    chosen = query is not None and reference is not None
    with form_line(_line(query, reference), key=state.COMPARE_CHANGE, chosen=chosen):
        query, reference, part = _draw_pickers()
    if query is None or reference is None:
        return None
    clips = [clip for v in (query, reference) if (clip := backend.session_clip(v)) is not None]
    return (
        (str(QueryRef(query, part)), reference) if all(read_clip(clip) for clip in clips) else None
    )


def _line(query: str | None, reference: str | None) -> str:
    if query is None or reference is None:
        return "**Query and reference**"
    names = (md(safe_name(backend.name_of(video))) for video in (query, reference))
    return f"**{next(names)}** in **{next(names)}** · :primary[Change]"


def _draw_pickers() -> tuple[str | None, str | None, str]:
    """Query, reference, and the part of the query's picture that is compared."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch"):
            query = pick_video("Query", key=state.COMPARE_QUERY, param=state.PARAM_QUERY)
        st.button(
            "Swap",
            icon=":material/swap_horiz:",
            on_click=_swap,
            disabled=query is None and st.session_state.get(state.COMPARE_REFERENCE) is None,
            help="Exchange query and reference",
        )
        with st.container(width="stretch"):
            reference = pick_video(
                "Reference", key=state.COMPARE_REFERENCE, param=state.PARAM_REFERENCE
            )
    return query, reference, _draw_part()


def _draw_part() -> str:
    """Which part of the query's picture is compared: key of a view."""
    from_link(
        state.COMPARE_PART,
        state.PARAM_PART,
        lambda given: given if given in BY_KEY else None,
        default=WHOLE,
    )
    part = st.selectbox(
        "Part of the query's picture",
        [WHOLE, *BY_KEY],
        format_func=lambda key: BY_KEY[key].title if key else "whole picture",
        key=state.COMPARE_PART,
        persist_state="session",
        width=240,
        help="If the query shows other footage inside its picture, compare only that part.",
    )
    to_link(state.PARAM_PART, part)
    return part


def _swap() -> None:
    keys = state.COMPARE_QUERY, state.COMPARE_REFERENCE
    query, reference = (st.session_state.get(key) for key in keys)
    st.session_state[state.COMPARE_QUERY] = reference
    st.session_state[state.COMPARE_REFERENCE] = query


def compared(query: str, reference: str) -> Comparison | None:
    """The comparison; until it is there, draws its progress and returns None."""
    task = comparison_task(query, reference)
    names = " with ".join(backend.name_of(video) for video in (query, reference))
    if finished(task, title="Comparing the two videos", name=names):
        return comparison(query, reference)
    if task.ended and st.button("Compare again", icon=":material/refresh:", key="compare_again"):
        comparison_task(query, reference, again=True)
        st.rerun()
    return None


# ---- the verdict ----


def pair_explanation(pair: Comparison) -> Explanation:
    """The verdict and its reasons, by the match score in use."""
    bench = backend.workbench()
    query, reference = backend.opened(pair.query), backend.opened(pair.reference)
    return explain(
        pair,
        bench.judged_pair(pair),
        match_score=bench.match_score(),
        frame_level=bench.model.frame_level,
        query=query.features,
        reference=reference.features,
        query_seconds=query.info.duration,
        reference_seconds=reference.info.duration,
    )


def draw_verdict(pair: Comparison, explanation: Explanation) -> None:
    """What the pair is, a person's verdict on it, and the four numbers that decide."""
    st.html(UI_ASSETS / "explore.css")
    verdict = explanation.verdict
    with st.container(border=True, key="verdict", gap="small"):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key="verdict-line"
        ):
            st.subheader(explanation.title, anchor=False, width="content")
            if verdict.is_match:
                st.badge(verdict.label, icon=":material/check:", color="green")
            elif verdict.is_doubt:
                st.badge(verdict.label, icon=":material/sync_problem:", color="blue")
            else:
                st.badge(verdict.label, color="gray")
            verified_badge(pair.verified)
            st.space("stretch")
            draw_verdict_choice(pair.query, pair.reference, key="compare_verdict")
            draw_note(pair.query, pair.reference, key="compare_note")
            draw_pin(pair.query, pair.reference, key="compare_pin")
        facts(_facts(pair, explanation))


def draw_reasons(pair: Comparison, explanation: Explanation) -> None:
    """Why the pair is what it is, and what every scorer makes of it; folded."""
    verdict, match_score = explanation.verdict, backend.workbench().match_score()
    title = "Why" if verdict.is_match or verdict.is_doubt else "Why not"
    with st.expander(f"{title}, and the scores of every scorer", icon=":material/help:"):
        why, scorers = st.columns([3, 2], gap="large")
        with why:
            st.markdown(f"**{title}**")
            st.markdown("\n".join(f"- {md(sentence)}" for sentence in explanation.sentences))
        with scorers:
            st.markdown("**By scorer**")
            _scorer_table(scorer_rows(pair), match_score)


def _facts(pair: Comparison, explanation: Explanation) -> dict[str, str]:
    return {
        "Query → reference": f"{pair.score:.3f}",
        "Reference → query": f"{pair.reverse_score:.3f}",
        "Query covered": percent(explanation.verdict.coverage.query),
        "Reference covered": percent(explanation.verdict.coverage.reference),
    }


def _scorer_table(rows: tuple[ScorerRow, ...], match_score: float) -> None:
    """Each scorer in both directions; the match score applies to the one that decides."""
    lines = []
    for row in rows:
        mark = ' class="vd-decides"' if row.decides else ""
        about = row.about + (f"; decides, match score {match_score:.3f}" if row.decides else "")
        lines.append(
            f'<tr{mark}><th scope="row">{escaped(row.name)}<small>{escaped(about)}</small></th>'
            f"<td>{row.forward:.3f}</td><td>{row.reverse:.3f}</td></tr>"
        )
    st.html(
        '<table class="vd-scorers"><thead><tr><th scope="col">Scorer</th>'
        '<th scope="col">Query →<br>reference</th>'
        '<th scope="col">Reference →<br>query</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
