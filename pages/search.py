"""Search: a clip in, the videos that contain it and where, out."""

from visil_dash.ui import backend
from visil_dash.ui.errors import friendly, told_errors
from visil_dash.ui.search_cards import match_cards, ranked
from visil_dash.ui.search_results import agreement_card, headline, nothing_found, query_line
from visil_dash.ui.search_view import choose_options, choose_query, read_clip, searched
from visil_dash.ui.widgets import add_videos_button, empty_state, page_header

page_header(
    "Search",
    "Which videos contain this clip, and where? Upload a clip or pick a video, then open a match"
    " in Compare to see why.",
)
with friendly():
    bench = backend.workbench()
    told_errors()
    query_id = choose_query()
    options = choose_options()
    if not backend.videos():
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
    else:
        clip = backend.session_clip(query_id)
        if clip is None or read_clip(clip):
            query_line(query_id)
            result = searched(query_id, options)
            if result is not None:
                match_score = bench.model.default_match_score
                headline(result, match_score)
                if result.mode == "exhaustive":
                    agreement_card(result, options, match_score)
                if result.matches:
                    found = ranked(result, match_score)
                    match_cards(found, result, top=options.top, match_score=match_score)
                else:
                    nothing_found(result)
