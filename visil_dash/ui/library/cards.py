"""The library page: its videos as cards, filtered by name and tag."""

from collections import Counter
from collections.abc import Callable, Iterable

import streamlit as st

from visil_dash.clock import clock
from visil_dash.records import VideoRecord
from visil_dash.ui.library.adding import draw_add_button, draw_demo_button, has_demo
from visil_dash.ui.library.opened import MOST_TAGS, draw_opened, open_button
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choices_in_address, from_link, number_in_address, to_link
from visil_dash.ui.shell.text import md, size
from visil_dash.ui.shell.widgets import (
    empty_state,
    name_line,
    partly_read_badge,
    thumbnail,
)

_PER_PAGE = 24
_SORTS: dict[str, Callable[[VideoRecord], tuple[object, ...]]] = {
    "Newest first": lambda v: (-v.ordinal,),
    "Name": lambda v: (v.name.casefold(), v.ordinal),
    "Longest first": lambda v: (-v.info.duration, v.ordinal),
    "Largest first": lambda v: (-v.bytes, v.ordinal),
}


def draw_toolbar(*, read_only: bool) -> tuple[str, str]:
    """What to find, the order of the cards, and adding; returns the text and the order's name."""
    orders = {name.lower(): name for name in _SORTS}
    usual = next(iter(_SORTS))
    from_link(state.LIBRARY_FILTER, state.PARAM_FIND, lambda text: text[:200], default="")
    from_link("library_sort", state.PARAM_SORT, orders.get, default=usual)
    with st.container(horizontal=True, vertical_alignment="bottom", key="library-tools"):
        wanted = st.text_input(
            "Find by name",
            key=state.LIBRARY_FILTER,
            placeholder="Find by name or tag",
            icon=":material/search:",
            label_visibility="collapsed",
            persist_state="session",
        )
        order = st.selectbox(
            "Order",
            list(_SORTS),
            key="library_sort",
            label_visibility="collapsed",
            width=170,
            persist_state="session",
        )
        if not read_only:
            draw_add_button()
    to_link(state.PARAM_FIND, wanted)
    to_link(state.PARAM_SORT, order.lower(), default=usual.lower())
    return wanted, order


def draw_grid(wanted: str, order: str, *, read_only: bool) -> None:
    """The videos whose names or tags hold the text `wanted` and that have all chosen tags."""
    videos = list(backend.library_videos().values())
    tags = _chosen_tags(videos)
    matching = [v for v in videos if _matches(v, wanted) and tags <= set(v.tags)]
    matching.sort(key=_SORTS[order])
    if not matching:
        empty_state(
            "No video matches",
            "Names, former names and tags are searched; a video must have all chosen tags.",
        )
        return
    pages = -(-len(matching) // _PER_PAGE)
    # Drawn below the cards that it turns, and so its number is read from the session.
    number_in_address(state.LIBRARY_PAGE, "page", low=1, high=pages, default=1, whole=True)
    page = st.session_state[state.LIBRARY_PAGE] = min(pages, st.session_state[state.LIBRARY_PAGE])
    shown = matching[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    with st.container(key="library-grid"):
        for video in shown:
            _card(video)
    if pages > 1:
        st.pagination(pages, key=state.LIBRARY_PAGE)
    draw_opened(read_only=read_only)


def draw_no_videos(*, read_only: bool) -> None:
    if has_demo() and not read_only:
        empty_state(
            "No videos yet",
            "Upload your own above, or start with the demo library: five scenes, each with an"
            " edited copy, reused footage, a second camera and another day.",
            draw_demo_button,
        )
    else:
        empty_state("No videos yet", "Upload videos above to search them.")


def _chosen_tags(videos: Iterable[VideoRecord]) -> set[str]:
    """Draws the tags in use; returns those that a video must have to be shown."""
    used = Counter(tag for video in videos for tag in video.tags)
    if not used:
        return set()
    known = [tag for tag, _count in used.most_common(MOST_TAGS)]
    kept = [tag for tag in st.session_state.get(state.LIBRARY_TAGS) or [] if tag in known]
    if state.LIBRARY_TAGS in st.session_state:
        st.session_state[state.LIBRARY_TAGS] = kept
    choices_in_address(state.LIBRARY_TAGS, "tags", known, default=[])
    chosen = st.pills(
        "Tags",
        known,
        selection_mode="multi",
        format_func=lambda tag: f"{md(tag)} {used[tag]}",
        key=state.LIBRARY_TAGS,
        label_visibility="collapsed",
        persist_state="session",
    )
    return set(chosen)


def _matches(video: VideoRecord, wanted: str) -> bool:
    text = wanted.casefold().strip()
    return any(text in n.casefold() for n in (video.name, *video.other_names, *video.tags))


def _card(video: VideoRecord) -> None:
    info = video.info
    with st.container(border=True, key=f"card-{video.video_id[:16]}"):
        thumbnail(video.video_id, key="grid")
        name_line(
            video.name,
            f"{clock(info.duration)} · {info.width}×{info.height} · {info.codec} · "
            f"{size(video.bytes)}",
            one_line=True,
        )
        partly_read_badge(video)
        if video.tags:
            with st.container(horizontal=True, gap="small"):
                for tag in video.tags:
                    st.badge(md(tag), color="gray")
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if st.button(
                "Search",
                key=f"search-{video.video_id}",
                icon=":material/search:",
                type="tertiary",
                help="Find videos that share footage with this one",
            ):
                state.goto_search(video.video_id)
            open_button(video)
