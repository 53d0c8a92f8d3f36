"""Session-state keys that are used in several places, query parameters, and navigation.

Session state contains ids and widget values only; the objects come from the backend.
"""

from typing import NoReturn

import streamlit as st

# Widget keys, unless only the widget uses one. The goto_* functions set those of the pickers.
SEARCH_QUERY = "search_query"
SEARCH_MODE = "search_mode"
SEARCH_INSIDE = "search_inside"
SEARCH_SHAPES = "search_shapes"
SEARCH_TAGS = "search_tags"
SEARCH_RELATIONS = "search_relations"
SEARCH_LEAST_SCORE = "search_least_score"
SEARCH_LEAST_COVERED = "search_least_covered"
SEARCH_NAME = "search_name"
SEARCH_MOMENT = "search_moment"  # (query id, seconds): one frame is the query
SEARCH_PATH = "search_path"
SEARCH_PATH_ASKED = "search_path_asked"  # the path that is being copied
SEARCH_CHANGE = "search_change"  # whether the form for another clip is open
SEARCH_FRAMES = "search_frames"  # whether the frames of the clip are shown
SEARCH_SECOND = "search_second"  # name of the second model; empty: none
SEARCH_NEW = "search_new"  # ids of the clips that were uploaded last, together
COMPARE_QUERY = "compare_query"
COMPARE_REFERENCE = "compare_reference"
COMPARE_PART = "compare_part"  # key of the view of the query's picture
THRESHOLD_QUERY = "threshold_query"
LIBRARY_FILTER = "library_filter"
LIBRARY_PAGE = "library_page"
LIBRARY_TAGS = "library_tags"
LIBRARY = "library"  # name of the library in use; empty or absent: the main one
LIBRARY_OPEN = "library_open"  # its name at the last run
MODEL = "model"  # name of the model in the address; empty: the default one
HISTORY_TAKEN = "history_taken"  # (page, parameters that were taken over since Back or Forward)
LIBRARY_CHOICE = "library_choice"
MODEL_CHOICE = "model_choice"
LIBRARY_NEW = "library_new"
JOBS_ENDED = "jobs_ended"
DIALOG = "dialog"  # (page, what its dialog shows)
REMOVING = "removing"  # id of the video whose removal is to be confirmed
REMOVED = "removed"  # (library folder, batch in its trash) of this session's last removal
PROOF_VIEW = "proof_view"  # which pictures of a proof are shown
COMPARE_DIRECTION = "compare_direction"
COMPARE_CELL = "compare_cell"  # (query id, reference id, query frame, reference frame)
COMPARE_RANGE = "compare_range"  # (query id, reference id, LoopRange, times chosen): what plays
COMPARE_CHANGE = "compare_change"  # whether the form for another pair is open
COMPARE_FRAMES = "compare_frames"  # whether two frames are shown region by region
COMPARE_LINK = "compare_link"  # parameters that the page wrote itself recently
COLLECTION_VIEW = "collection_view"
COLLECTION_LEAST = "collection_least"
COLLECTION_OWN = "collection_own"  # the library's match score at the last run
COLLECTION_MATRIX = "collection_matrix"
COLLECTION_PAIR = "collection_pair"  # (query id, reference id)
COLLECTION_MODE = "collection_mode"
COLLECTION_REJECTED = "collection_rejected"  # whether rejected pairs are shown
COLLECTION_MAP = "collection_map"
COLLECTION_GROUP = "collection_group"  # ids of the group whose graph is shown
COLLECTION_GRAPH = "collection_graph"
COLLECTION_ALL = "collection_all"  # whether the matrix has videos without a match
COLLECTION_HIDDEN = "collection_hidden"  # whether hidden groups are shown
COLLECTION_CHOSEN = "collection_chosen"  # ids of the videos chosen on the map
REVIEW_PAIR = "review_pair"  # (query id, reference id)
REVIEW_DONE = "review_done"  # [(pair, its earlier label or None)], the latest last
REVIEW_AGAIN = "review_again"
REVIEW_TOLD = "review_told"  # message about an import, until the page shows it
THRESHOLD_VALUE = "threshold_value"  # (space, squared L2): what slider and number both show
THRESHOLD_SLIDER = "threshold_slider"
THRESHOLD_NUMBER = "threshold_number"
THRESHOLD_SAVE = "threshold_save"
THRESHOLD_DEFAULT = "threshold_default"
THRESHOLD_LOG = "threshold_log"
THRESHOLD_ROWS = "threshold_rows"
THRESHOLD_CANDIDATES = "threshold_candidates"
DIMENSIONS_M = "dimensions_m"
DIMENSIONS_METHOD = "dimensions_method"
DIMENSIONS_DIMS = "dimensions_dims"
DIMENSIONS_PLAN = "dimensions_plan"  # the plan whose effect is being measured
DIMENSIONS_APPLY = "dimensions_applying"  # key of the task that applies it
DIMENSIONS_OUTCOME = "dimensions_outcome"  # that task, once it ended
DIMENSIONS_OTHER_ASKED = "dimensions_other_asked"  # (extractor, threshold) that was measured
HUBS_CHOSEN = "hubs_chosen"  # best row of the hub whose effect is shown
THRESHOLD_WHICH = "threshold_which"  # of frames' distance, or of match scores
THRESHOLD_VIEW = "threshold_view"
THRESHOLD_WHO = "threshold_who"
THRESHOLD_WHY = "threshold_why"
THRESHOLD_UNDO = "threshold_undo"
THRESHOLD_HISTORY = "threshold_history"
THRESHOLD_BANDS = "threshold_bands"
MATCH_VALUE = "match_value"  # (extractor, score): what slider and number both show
MATCH_SLIDER = "match_slider"
MATCH_NUMBER = "match_number"
LABELS_SOURCE = "labels_source"
LABELS_FILE = "labels_file"  # (name, labels) of the file that this session uploaded
LABELS_STRANGERS = "labels_strangers"
LABELS_UPTO = "labels_upto"
LABELS_GROUP = "labels_group"
LABELS_PAIRS = "labels_pairs"
LABELS_PRECISION = "labels_precision"
LABELS_RECALL = "labels_recall"
EVALUATE_PLAN = "evaluate_plan"
EVALUATE_SECOND = "evaluate_second"  # name of the second model; empty: none
ROBUSTNESS_RUN = "robustness_run"  # laboratory.RunChoice that was started last
WALK_QUERY = "walk_query"
WALK_REFERENCE = "walk_reference"
WALK_STEP = "walk_step"
WALK_NEXT = "walk_next"  # pair that the pickers take over
FIVR_RUN = "fivr_run"
ERRORS = "errors"  # of the last action, and where the page shows them

