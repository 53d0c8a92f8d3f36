"""A query clip from outside whose very bytes are in the library already."""

from visil_dash.errors import NotFound
from visil_dash.library.paths import media_file
from visil_dash.library.store import Library
from visil_dash.media.views import QueryRef
from visil_dash.records import VideoRecord
from visil_dash.workbench.clips import QueryClip


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
    return None if clip.path == media_file(library.folder, base) else video


def identical_notice(video: VideoRecord) -> str:
    """What to say beside a result that leaves this video out."""
    also = f" (also {', '.join(video.other_names)})" if video.other_names else ""
    return (
        f"This clip is already in the library as {video.name}{also}: the same file, byte for"
        " byte. What is listed is what else shares footage with it."
    )
