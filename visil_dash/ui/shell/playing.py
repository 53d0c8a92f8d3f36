"""Playing a video: its own file, or a copy where browsers cannot play that."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit import runtime

from visil_dash.records import Decoded, MediaInfo
from visil_dash.ui.shell import backend, pictures
from visil_dash.ui.shell.errors import friendly
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import safe_name

# st.video holds the whole file in the server's memory for every viewer.
_LARGEST_PLAYED = 200_000_000


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
        return f"{kind}; sha={pictures.file_digest(self.path)}"


def media_address(content: str | bytes, media_type: str, *, place: str) -> str:
    """The address of a file or of bytes for the browser, on the dashboard's own server.

    `place` is unique on the page: Streamlit keeps the content of the last run at each place.
    """
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(content, media_type, place)


def playable(video_id: str) -> Playable | None:
    """The video's file, or its preview where browsers cannot play that; None until there is one.

    Raises StoreDamaged where a library video's file is gone or altered.
    """
    from visil_dash.media.preview import plays_in_browser

    path, info = backend.media_path(video_id), backend.info_of(video_id)
    if info is not None and plays_in_browser(info) and path.stat().st_size <= _LARGEST_PLAYED:
        return Playable(path, "webm" if "webm" in info.container else "mp4")
    preview = pictures.stored_asset(video_id, "preview.mp4")
    return None if preview is None else Playable(preview, note=_why_preview(info))


def play(video_id: str, *, start: float = 0.0) -> None:
    """Plays a library video or clip; a preview or film strip where browsers cannot play it, and the
    reason where its file is gone or altered."""
    with friendly():
        file = playable(video_id)
        if file is None:
            await_playable(video_id)
            return
        # Shows exactly the bytes of the path, from `start` seconds on.
        st.video(str(file.path), file.media_type, start_time=max(0, int(start)), muted=True)
        if file.note:
            st.caption(file.note)


def await_playable(video_id: str) -> None:
    """A film strip while a copy that browsers play is made, or where none can be."""
    strip = pictures.stored_asset(video_id, "strip.jpg")
    if strip is not None:
        st.image(str(strip), width="stretch", alt="Pictures from the video, evenly spaced")
    _await_preview(video_id)


def _why_preview(info: MediaInfo | None) -> str:
    if info is None:
        return "A smaller copy, made for playing here."
    if info.verdict is not Decoded.OK:
        return (
            "A smaller copy, made for playing here, of what could be read: browsers play such a"
            " file differently or not at all. The search uses the original."
        )
    return (
        f"A smaller copy, made for playing here: browsers do not play {safe_name(info.codec)} in"
        f" {safe_name(info.container)}, or the file is too large to send. The search uses the"
        " original."
    )


@fragment(run_every=1.0)
def _await_preview(video_id: str) -> None:
    task = pictures.make_asset(video_id, "preview.mp4")
    if not task.ended:
        st.caption("Browsers cannot play this file as it is: making a copy that they can…")
    elif task.error is None:
        st.rerun()
    else:
        st.caption("This file cannot be played here, and no copy of it could be made.")
