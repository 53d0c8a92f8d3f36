"""What a result says of its query clip: that the library has its bytes, that it is too short."""

from visil_dash.errors import NotFound
from visil_dash.framing.views import QueryRef
from visil_dash.library.store import Library
from visil_dash.media.files import PICTURES
from visil_dash.records import VideoRecord
from visil_dash.workbench.clips import QueryClip

_ONE_FRAME = (
    "This clip is so short that only one frame of it was sampled. Videos that show this frame are"
    " listed, but where it belongs in them is a guess: a longer clip can be placed."
)


_PICTURE = (
    "This is a still picture. Videos that show it are listed, with a place that does; whether they"
    " hold the footage that it was taken from, no motion can prove."
)


def identical_video(clip: QueryClip, library: Library) -> VideoRecord | None:
    """The library video that the clip is a copy of, byte for byte; None where the clip is new.

    Also None for a query that is a library video itself. Such a video is never compared with the
    clip, as both have one id.
    """
    base = QueryRef.parse(clip.query_id).base
    try:
        video = library.video(base)
    except NotFound:
        return None
    return None if clip.path is None else video


def clip_notices(clip: QueryClip, same: VideoRecord | None) -> list[str]:
    """What the user must know of the clip; `same`: the library video with its bytes."""
    notices = [clip.info.reason] if clip.info.reason else []
    if clip.info.container in PICTURES:
        notices.append(_PICTURE)
    elif len(clip.features) == 1:
        notices.append(_ONE_FRAME)
    return notices if same is None else [identical_notice(same), *notices]


def identical_notice(video: VideoRecord) -> str:
    """What to say beside a result that leaves this video out."""
    also = f" (also {', '.join(video.other_names)})" if video.other_names else ""
    return (
        f"This clip is already in the library as {video.name}{also}: the same file, byte for"
        " byte. Only other videos are listed."
    )
