"""Search: which library videos contain a query clip, and where."""

import streamlit as st

from visil_dash.ui.models.two_answers import draw_two_answers
from visil_dash.ui.search.answer import (
    draw_agreement,
    draw_answer,
    draw_exhaustive_button,
    draw_inside_button,
    draw_nothing_compared,
    draw_notices,
    holds_match,
)
from visil_dash.ui.search.cards import draw_match_cards, ranked
from visil_dash.ui.search.example import draw_examples
from visil_dash.ui.search.filters import filtered
from visil_dash.ui.search.one_frame import chosen_time, draw_frame_results
from visil_dash.ui.search.options import SearchOptions, draw_go_on, judged_result, search_result
from visil_dash.ui.search.query import draw_query
from visil_dash.ui.search.several import draw_clip_list
from visil_dash.ui.search.tasks import verification
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible_matches
from visil_dash.ui.shell.waiting import read_clip
from visil_dash.ui.shell.widgets import UI_ASSETS, add_videos_button, empty_state, page_header


def draw_result(query_id: str, options: SearchOptions) -> None:
    result = search_result(query_id, options)
    if result is None:
        return
    verified = verification(result)
    if verified is not None and verified.drawn is not None:
        result = judged_result(verified.drawn)
    shown = visible_matches(result)
    if not result.matches:
        draw_notices(shown)
        draw_nothing_compared(result)
        return
    matches = ranked(shown)
    chosen = draw_answer(shown, matches, verified)
    draw_notices(shown)
    if result.mode == "exhaustive":
        draw_agreement(result, options)
    with st.container(horizontal=True):
        draw_go_on(result)
        if result.mode == "nearest":
            draw_exhaustive_button(result)
        if not holds_match(shown):
            draw_inside_button(options)
    draw_match_cards(filtered(matches, chosen), shown, top=options.top)


page_header("Search")
st.html(UI_ASSETS / "search.css")
with friendly():
    show_kept_errors("search")
    clip_list = st.container()
    query_id, options = draw_query()
    clip = backend.session_clip(query_id) if query_id else None
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to search yet.",
            add_videos_button,
        )
    else:
        with clip_list:
            draw_clip_list(query_id, options)
        if query_id is None:
            empty_state(
                "Choose a query clip",
                "Which library videos contain it, and where? Upload a clip above, pick a video"
                " to find its copies and related videos, or begin with an example.",
                draw_examples,
            )
        elif clip is None or read_clip(clip):
            time = chosen_time(query_id)
            if time is not None:
                draw_frame_results(query_id, time, top=options.top)
            elif options.second:
                draw_two_answers(query_id, options)
            else:
                draw_result(query_id, options)
