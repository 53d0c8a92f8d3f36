"""Search: a clip in, the videos that contain it and where, out."""

import streamlit as st

from visil_dash.ui.search.answer import (
    agreement_card,
    headline,
    inside_way,
    nothing_found,
    query_line,
    sure_way,
)
from visil_dash.ui.search.cards import match_cards, ranked
from visil_dash.ui.search.filters import filtered
from visil_dash.ui.search.one_frame import chosen_moment, frame_results, frame_strip
from visil_dash.ui.search.options import Options, choose_options, searched
from visil_dash.ui.search.query import choose_query
from visil_dash.ui.search.several import several
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import friendly, show_kept_errors
from visil_dash.ui.shell.verdicts import visible_matches
from visil_dash.ui.shell.waiting import read_clip
from visil_dash.ui.shell.widgets import add_videos_button, empty_state, page_header


def answer(query_id: str, options: Options) -> None:
    result = searched(query_id, options)
    if result is None:
        return
    shown = visible_matches(result)
    found = ranked(shown)
    headline(shown)
    if result.mode == "exhaustive":
        agreement_card(result, options)
    if not result.matches:
        nothing_found()
        return
    with st.container(horizontal=True):
        if result.mode == "nearest":
            sure_way(result)
        inside_way(found, options)
    match_cards(filtered(found), shown, top=options.top)


page_header(
    "Search",
    "Which videos contain this clip, and where? Upload a clip or pick a video, then open a match"
    " in Compare to see why.",
)
with friendly():
    show_kept_errors()
    query_id = choose_query()
    options = choose_options()
    clip = backend.session_clip(query_id) if query_id else None
    if backend.library_videos():
        several(query_id, options)
    if not backend.library_videos():
        empty_state(
            "The library is empty",
            "There is nothing to search through yet.",
            add_videos_button,
        )
    elif query_id is None:
        empty_state(
            "Start with a clip",
            "Upload one above, or pick a video to find its copies and relatives.",
        )
    elif clip is None or read_clip(clip):
        query_line(query_id)
        frame_strip(query_id)
        moment = chosen_moment(query_id)
        if moment is None:
            answer(query_id, options)
        else:
            frame_results(query_id, moment, top=options.top)
