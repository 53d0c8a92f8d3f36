"""The pieces that pages are made of. Names from users and files are always shown as plain text."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from visil_dash.records import MediaInfo, VideoRecord
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.frame import through_the_frame
from visil_dash.ui.shell.text import escaped, md, mmss, percent, plural, safe_name, seconds, size

ASSETS = Path(__file__).parents[1] / "assets"
# st.video holds the whole file in the server's memory for every viewer.
LARGEST_PLAYED = 200_000_000

__all__ = [
    "Playable",
    "add_videos_button",
    "ago",
    "await_playable",
    "await_posters",
    "empty_state",
    "facts",
    "mmss",
    "name_line",
    "page_header",
    "percent",
    "pick_video",
    "play",
    "playable",
    "player",
    "plural",
    "safe_name",
    "seconds",
    "size",
    "thumbnail",
    "verdict_badge",
    "verified_badge",
]


def page_header(title: str, answers: str) -> None:
    """The page's title and one line: what it answers, what to do next. Both are ours, not names."""
    through_the_frame()
    st.html(ASSETS / "style.css")
    st.title(title, anchor=False)
    st.html(f'<p class="vd-lead">{escaped(answers)}</p>')


def empty_state(title: str, text: str, action: Callable[[], Any] | None = None) -> None:
    """A place with nothing to show: what belongs here and the one next step."""
    with st.container(border=True, horizontal_alignment="center"):
        st.html(f'<div class="vd-empty"><h3>{escaped(title)}</h3><p>{escaped(text)}</p></div>')
        if action is not None:
            with st.container(horizontal=True, horizontal_alignment="center"):
                action()
        st.space("small")


def add_videos_button() -> None:
    """The way out of an empty library."""
    if st.button("Add videos", icon=":material/add:", type="primary", key="add_videos"):
        state.goto_library()


def name_line(name: str, meta: str = "", *, one_line: bool = False) -> None:
    """A name in strong type with a quiet line of facts below it."""
    kind = "vd-name vd-one" if one_line else "vd-name"
    below = f'<div class="vd-meta">{escaped(meta)}</div>' if meta else ""
    st.html(f'<div class="{kind}" title="{escaped(name)}">{escaped(name)}</div>{below}')


def facts(
    values: Mapping[str, str], *, big: bool = False, told: Mapping[str, str] | None = None
) -> None:
    """A row of labelled values that wraps on narrow screens; `told`: what a label means."""
    kind = ' class="vd-big"' if big else ""
    told = told or {}
    items = "".join(
        f'<div title="{escaped(told.get(label, ""), empty="")}">'
        f"<dt>{escaped(label)}</dt><dd{kind}>{escaped(value)}</dd></div>"
        for label, value in values.items()
    )
    st.html(f'<dl class="vd-facts">{items}</dl>')


def pick_video(
    label: str,
    *,
    key: str,
    include_clips: bool = True,
    param: str | None = None,
    placeholder: str = "Choose a video",
    help: str | None = None,  # noqa: A002 as Streamlit calls it
) -> str | None:
    """A picker over the library's videos and this session's clips; the chosen id or None.

    `key` is a constant of `state`; the choice survives page changes. `param`: query parameter
    that carries the choice in links.
    """
    clips = backend.session_clips() if include_clips else ()
    videos = backend.videos()
    labels = {clip.query_id: f"Your clip · {safe_name(clip.name)}" for clip in clips}
    labels |= {v: safe_name(r.name) for v, r in videos.items() if v not in labels}
    again = {name for name, count in Counter(labels.values()).items() if count > 1}
    labels = {v: f"{name} · {v[:8]}" if name in again else name for v, name in labels.items()}

    chosen = st.session_state.get(key)
    if chosen is None and param is not None:
        wanted = st.query_params.get(param, "")
        fitting = [v for v in labels if len(wanted) >= 6 and v.startswith(wanted)]
        if len(fitting) == 1:
            st.session_state[key] = fitting[0]
        elif wanted:
            st.info(
                "The link names a video that is not in this library, or a clip of another"
                " session; those are private and deleted after it.",
                icon=":material/link_off:",
            )
    elif chosen is not None and chosen not in labels:
        del st.session_state[key]  # it was removed meanwhile

    picked = st.selectbox(
        label,
        list(labels),
        index=None,
        format_func=lambda v: labels.get(v, v),
        key=key,
        placeholder=placeholder,
        help=help,
        persist_state="session",
    )
    if param is not None:
        if picked is None:
            st.query_params.pop(param, None)
        elif st.query_params.get(param) != state.short(picked):
            st.query_params[param] = state.short(picked)
    return picked


