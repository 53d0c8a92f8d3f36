"""The library page: its videos as cards, filtered by name and tag; one video opened."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from visil_dash.clock import clock
from visil_dash.errors import InputError
from visil_dash.records import VideoRecord
from visil_dash.ui.library.adding import draw_demo_button, has_demo
from visil_dash.ui.shell import backend, dialogs, state
from visil_dash.ui.shell.errors import friendly
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.playing import play
from visil_dash.ui.shell.text import md, size
from visil_dash.ui.shell.widgets import (
    await_posters,
    empty_state,
    facts,
    minute_of,
    name_line,
    partly_read_badge,
    thumbnail,
)

_PER_PAGE = 24
_MOST_TAGS = 20
_SORTS: dict[str, Callable[[VideoRecord], tuple[object, ...]]] = {
    "Newest first": lambda v: (-v.ordinal,),
    "Name": lambda v: (v.name.casefold(), v.ordinal),
    "Longest first": lambda v: (-v.info.duration, v.ordinal),
    "Largest first": lambda v: (-v.bytes, v.ordinal),
}


def draw_grid(*, read_only: bool) -> None:
    videos = list(backend.library_videos().values())
    if not videos:
        _no_videos(read_only=read_only)
        return
    matching = _filtered(videos)
    if not matching:
        empty_state(
            "No video matches",
            "Names, former names and tags are searched; a video must have all chosen tags.",
        )
        return
    pages = -(-len(matching) // _PER_PAGE)
    page = st.pagination(pages, key=state.LIBRARY_PAGE) if pages > 1 else 1
    shown = matching[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    with st.container(key="library-grid"):
        for video in shown:
            _card(video)
    await_posters(video.video_id for video in shown)
    opened = dialogs.requested(dialogs.LIBRARY)
    for video in videos:
        if opened == (video.video_id,):
            _open(video, read_only=read_only)


def _no_videos(*, read_only: bool) -> None:
    if has_demo() and not read_only:
        empty_state(
            "No videos yet",
            "Upload your own above, or start with the demo library: five scenes, each with an"
            " edited copy, reused footage, a second camera and another day.",
            draw_demo_button,
        )
    else:
        empty_state("No videos yet", "Upload videos above to search them.")


def _filtered(videos: Sequence[VideoRecord]) -> list[VideoRecord]:
    """The videos that match the name and tags typed and chosen here, in the chosen order."""
    orders = {name.lower(): name for name in _SORTS}
    usual = next(iter(_SORTS))
    from_link(state.LIBRARY_FILTER, state.PARAM_FIND, lambda text: text[:200], default="")
    from_link("library_sort", state.PARAM_SORT, orders.get, default=usual)
    with st.container(horizontal=True, vertical_alignment="bottom"):
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
            width=180,
            persist_state="session",
        )
    to_link(state.PARAM_FIND, wanted)
    to_link(state.PARAM_SORT, order.lower(), default=usual.lower())
    tags = _chosen_tags(videos)
    matching = (v for v in videos if _matches(v, wanted) and tags <= set(v.tags))
    return sorted(matching, key=_SORTS[order])


def _chosen_tags(videos: Iterable[VideoRecord]) -> set[str]:
    """Draws the tags in use; returns those that a video must have to be shown."""
    used = Counter(tag for video in videos for tag in video.tags)
    if not used:
        return set()
    known = [tag for tag, _count in used.most_common(_MOST_TAGS)]
    kept = [tag for tag in st.session_state.get(state.LIBRARY_TAGS) or [] if tag in known]
    st.session_state[state.LIBRARY_TAGS] = kept
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
            st.button(
                "Open",
                key=f"open-{video.video_id}",
                icon=":material/play_circle:",
                type="tertiary",
                help="Play, show details, rename or remove this video",
                on_click=_show,
                args=(video.video_id,),
            )


def _show(video_id: str) -> None:
    _ask_removal("")
    dialogs.request(dialogs.LIBRARY, video_id)


@st.dialog("Video", width="medium", on_dismiss=dialogs.dismiss)
def _open(video: VideoRecord, *, read_only: bool) -> None:
    name_line(video.name)
    with friendly():
        play(video.video_id)
    info = video.info
    facts(
        {
            "Length": clock(info.duration),
            "Picture": f"{info.width}×{info.height}",
            "Format": f"{info.codec} in {info.container}",
            "Size": size(video.bytes),
            "Sampled frames": f"{video.frames:,}",
            "Added": minute_of(video.added),
            "Id": video.video_id[:12],
        }
    )
    if video.other_names:
        st.caption("Also added as " + ", ".join(md(name) for name in video.other_names))
    if video.places:
        st.caption("Added from " + ", ".join(md(place) for place in video.places))
    if info.reason:
        st.warning("Partly read: " + md(info.reason), icon=":material/content_cut:")
    if read_only:
        return
    _naming(video)
    if st.session_state.get(state.REMOVING) != video.video_id:
        st.button(
            "Remove from the library…",
            key=f"remove-{video.video_id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_ask_removal,
            args=(video.video_id,),
        )
        return
    with st.container(border=True):
        st.markdown(
            "**Remove this video?** Its file in the library, its features and its index entries are"
            " deleted. The original file that you added is not touched."
        )
        with st.container(horizontal=True):
            if st.button("Remove", type="primary", icon=":material/delete:", key="confirm_remove"):
                with friendly():
                    backend.workbench().remove(video.video_id)
                    _ask_removal("")
                    dialogs.dismiss()
                    st.rerun()
            st.button("Cancel", on_click=_ask_removal, args=("",))


def _naming(video: VideoRecord) -> None:
    with st.form(f"naming-{video.video_id[:16]}", border=False):
        name = st.text_input("Name", video.name, max_chars=200)
        everywhere = sorted({tag for v in backend.library_videos().values() for tag in v.tags})
        tags = st.multiselect(
            "Tags",
            everywhere,
            default=list(video.tags),
            accept_new_options=True,
            max_selections=_MOST_TAGS,
            placeholder="Choose or type a tag",
        )
        if st.form_submit_button("Save", icon=":material/save:"):
            with friendly():
                _rename(video, name, tags)
                dialogs.dismiss()
                st.rerun()


def _rename(video: VideoRecord, name: str, tags: Iterable[str]) -> None:
    if not name.strip():
        raise InputError("the new name", "it is empty", "enter a name")
    library = backend.workbench().library
    wanted = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if name.strip() != video.name:
        library.rename(video.video_id, name)
    if wanted != video.tags:
        library.set_tags(video.video_id, wanted)


def _ask_removal(video_id: str) -> None:
    st.session_state[state.REMOVING] = video_id
