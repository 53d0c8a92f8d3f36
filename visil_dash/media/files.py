"""Identifying a file before any decoder sees it; walking folders; content hash."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from visil_dash.errors import MediaRefused
from visil_dash.media.wire import CONVERT
from visil_dash.settings import Settings

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "3gp", "3g2", "f4v"),
        *("mkv", "webm", "avi", "divx", "flv", "ogv", "ogg", "gif"),
        *("ts", "m2ts", "mts", "mpg", "mpeg", "vob", "wmv", "asf", "dv", "dif"),
    )
)
PICTURES = ("jpeg", "png")  # containers of one picture
_HEAD_BYTES = 4096
GIVE_VIDEO = "give a video file (MP4, MOV, MKV, WebM, AVI, FLV, TS, MPEG, 3GP, OGV, WMV, DV or GIF)"

_MAGIC = (
    (b"FLV\x01", "flv"),
    (b"FLV\x02", "flv"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"OggS", "ogg"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
    (b"\x1f\x07\x00\x3f", "dv"),
    (b"\x1f\x07\x00\xbf", "dv"),
    (b"\x00\x00\x01\xba", "mpeg"),
)
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_MOVING_BRANDS = (b"avis", b"hevc", b"heis")  # of those: image sequences
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ")


def container_of(head: bytes) -> str | None:
    """Container by the magic bytes at the start of a file, whatever its name: mp4, mov, 3gp,
    matroska, webm, avi, flv, mpegts, mpeg, ogg, asf (Windows Media), dv, gif; None for everything
    else."""
    if head[4:8] in _MP4_BOXES:
        return _mp4_kind(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "matroska" if b"matroska" in head[:64] else None
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    return "mpegts" if _is_mpegts(head) else None


def picture_of(head: bytes) -> str | None:
    """jpeg or png by the magic bytes at the start of a file; None for everything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    return "png" if head.startswith(b"\x89PNG\r\n\x1a\n") and b"acTL" not in head else None


def _is_mpegts(head: bytes) -> bool:
    """Whether every packet begins with G; a recording that was cut may begin within a packet."""
    for packet, first, least in (
        (188, 0, 2),
        (192, 4, 2),
        *((188, first, 10) for first in range(188)),
    ):
        marks = head[first : first + max(5, least) * packet : packet]
        if len(marks) >= least and not marks.strip(b"G"):
            return True
    return False


def _mp4_kind(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return "mov"
    brand = head[8:12]
    if brand in _STILL_BRANDS:
        return None
    if brand == b"qt  ":
        return "mov"
    return "3gp" if brand[:2] == b"3g" else "mp4"


def check_regular(path: Path, *, pictures: bool = False, settings: Settings) -> None:
    """Raises MediaRefused unless `path` is a regular file (no link) within the size limit whose
    magic bytes are those of a video container. Opens nothing that could block.

    `pictures`: a still picture (see PICTURES) is taken as well. It can be a query, but is no video.
    """
    fd, _container, _size = open_checked(path, pictures=pictures, settings=settings)
    os.close(fd)


def open_checked(path: Path, *, pictures: bool = True, settings: Settings) -> tuple[int, str, int]:
    """Descriptor, container and size of a file that passed `check_regular`.

    The checks are made on the descriptor itself, so the file cannot be swapped after them.
    """
    name = shown_name(path)
    try:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()  # that it cannot be read comes before what it is
        refuse_special(name, mode)
        # O_NONBLOCK: should it have become a FIFO since, opening does not wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MediaRefused(name, "there is no such file", "check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaRefused(
            name, f"it cannot be read ({reason})", "check the path and its permissions"
        ) from error
    try:
        return fd, *check_descriptor(fd, name=name, pictures=pictures, settings=settings)
    except BaseException:
        os.close(fd)
        raise


def check_descriptor(
    fd: int, *, name: str, pictures: bool = False, settings: Settings
) -> tuple[str, int]:
    """Container and size of an open file. Raises MediaRefused as `check_regular`."""
    status = os.fstat(fd)
    refuse_special(name, status.st_mode)
    if status.st_size > settings.max_file_bytes:
        raise MediaRefused(
            name,
            f"it has {status.st_size} bytes and {settings.max_file_bytes} are allowed",
            "cut or re-encode it, or raise VISIL_DASH_MAX_FILE_BYTES",
        )
    head = os.pread(fd, _HEAD_BYTES, 0)
    container = container_of(head) or (picture_of(head) if pictures else None)
    if container is None:
        raise MediaRefused(name, *describe(head))
    return container, status.st_size


def refuse_special(name: str, mode: int) -> None:
    """Raises MediaRefused unless a file of this mode is a regular one."""
    if stat.S_ISREG(mode):
        return
    if stat.S_ISLNK(mode):
        raise MediaRefused(name, "it is a link", "give the file that it points to")
    if stat.S_ISDIR(mode):
        raise MediaRefused(name, "it is a folder", "give the files in it")
    what = "a named pipe" if stat.S_ISFIFO(mode) else "a device or socket"
    raise MediaRefused(name, f"it is {what}, not a file", GIVE_VIDEO)


