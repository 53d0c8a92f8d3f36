"""Downloading videos of FIVR-200K by their YouTube ids.

Many of them are gone; each video that cannot be downloaded is reported with the reason. Downloaded
files are kept, so a later run continues. Files from elsewhere work as well: add them to the library
under their ids.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from visil_dash.errors import InputError
from visil_dash.laboratory.fivr.selection import Wanted
from visil_dash.library.blobs import write_atomic
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.settings import Settings

YOUTUBE = "https://www.youtube.com/watch?v={id}"
STATE_FILE = ".fetched.json"  # hidden like PARTS: adding the folder to a library ignores both
PARTS = ".parts"  # folder of incomplete files, which the next run resumes
RATE_BYTES = 2_000_000  # bytes per second, to be polite to the source
PAUSE_SECONDS = 2.0  # between two videos, for the same reason
_SOCKET_SECONDS = 20.0
# Video without audio is enough, as one file that needs no merging, in a small size.
_FORMATS = "bv*[height<=480][ext=mp4]/b[height<=480]/bv*[height<=720]/b/bv*"

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_REASONS = (  # (part of yt-dlp's message, plain words); the first one that occurs
    ("http error 404", "not found at the source (404)"),
    ("http error 403", "the source refuses the download (403)"),
    ("http error 429", "too many requests (429); wait, then run it again"),
    ("private video", "the video is private"),
    ("confirm your age", "the video needs a login because of its age limit"),
    ("sign in", "the video needs a login"),
    ("not available in your country", "the video is not available in this country"),
    ("video unavailable", "the video was removed"),
    ("been removed", "the video was removed"),
    ("account associated", "the owner's account was closed"),
    ("requested format", "the source has no suitable file"),
    ("more expected", "the connection ended early; run it again to resume"),
    ("incompleteread", "the connection ended early; run it again to resume"),
    ("downloaded", "the connection ended early; run it again to resume"),
    ("timed out", "the source did not answer in time; run it again"),
    ("connection", "the source cannot be reached; try again later"),
    ("resolve", "the source cannot be reached; try again later"),
)


@dataclass(frozen=True)
class Fetched:
    """The result for one video. `file`: its name in the folder, or "" with the `reason`."""

    video: str
    file: str
    bytes: int
    reason: str = ""
    new: bool = False

    @property
    def here(self) -> bool:
        return bool(self.file)


def download_videos(
    wanted: Sequence[Wanted],
    out: Path,
    *,
    settings: Settings,
    limit: int | None = None,
    address: str = YOUTUBE,
    rate_bytes: int = RATE_BYTES,
    pause_seconds: float = PAUSE_SECONDS,
    on_video: Callable[[Fetched], None] | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[Fetched, ...]:
    """Downloads the videos that are not in `out` yet, at most `limit` of them.

    `address` contains {id}; `rate_bytes`: per second. Incomplete files are resumed, failed videos
    are tried again. Files are named by their ids. Raises InputError for a bad address, and
    Cancelled; complete files are kept.
    """
    if "{id}" not in address:
        raise InputError(address, "the address has no {id}", f"write it like {YOUTUBE}")
    watch = watch.with_message(
        "The download was stopped; complete files are kept, the rest can be resumed."
    )
    out.mkdir(parents=True, exist_ok=True)
    known = _read_state(out)
    results: list[Fetched] = []
    tried = 0
    for place, item in enumerate(wanted):
        earlier = known.get(item.video)
        if earlier is not None and _is_complete(out, earlier):
            results.append(Fetched(earlier.video, earlier.file, earlier.bytes))
            continue
        if limit is not None and tried == limit:
            results.append(Fetched(item.video, "", 0, "not tried: this run's limit was reached"))
            continue
        if tried:
            _pause(pause_seconds, watch)
        tried += 1
        part = watch.part(place / len(wanted), (place + 1) / len(wanted))
        result = _download(item.video, out, address, rate_bytes, settings, part)
        known[item.video] = result
        _write_state(out, known)
        results.append(result)
        if on_video is not None:
            on_video(result)
    watch.step("Downloaded", 1.0)
    return tuple(results)


def _pause(seconds: float, watch: Watch) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        watch.check()
        time.sleep(min(0.1, left))
    watch.check()


def _download(
    video: str, out: Path, address: str, rate_bytes: int, settings: Settings, watch: Watch
) -> Fetched:
    """Downloads one video with yt-dlp, or returns the reason why not. Raises Cancelled."""
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import DownloadError, YoutubeDLError

    what = f"Downloading {video}"
    watch.step(what, 0.0)

    def report(state: dict[str, Any]) -> None:
        total = state.get("total_bytes") or state.get("total_bytes_estimate") or 0
        watch.count(what, state.get("downloaded_bytes", 0), total)

    options = {
        "paths": {"home": str(out), "temp": PARTS},
        "outtmpl": f"{video}.%(ext)s",
        "format": _FORMATS,
        "continuedl": True,
        "noplaylist": True,
        "overwrites": False,
        "ratelimit": rate_bytes,
        "retries": 2,
        "fragment_retries": 2,
        "extractor_retries": 1,
        "socket_timeout": _SOCKET_SECONDS,
        "max_filesize": settings.most_copied,
        "fixup": "never",
        "cachedir": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "progress_hooks": [report],
    }
    try:
        with YoutubeDL(options) as loader:
            info = loader.extract_info(address.replace("{id}", video), download=True)
    except (DownloadError, YoutubeDLError) as error:
        return Fetched(video, "", 0, reason_of(str(error)))
    path = _written(info, out)
    if path is None:
        most = settings.most_copied / 1e9
        return Fetched(
            video, "", 0, f"no file was written, perhaps because it is larger than {most:.1f} GB"
        )
    return Fetched(video, path.name, path.stat().st_size, new=True)


class _Silent:
    """A logger for yt-dlp that discards messages; errors arrive as exceptions."""

    def debug(self, _message: str) -> None: ...
    def info(self, _message: str) -> None: ...
    def warning(self, _message: str) -> None: ...
    def error(self, _message: str) -> None: ...


def _written(info: Any, out: Path) -> Path | None:
    for part in (info or {}).get("requested_downloads") or []:
        path = Path(part.get("filepath", ""))
        if path.parent == out and path.is_file() and path.stat().st_size:
            return path
    return None


def reason_of(message: str) -> str:
    """yt-dlp's message in plain words; shortened where it is not a known one."""
    plain = _COLOURS.sub("", message).removeprefix("ERROR: ").strip()
    lower = plain.lower()
    for part, reason in _REASONS:
        if part in lower:
            return reason
    return plain[:200] or "it could not be downloaded"


# ---- state of the folder ----


def _read_state(out: Path) -> dict[str, Fetched]:
    try:
        content = json.loads((out / STATE_FILE).read_text(encoding="utf-8"))
        return {
            video: Fetched(video, str(row["file"]), int(row["bytes"]), str(row["reason"]))
            for video, row in content.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            str(out / STATE_FILE),
            f"cannot be read ({type(error).__name__})",
            "delete it; complete files are then checked again",
        ) from error


def _is_complete(out: Path, result: Fetched) -> bool:
    path = out / result.file
    return bool(result.file) and path.is_file() and path.stat().st_size == result.bytes


def _write_state(out: Path, known: dict[str, Fetched]) -> None:
    rows = {video: {k: v for k, v in asdict(f).items() if k != "new"} for video, f in known.items()}
    write_atomic(out / STATE_FILE, json.dumps(rows, indent=1).encode())
