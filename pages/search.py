"""Search: which library videos contain a query clip, and where."""

import streamlit as st

from visil_dash.ui.search.answer import (
    draw_agreement,
    draw_exhaustive_button,
    draw_headline,
    draw_inside_button,
    draw_nothing_compared,
    draw_notices,
    draw_query_card,
)
from visil_dash.ui.search.cards import draw_match_cards, ranked
from visil_dash.ui.search.filters import filtered
from visil_dash.ui.search.one_frame import chosen_time, draw_frame_results, draw_frame_strip
from visil_dash.ui.search.options import SearchOptions, draw_search_options, search_result
from visil_dash.ui.search.query import draw_query_form
from visil_dash.ui.search.several import draw_clip_list
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible_matches
from visil_dash.ui.shell.waiting import read_clip
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header


def draw_result(query_id: str, options: SearchOptions) -> None:
    result = search_result(query_id, options)
    if result is None:
        return
    shown = visible_matches(result)
    matches = ranked(shown)
    if not result.matches:
        draw_notices(shown)
        draw_nothing_compared(result)
        return
    draw_headline(shown)
    draw_notices(shown)
    if result.mode == "exhaustive":
        draw_agreement(result, options)
    with st.container(horizontal=True):
        if result.mode == "nearest":
            draw_exhaustive_button(result)
        draw_inside_button(matches, options)
    draw_match_cards(filtered(matches), shown, top=options.top)


page_header(
    "Search",
    "Which library videos contain a query clip, and where? Upload a clip or pick a video, then open"
    " a match in Compare to see why it matched.",
)
with friendly():
    show_kept_errors()
    query_id = draw_query_form()
    options = draw_search_options()
    clip = backend.session_clip(query_id) if query_id else None
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to search yet.",
            add_videos_button,
        )
    else:
        draw_clip_list(query_id, options)
        if query_id is None:
            empty_state(
                "Choose a query clip",
                "Upload a clip above, or pick a video to find its copies and related videos.",
            )
        elif clip is None or read_clip(clip):
            draw_query_card(query_id)
            draw_frame_strip(query_id)
            time = chosen_time(query_id)
            if time is None:
                draw_result(query_id, options)
            else:
                draw_frame_results(query_id, time, top=options.top)
