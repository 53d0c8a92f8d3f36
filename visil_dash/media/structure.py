"""Is the end of the file there? Read from the container's own sizes, without a decoder.

Most demuxers end a cut file as if it were whole; the sizes that its writer left say otherwise.
"""

import os
import struct
from dataclasses import dataclass

MAX_ELEMENTS = 500_000  # boxes, chunks or pages looked at, a bound on time


@dataclass(frozen=True)
class Structure:
    """`missing`: bytes promised beyond the end of the file (at least). `index`: False when an
    MP4 lacks its moov box, so that nothing in it can be found. `encrypted`: says so itself."""

    missing: int = 0
    index: bool = True
    encrypted: bool = False


def read_structure(fd: int, *, container: str, size: int) -> Structure:
    if container in ("mp4", "mov", "3gp"):
        return _mp4(fd, size)
    missing = {
        "matroska": _matroska,
        "webm": _matroska,
        "avi": _avi,
        "flv": _flv,
        "mpegts": _mpegts,
        "ogg": _ogg,
        "gif": _gif,
    }.get(container, lambda _fd, _size: 0)(fd, size)
    return Structure(missing=max(0, missing))


def _mp4(fd: int, size: int) -> Structure:
    position, found, missing, encrypted = 0, set(), 0, False
    for _ in range(MAX_ELEMENTS):
        head = os.pread(fd, 16, position)
        if len(head) < 8:
            missing = max(missing, 8 - len(head)) if head else missing
            break
        length, name = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        if length == 0:  # up to the end of the file
            length = size - position
        if length < 8:
            break
        found.add(name)
        if name == b"moov":
            moov = os.pread(fd, min(length, 1 << 20), position)
            encrypted = b"encv" in moov or b"pssh" in moov
        position += length
        if position > size:
            missing = position - size
            break
    return Structure(missing=missing, index=b"moov" in found, encrypted=encrypted)


def _matroska(fd: int, size: int) -> int:
    head = os.pread(fd, 4096, 0)
    position = 0
    for _ in range(8):
        identity, after = _vint(head, position, keep_marker=True)
        length, body = _vint(head, after, keep_marker=False)
        if identity is None or body == 0:
            return 0
        if identity == 0x18538067:  # Segment
            return 0 if length is None else body + length - size
        if length is None:
            return 0
        position = body + length
    return 0


def _vint(data: bytes, position: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """An EBML number and where it ends (0 when it cannot be read); None = unknown size."""
    if position >= len(data) or data[position] == 0:
        return None, 0
    width = 9 - data[position].bit_length()
    raw = data[position : position + width]
    if len(raw) < width:
        return None, 0
    value = int.from_bytes(raw, "big")
    if keep_marker:
        return value, position + width
    value &= (1 << (7 * width)) - 1
    return (None if value == (1 << (7 * width)) - 1 else value), position + width


def _avi(fd: int, size: int) -> int:
    position = 0
    for _ in range(MAX_ELEMENTS):
        head = os.pread(fd, 12, position)
        if len(head) < 12 or head[:4] != b"RIFF":
            return 0
        length = int.from_bytes(head[4:8], "little")
        if length == 0:  # never finished by its writer
            return 1
        position += 8 + length + length % 2
        if position > size + 1:
            return position - size
    return 0


def _flv(fd: int, size: int) -> int:
    head = os.pread(fd, 9, 0)
    if len(head) < 9:
        return 9 - len(head)
    position = int.from_bytes(head[5:9], "big") + 4
    for _ in range(MAX_ELEMENTS):
        tag = os.pread(fd, 4, position)
        if not tag:
            return 0
        if len(tag) < 4:
            return 4 - len(tag)
        if tag[0] & 0x1F not in (8, 9, 18):
            return 0
        position += 11 + int.from_bytes(tag[1:4], "big") + 4
        # Some writers leave out the very last "size of the previous tag".
        if position > size + 4:
            return position - size
    return 0


def _mpegts(fd: int, size: int) -> int:
    head = os.pread(fd, 5, 0)
    packet = 192 if head[:1] != b"G" and head[4:5] == b"G" else 188
    return -size % packet


def _ogg(fd: int, size: int) -> int:
    position = 0
    for _ in range(MAX_ELEMENTS):
        head = os.pread(fd, 27 + 255, position)
        if len(head) < 27 or head[:4] != b"OggS":
            return 27 - len(head) if 0 < len(head) < 27 else 0
        segments = head[26]
        position += 27 + segments + sum(head[27 : 27 + segments])
        if position > size:
            return position - size
    return 0


def _gif(fd: int, size: int) -> int:
    """1 when the file ends before its trailer."""
    head = os.pread(fd, 13, 0)
    if len(head) < 13:
        return 1
    position = 13 + _colour_table(head[10])
    for _ in range(MAX_ELEMENTS):
        block = os.pread(fd, 1, position)
        if block == b";":
            return 0
        if block == b",":
            flags = os.pread(fd, 1, position + 9)
            if not flags:
                return 1
            position += 10 + _colour_table(flags[0]) + 1
        elif block == b"!":
            position += 2
        else:
            return 0 if block else 1  # not a GIF block: damage, for the decoder to report
        position = _skip_sub_blocks(fd, position, size)
        if position < 0:
            return 1
    return 0


def _colour_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(fd: int, position: int, size: int) -> int:
    """Where the chain of length-prefixed pieces ends; -1 when the file ends first."""
    chunk, start = b"", position
    while True:
        if not start <= position < start + len(chunk):
            chunk, start = os.pread(fd, 65536, position), position
            if not chunk:
                return -1
        length = chunk[position - start]
        position += 1 + length
        if length == 0:
            return position
        if position >= size:
            return -1
