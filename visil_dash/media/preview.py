"""Poster, film strip and browser-playable preview, each written completely or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from visil_dash.errors import MediaRefused, StoreError
from visil_dash.media import outcome
from visil_dash.media.decode import ChildTask, decoded, displayed_frames
from visil_dash.media.files import shown_name
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, Decoded, MediaInfo
from visil_dash.settings import Settings

POSTER_SIDE, PREVIEW_SIDE = 480, 640
POSTER_QUALITY, STRIP_QUALITY = 85, 80
_POSTER_SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)  # of the duration: titles and credits avoided
_MAX_JPEG_SIDE = 65_500
MAX_PREVIEW_BYTES = 1 << 30
_PREVIEW_EFFORT = 4.0  # processor time of decoding and encoding, relative to decoding alone

# What current Chromium, Firefox and Safari play from a <video> tag without a plug-in.
_PLAYED = {
    "mp4": {"h264", "av1", "vp9"},
    "mov": {"h264"},
    "3gp": {"h264"},
    "webm": {"vp8", "vp9", "av1"},
}


def plays_in_browser(info: MediaInfo) -> bool:
    """True for codec and container that every current browser plays; 8 bits, 4:2:0 only.

    Not where decoding was partial: browsers stop at damage, and show a gap in the file's clock as
    a still picture that lasts for hours, so that their times would not be those of the frames.
    """
    if info.verdict is not Decoded.OK:
        return False
    return info.codec in _PLAYED.get(info.container, set())


def make_poster(path: Path, out: Path, *, settings: Settings) -> None:
    """JPEG of at most 480 pixels a side: the frame with most to see out of six.

    Raises MediaRefused, StoreError when `out` cannot be written.
    """
    frames = displayed_frames(
        path, _POSTER_SHARES, relative=True, long_side=POSTER_SIDE, settings=settings
    )
    _write_jpeg(max(frames, key=_interest), out, quality=POSTER_QUALITY)


def _interest(frame: Array) -> float:
    """How much there is to see: spread of brightness plus fine detail; a flat picture has none."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(np.diff(grey, axis=0)).mean() if len(grey) > 1 else 0.0
    return float(grey.std() + 2 * detail)


def smaller_jpeg(path: Path, side: int) -> bytes:
    """A JPEG as one of at most `side` pixels a side; empty where it cannot be read."""
    picture = cv2.imread(str(path))
    if picture is None:
        return b""
    scale = min(1.0, side / max(picture.shape[:2]))
    size = tuple(max(1, round(n * scale)) for n in picture.shape[1::-1])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, STRIP_QUALITY])[1])


def make_strip(path: Path, out: Path, *, count: int, height: int, settings: Settings) -> None:
    """JPEG of `count` frames side by side, evenly spread, each `height` pixels high.

    Raises MediaRefused, StoreError when `out` cannot be written.
    """
    if count < 1 or height < 1:
        raise ValueError(f"expected count and height of at least 1, got {count}, {height}")
    shares = [(i + 0.5) / count for i in range(count)]
    # Wide enough that `height` is reached by any picture of up to 4:1 or 1:4.
    frames = displayed_frames(path, shares, relative=True, long_side=4 * height, settings=settings)
    width = max(1, min(4 * height, round(frames[0].shape[1] * height / frames[0].shape[0])))
    if width * count > _MAX_JPEG_SIDE:
        raise ValueError(f"{count} frames of {width} pixels are too wide for one JPEG")
    tiles = [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames]
    _write_jpeg(np.concatenate(tiles, axis=1), out, quality=STRIP_QUALITY)


def make_preview(path: Path, out: Path, *, settings: Settings, watch: Watch = UNWATCHED) -> None:
    """H.264 MP4 without sound: at most 640 pixels a side and 30 frames a second, index in front.

    Of a damaged file what can be decoded.

    Raises MediaRefused, Cancelled, StoreError when `out` cannot be written.
    """
    with _published(out) as (fd, _):
        task = ChildTask(
            "preview",
            {"long_side": PREVIEW_SIDE, "scratch_bytes": MAX_PREVIEW_BYTES},
            scratch_fd=fd,
            effort=_PREVIEW_EFFORT,
        )
        seen = decoded(path, task, settings=settings, watch=watch)
        infos = [item for item in seen if isinstance(item, MediaInfo)]
        if not _is_finished(fd):
            reason = infos[0].reason if infos and infos[0].verdict is Decoded.PARTIAL else ""
            if outcome.DISK_FULL in reason:
                raise StoreError(f"{out.name} cannot be written: {outcome.DISK_FULL}.")
            raise MediaRefused(
                shown_name(path), reason or "no preview could be made of it", outcome.AGAIN
            )


def _is_finished(fd: int) -> bool:
    """Putting the index in front is the encoder's last step: a stopped child leaves none."""
    head = os.pread(fd, 256, 0)
    second = int.from_bytes(head[:4], "big")
    return head[4:8] == b"ftyp" and head[second + 4 : second + 8] == b"moov"


def jpeg(picture: Array, *, quality: int = POSTER_QUALITY) -> bytes:
    """uint8 RGB `[height, width, 3]` as JPEG. Raises StoreError for a picture that is too large."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise StoreError(f"A picture of {picture.shape} could not be written as JPEG.")
    return bytes(data)


def _write_jpeg(frame: Array, out: Path, *, quality: int) -> None:
    view = memoryview(jpeg(frame, quality=quality))
    with _published(out) as (fd, _):
        while view:
            view = view[os.write(fd, view) :]


@contextlib.contextmanager
def _published(out: Path) -> Iterator[tuple[int, Path]]:
    """An empty temporary file beside `out` that takes its place when the block succeeds."""
    try:
        fd, name = tempfile.mkstemp(dir=out.parent, prefix=".part-")
    except OSError as error:
        raise StoreError(f"{out.name} cannot be written to its folder: {error}.") from error
    temporary = Path(name)
    try:
        yield fd, temporary
        os.fsync(fd)
        os.replace(temporary, out)
    except OSError as error:
        raise StoreError(f"{out.name} cannot be written: {error.strerror}.") from error
    finally:
        os.close(fd)
        temporary.unlink(missing_ok=True)
