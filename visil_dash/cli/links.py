"""Links as clips: downloaded into a folder that goes with the command, where the settings allow it.

A link to a video file is fetched as it is. What else answers, a page with a player for example, is
left to yt-dlp, which knows many sites.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from visil_dash.errors import InputError, MediaRefused, ModelError
from visil_dash.media.files import check_regular, printable
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.settings import Settings

_SCHEMES = ("http://", "https://")


def is_link(text: str) -> bool:
    return text.lower().startswith(_SCHEMES)


@contextmanager
def local_clips(
    clips: Sequence[str | Path], *, settings: Settings, watch: Watch = UNWATCHED
) -> Iterator[list[str | Path]]:
    """The clips with a local file in place of each link, as long as the context lasts.

    Raises InputError where links may not be followed or one leads to no video, and Cancelled.
    """
    links = [clip for clip in clips if isinstance(clip, str) and is_link(clip)]
    if not links:
        yield list(clips)
        return
    if not settings.allow_network:
        raise InputError(
            links[0],
            "is a link, and this program may not use the network",
            "allow it with VISIL_DASH_ALLOW_NETWORK=1, or download the video and give the file",
        )
    with tempfile.TemporaryDirectory(prefix="visil-dash-links-") as folder:
        files: dict[str, Path] = {}
        for number, link in enumerate(dict.fromkeys(links)):
            place = Path(folder, str(number))
            place.mkdir()
            files[link] = _download(link, place, settings, watch)
        yield [files.get(clip, clip) if isinstance(clip, str) else clip for clip in clips]


def _download(link: str, folder: Path, settings: Settings, watch: Watch) -> Path:
    from visil_dash.laboratory.fivr.download import download_videos
    from visil_dash.laboratory.fivr.selection import Wanted
    from visil_dash.models.fetch import fetch

    path = folder / _name(link)
    reason = ""
    try:
        with path.open("wb") as file:
            fetch(link, file, limit=settings.most_copied, watch=watch)
        check_regular(path, settings=settings)
        return path
    except MediaRefused as refused:
        reason = refused.reason
    except ModelError as error:
        reason = str(error).removeprefix(link).strip().rstrip(".")
    # The fragment carries the id that names the file; it is not sent to the server.
    (found,) = download_videos(
        [Wanted("clip")], folder, settings=settings, address=f"{link}#{{id}}", watch=watch
    )
    if not found.file:
        raise InputError(link, f"{reason}; yt-dlp reports: {found.reason}", "check the link")
    with suppress(FileNotFoundError):
        path.unlink()
    return folder / found.file


def _name(link: str) -> str:
    """A file name for what the link leads to; only shown, so any text will do."""
    last = unquote(urlsplit(link).path).rsplit("/", 1)[-1].replace("\0", "")
    return printable(last, limit=60).replace("…", "").lstrip(".") or "clip"