def describe(head: bytes) -> tuple[str, str]:
    """Reason and remedy for a file that is none of the containers."""
    if animated := _animated(head):
        return f"it is an animated {animated} picture, which is not decoded here", CONVERT
    for magic, reason, remedy in _KNOWN:
        if head.startswith(magic):
            return reason, remedy
    if not head:
        return "it is empty (0 bytes)", "copy or download it again"
    if head[:4] == b"RIFF":
        kind = {b"WEBP": "a WebP picture", b"WAVE": "sound (WAV)"}.get(head[8:12])
        return (f"it is {kind}, not a video" if kind else "it is an unknown RIFF file"), GIVE_VIDEO
    if head[4:8] == b"ftyp":
        return "it is a still picture (AVIF or HEIF)", GIVE_VIDEO
    if not head.strip(b"\x00"):
        return "it begins with nothing but zero bytes", "copy or download it again"
    if _is_text(head):
        return _describe_text(head)
    return "it is not a video container that is taken here", f"{GIVE_VIDEO}, or {CONVERT}"


def _animated(head: bytes) -> str:
    """The format of a picture that moves, though its format is one of pictures; else empty."""
    if head.startswith(b"\x89PNG") and b"acTL" in head:
        return "PNG"
    if head[8:16] == b"WEBPVP8X" and head[20:21] != b"" and head[20] & 0x02:
        return "WebP"
    return "AVIF or HEIF" if head[4:8] == b"ftyp" and head[8:12] in _MOVING_BRANDS else ""


_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "it is a still picture (JPEG)", GIVE_VIDEO),
    (b"\x89PNG", "it is a still picture (PNG)", GIVE_VIDEO),
    (b"BM", "it is a still picture (BMP)", GIVE_VIDEO),
    (b"II*\x00", "it is a still picture (TIFF)", GIVE_VIDEO),
    (b"MM\x00*", "it is a still picture (TIFF)", GIVE_VIDEO),
    (b"PK\x03\x04", "it is a ZIP archive", "unpack it and give the videos in it"),
    (b"PK\x05\x06", "it is an empty ZIP archive", GIVE_VIDEO),
    (b"\x1f\x8b", "it is a gzip archive", "unpack it and give the videos in it"),
    (b"7z\xbc\xaf", "it is a 7z archive", "unpack it and give the videos in it"),
    (b"Rar!", "it is a RAR archive", "unpack it and give the videos in it"),
    (b"BZh", "it is a bzip2 archive", "unpack it and give the videos in it"),
    (b"\xfd7zXZ", "it is an xz archive", "unpack it and give the videos in it"),
    (b"%PDF", "it is a PDF document", GIVE_VIDEO),
    (b"\x7fELF", "it is a program", GIVE_VIDEO),
    (b"MZ", "it is a program", GIVE_VIDEO),
    (b"ID3", "it is sound (MP3)", GIVE_VIDEO),
    (b"\xff\xfb", "it is sound (MP3)", GIVE_VIDEO),
    (b"fLaC", "it is sound (FLAC)", GIVE_VIDEO),
    (b"\x06\x0e\x2b\x34", "it is MXF, which is not decoded here", CONVERT),
    (b".RMF", "it is RealMedia, which is not decoded here", CONVERT),
    (b"YUV4MPEG2", "it is raw Y4M video", CONVERT),
    (b"DKIF", "it is a bare IVF stream", CONVERT),
    (
        b"version https://git-lfs",
        "it is a Git LFS pointer, not the file itself",
        "run: git lfs pull",
    ),
)


def _is_text(head: bytes) -> bool:
    sample = head[:1024]
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in sample)
    return printable > 0.85 * len(sample)


def _describe_text(head: bytes) -> tuple[str, str]:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"#extm3u", b"ffconcat", b"[playlist", b"file '", b"<mpd", b"<asx")):
        return "it is a playlist that names other files", "give the files that it names"
    if start.startswith(b"v=0"):
        return "it describes a stream on a network (SDP)", "record the stream and give the file"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, so a download went wrong", "download the video again"
    return "it is text", GIVE_VIDEO


def content_hash(path: Path) -> str:
    """sha256 of the bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_hash(path: Path, *, name: str, settings: Settings) -> str:
    """sha256 of a file that passes `check_regular`, hex, read from the descriptor that was checked.

    Raises MediaRefused, which calls the file by `name`.
    """
    try:
        fd, _container, _size = open_checked(path, settings=settings)
    except MediaRefused as refused:
        raise MediaRefused(name, refused.reason, refused.remedy) from refused
    with os.fdopen(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def video_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files among `paths` and those in its folders, sorted by folder.

    Nothing is refused here, so that every refusal gets reported: odd files, links, pipes and
    folders that cannot be read are yielded too, but no link is followed. In folders, names that
    begin with a dot are left out.
    """
    for path in paths:
        if _is_folder(path):
            yield from _files_within(path)
        else:
            yield path


def _files_within(path: Path) -> Iterator[Path]:
    unreadable: list[Path] = []

    def note(error: OSError) -> None:
        unreadable.append(Path(error.filename))

    for folder, subfolders, names in os.walk(path, onerror=note):
        others = [n for n in subfolders if not _is_folder(Path(folder, n))]
        subfolders[:] = sorted(n for n in subfolders if n not in others and not n.startswith("."))
        yield from (Path(folder, n) for n in sorted(names + others) if not n.startswith("."))
    yield from unreadable


def _is_folder(path: Path) -> bool:
    """Whether it is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def shown_name(path: Path) -> str:
    """The file's name without control and direction characters, at most 120 characters."""
    return printable(path.name or str(path), limit=120)


def printable(text: str, *, limit: int) -> str:
    """`text` with everything that could move a cursor or turn a line replaced by �."""
    clean = "".join(c if c.isprintable() and c not in _DIRECTION else "�" for c in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