def thumbnail(video_id: str, *, key: str = "") -> None:
    """The video's poster in a 16:9 frame, or a quiet blank while there is none.

    Draw `await_posters` at the end of a page with thumbnails: it looks again for missing ones.
    """
    with st.container(key=f"thumb-{key}-{video_id[:16]}"):
        path = backend.poster(video_id)
        if path is None:
            told = "" if backend.poster_pending(video_id) else "no picture"
            st.html(f'<div class="vd-blank">{told}</div>')
        else:
            st.image(str(path), width="stretch", alt=safe_name(backend.name_of(video_id)))


def await_posters(video_ids: Iterable[str]) -> None:
    """Draws the page again when posters that are being made now are there."""
    pending = [v for v in video_ids if backend.poster_pending(v)]
    if pending:
        _watch_posters(tuple(pending))


@st.fragment(run_every=1.0)
def _watch_posters(pending: tuple[str, ...]) -> None:
    if sum(backend.poster_pending(v) for v in pending) < len(pending):
        st.rerun()


def player(path: Path, start: float = 0.0, *, end: float | None = None, codec: str = "mp4") -> None:
    """A player that shows exactly the bytes of `path`, from `start` seconds on."""
    st.video(
        str(path),
        format=Playable(path, codec).media_type,
        start_time=max(0, int(start)),
        end_time=None if end is None else max(int(start) + 1, int(end + 0.999)),
        muted=True,
    )


@dataclass(frozen=True)
class Playable:
    """A file that browsers play. `note`: what it is when it is not the video's own file."""

    path: Path
    codec: str = "mp4"
    note: str = ""

    @property
    def media_type(self) -> str:
        """Names the bytes, so that two files never share an address."""
        # Streamlit's own media id looks at parts of large files only.
        kind = "video/webm" if self.codec == "webm" else "video/mp4"
        return f"{kind}; sha={backend.digest(self.path)}"


def playable(video_id: str) -> Playable | None:
    """The video's file, or its preview where browsers cannot play that; None until there is one."""
    from visil_dash.media.preview import plays_in_browser

    path, info = backend.media_path(video_id), backend.media_info(video_id)
    if info is not None and plays_in_browser(info) and path.stat().st_size <= LARGEST_PLAYED:
        return Playable(path, "webm" if "webm" in info.container else "mp4")
    preview = backend.asset(video_id, "preview.mp4")
    return None if preview is None else Playable(preview, note=_why_preview(info))


def play(video_id: str, *, start: float = 0.0, end: float | None = None) -> None:
    """Plays a library video or clip; a preview or film strip where browsers cannot play it."""
    found = playable(video_id)
    if found is None:
        await_playable(video_id)
        return
    player(found.path, start, end=end, codec=found.codec)
    if found.note:
        st.caption(found.note)


def await_playable(video_id: str) -> None:
    """A film strip while a copy that browsers play is made, or where none can be."""
    strip = backend.asset(video_id, "strip.jpg")
    if strip is not None:
        st.image(str(strip), width="stretch", alt="Pictures from the video, evenly spaced")
    _await_preview(video_id)


def _why_preview(info: MediaInfo | None) -> str:
    if info is None:
        return "A smaller copy, made for playing here."
    return (
        f"A smaller copy, made for playing here: browsers do not play {safe_name(info.codec)} in"
        f" {safe_name(info.container)}, or the file is too large to send. The search uses the"
        " original."
    )


@st.fragment(run_every=1.0)
def _await_preview(video_id: str) -> None:
    task = backend.make_asset(video_id, "preview.mp4")
    if not task.ended:
        st.caption("Browsers cannot play this file as it is: making a copy that they can…")
    elif task.error is None:
        st.rerun()
    else:
        st.caption("This file cannot be played here, and no copy of it could be made.")


def verified_badge(verified: bool) -> None:
    """A mark beside scores of weights that nobody vouches for; nothing where they are checked."""
    if not verified:
        st.badge(
            "unverified weights",
            icon=":material/gpp_maybe:",
            color="orange",
            help="These weights were imported without a known checksum: the scores are only as"
            " good as that file.",
        )


def verdict_badge(video: VideoRecord) -> None:
    """Told only where it matters: a video of which a part could not be read."""
    if video.info.verdict != "ok":
        st.badge(
            "partly read",
            icon=":material/content_cut:",
            color="orange",
            help=md(video.info.reason),
        )


def ago(iso_time: str) -> str:
    """The date and minute of a stored time, without its zone: 2026-11-22 20:14."""
    return iso_time[:16].replace("T", " ")
