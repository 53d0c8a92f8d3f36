"""The pieces that pages are made of. Names from users and files are always shown as plain text."""

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from visil_dash.records import VideoRecord
from visil_dash.ui.shell import backend, pictures, state
from visil_dash.ui.shell.frame import through_the_frame
from visil_dash.ui.shell.text import escaped, md, safe_name

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from streamlit.delta_generator import DeltaGenerator

UI_ASSETS = Path(__file__).parents[1] / "assets"


def page_header(title: str, answers: str = "") -> None:
    """The page's title and one line: what it answers and what to do next.

    A page that shows its answer needs no such line.
    """
    through_the_frame()
    st.html(UI_ASSETS / "style.css")
    st.title(title, anchor=False)
    if answers:
        st.html(f'<p class="vd-lead">{escaped(answers)}</p>')


def form_line(label: str, *, key: str, chosen: bool) -> "DeltaGenerator":
    """A form: open until something is `chosen`, then a line that opens it.

    It stays where it is: a field that moved would send what it held before.
    """
    earlier = f"{key}_chosen"
    if not chosen:
        st.session_state[key] = True
    elif not st.session_state.get(earlier):
        st.session_state[key] = False
    st.session_state[earlier] = chosen
    return st.expander(label, key=key, on_change="rerun")


def empty_state(title: str, text: str, action: Callable[[], Any] | None = None) -> None:
    """A place with nothing to show: what belongs here and the one next step."""
    with st.container(border=True, horizontal_alignment="center"):
        st.html(f'<div class="vd-empty"><h3>{escaped(title)}</h3><p>{escaped(text)}</p></div>')
        if action is not None:
            with st.container(horizontal=True, horizontal_alignment="center"):
                action()
        st.space("small")


def add_videos_button() -> None:
    if st.button("Add videos", icon=":material/add:", type="primary", key="add_videos"):
        state.goto_library()


def compare_button(
    query: str,
    reference: str,
    *,
    key: str,
    part: str = "",
    kind: Literal["primary", "secondary", "tertiary"] = "primary",
) -> None:
    """Opens the pair on the Compare page; `part`: key of the view of the query's picture."""
    if st.button(
        "Compare",
        key=key,
        icon=":material/compare:",
        type=kind,
        help="Frame-to-frame similarity, matched segments, and why the two match or not",
    ):
        state.goto_compare(query, reference, part=part)


def name_line(name: str, meta: str = "", *, one_line: bool = False) -> None:
    """A name in strong type with a quiet line of facts below it."""
    kind = "vd-name vd-one" if one_line else "vd-name"
    below = f'<div class="vd-meta">{escaped(meta)}</div>' if meta else ""
    st.html(f'<div class="{kind}" title="{escaped(name)}">{escaped(name)}</div>{below}')


def facts(
    values: Mapping[str, str], *, big: bool = False, meanings: Mapping[str, str] | None = None
) -> None:
    """A row of labelled values that wraps on narrow screens; `meanings`: tooltips of labels."""
    kind = ' class="vd-big"' if big else ""
    meanings = meanings or {}
    items = "".join(
        f'<div title="{escaped(meanings.get(label, ""), empty="")}">'
        f"<dt>{escaped(label)}</dt><dd{kind}>{escaped(value)}</dd></div>"
        for label, value in values.items()
    )
    st.html(f'<dl class="vd-facts">{items}</dl>')


def draw_chart(figure: "Figure", *, key: str, **options: Any) -> None:
    """A figure without a tool bar that does not zoom when the page is scrolled."""
    config = {"displayModeBar": False, "scrollZoom": False}
    st.plotly_chart(figure, key=key, config=config, **options)


def download_button(
    label: str,
    content: str | Callable[[], str],
    *,
    file_name: str,
    icon: str | None = ":material/download:",
    **options: Any,
) -> None:
    """Saves a text file; the page does not run again.

    A function makes the file on the click. Streamlit forgets that function when the page runs
    again, and soon after the file that it made, so a click at that moment finds neither: on pages
    that run again by themselves, as proofs and searches end, give the text.
    """
    mime = mimetypes.guess_type(file_name)[0] or "text/plain"
    st.download_button(label, content, file_name, mime, icon=icon, on_click="ignore", **options)


def thumbnail(video_id: str, *, key: str = "") -> None:
    """The video's poster in a 16:9 frame, or a quiet blank while there is none."""
    with st.container(key=f"thumb-{key}-{video_id[:16]}"):
        path, coming = pictures.poster(video_id)
        if path is None:
            blank = "" if coming else "no picture"
            st.html(f'<div class="vd-blank">{blank}</div>')
        else:
            st.image(str(path), width="stretch", alt=safe_name(backend.name_of(video_id)))


def verified_badge(verified: bool) -> None:
    if not verified:
        st.badge(
            "unverified weights",
            icon=":material/gpp_maybe:",
            color="orange",
            help="These weights were imported without a known checksum: the scores are only as"
            " good as that file.",
        )


def partly_read_badge(video: VideoRecord) -> None:
    if video.info.verdict != "ok":
        st.badge(
            "partly read",
            icon=":material/content_cut:",
            color="orange",
            help=md(video.info.reason),
        )


def minute_of(iso_time: str) -> str:
    """The date and minute of a stored time, without its zone: 2026-11-22 20:14."""
    return iso_time[:16].replace("T", " ")