# A new number gives the uploader a new key: that empties it after its files are on disk.
UPLOAD_ROUND = "upload_round"
UPLOADS_REFUSED = "uploads_refused"  # box: errors of the files that it did not take last

# Query parameters. Values are the first _PARAM_LENGTH characters of a video id.
PARAM_QUERY = "q"
PARAM_REFERENCE = "r"
PARAM_THRESHOLD = "t"  # squared L2
PARAM_MODE = "mode"  # of the search
PARAM_TOP = "top"
PARAM_BUDGET = "rerank"
PARAM_SECOND = "second"  # name of the second model
PARAM_INSIDE = "inside"
PARAM_SHAPES = "shapes"
PARAM_SEARCHED_TAGS = "among"  # tags, on the search page
PARAM_FIND = "find"  # names, on the library page
PARAM_SORT = "sort"
PARAM_OF = "of"  # which threshold
PARAM_MOMENT = "at"  # seconds; on the search page
PARAM_VIEW = "view"
PARAM_SCORE = "score"  # match score of the collection page
PARAM_PAIRS = "pairs"  # all or candidate
PARAM_CHOSEN = "pick"  # beginnings of video ids
PARAM_REJECTED = "rejected"
PARAM_MATCH = "m"  # match score
PARAM_DIRECTION = "d"  # of the maps: forward, reverse, symmetric
PARAM_CELL = "cell"  # query and reference time of a cell, seconds
PARAM_PROOF = "proof"  # which pictures of a proof
PARAM_PART = "part"  # view of the query's picture
PARAM_RANGE = "span"  # what both players loop
_PARAM_LENGTH = 16

LIBRARY_PAGE_FILE = "pages/library.py"
_SEARCH_PAGE_FILE = "pages/search.py"
_COMPARE_PAGE_FILE = "pages/compare.py"
_THRESHOLD_PAGE_FILE = "pages/threshold.py"
_REVIEW_PAGE_FILE = "pages/review.py"


def short(video_id: str) -> str:
    """The id as it stands in a link."""
    return video_id[:_PARAM_LENGTH]


def goto_compare(query_id: str, reference_id: str, *, part: str = "") -> NoReturn:
    """Opens the compare page with this pair; `part`: key of the view of the query's picture."""
    st.session_state[COMPARE_QUERY] = query_id
    st.session_state[COMPARE_REFERENCE] = reference_id
    st.session_state[COMPARE_PART] = part
    st.switch_page(
        _COMPARE_PAGE_FILE,
        query_params={
            PARAM_QUERY: short(query_id),
            PARAM_REFERENCE: short(reference_id),
            **({PARAM_PART: part} if part else {}),
        },
    )


def goto_two_models(second: str, query_id: str | None = None) -> NoReturn:
    """Opens the search page with `second` beside the model in use; None: its query stays."""
    st.session_state[SEARCH_SECOND] = second
    query_id = query_id or st.session_state.get(SEARCH_QUERY)
    st.session_state[SEARCH_QUERY] = query_id
    query = {PARAM_QUERY: short(query_id)} if query_id else {}
    st.switch_page(_SEARCH_PAGE_FILE, query_params={**query, PARAM_SECOND: second})


def goto_library() -> NoReturn:
    st.switch_page(LIBRARY_PAGE_FILE)


def goto_search(query_id: str) -> NoReturn:
    st.session_state[SEARCH_QUERY] = query_id
    st.switch_page(_SEARCH_PAGE_FILE, query_params={PARAM_QUERY: short(query_id)})


def goto_review(query_id: str, reference_id: str) -> NoReturn:
    """Opens the review with this pair."""
    st.session_state[REVIEW_PAIR] = (query_id, reference_id)
    pair = {PARAM_QUERY: short(query_id), PARAM_REFERENCE: short(reference_id)}
    st.switch_page(_REVIEW_PAGE_FILE, query_params=pair)


def goto_threshold(query_id: str) -> NoReturn:
    st.session_state[THRESHOLD_QUERY] = query_id
    st.switch_page(_THRESHOLD_PAGE_FILE, query_params={PARAM_QUERY: short(query_id)})


def next_upload_round() -> None:
    st.session_state[UPLOAD_ROUND] = st.session_state.get(UPLOAD_ROUND, 0) + 1


def uploader_key(name: str) -> str:
    return f"{name}_{st.session_state.get(UPLOAD_ROUND, 0)}"
