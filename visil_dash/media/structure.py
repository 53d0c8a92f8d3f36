"""Whether a file is complete, by the sizes that its container records, without a decoder.

Most demuxers end a truncated file as if it were complete.
"""

import os
import struct
from dataclasses import dataclass

_MOST_MISSING = 1 << 50  # a recorded size may be any 64-bit number
_MAX_PARTS = 1_000_000  # followed at most, which bounds the time
_PIECE_BYTES = 1 << 14


@dataclass(frozen=True)
class Structure:
    """What the container's sizes reveal.

    `missing`: bytes recorded beyond the end of the file (at least). `damaged`: the chain of its
    parts breaks off midway. `index`: False when an MP4 lacks its moov box, without which nothing
    in it can be located. `encrypted`: the file is marked as such.
    """

    missing: int = 0
    damaged: bool = False
    index: bool = True
    encrypted: bool = False


WHOLE, BROKEN = Structure(), Structure(damaged=True)


def read_structure(fd: int, *, container: str, size: int) -> Structure:
    """Follows the container's chain of parts from the first to the last."""
    readers = {
        "mp4": _mp4,
        "mov": _mp4,
        "3gp": _mp4,
        "matroska": _matroska,
        "webm": _matroska,
        "avi": _avi,
        "flv": _flv,
        "mpegts": _mpegts,
        "mpeg": _mpeg,
        "ogg": _ogg,
        "asf": _asf,
        "dv": _dv,
        "gif": _gif,
        "jpeg": _jpeg,
        "png": _png,
    }
    return readers[container](_Bytes(fd, size))


def _cut(missing: int) -> Structure:
    return Structure(missing=min(max(0, missing), _MOST_MISSING))


class _Bytes:
    """A file read in large pieces, because a chain has very many small parts."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd, self.size = fd, size
        self._piece, self._start = b"", 0

    def at(self, position: int, count: int) -> bytes:
        """Up to `count` bytes, fewer at the end of the file."""
        offset = position - self._start
        if offset < 0 or offset + count > len(self._piece):
            self._piece = os.pread(self.fd, max(count, _PIECE_BYTES), position)
            self._start, offset = position, 0
        return self._piece[offset : offset + count]


def _jpeg(data: _Bytes) -> Structure:
    """Its end mark may be followed by a few bytes that cameras leave there."""
    tail = data.at(max(0, data.size - _PIECE_BYTES), _PIECE_BYTES)
    return WHOLE if b"\xff\xd9" in tail else _cut(1)


def _png(data: _Bytes) -> Structure:
    tail = data.at(max(0, data.size - _PIECE_BYTES), _PIECE_BYTES)
    return WHOLE if b"IEND" in tail else _cut(1)


def _mp4(data: _Bytes) -> Structure:
    position, names, missing, encrypted = 0, set(), 0, False
    for _ in range(_MAX_PARTS):
        head = data.at(position, 16)
        if len(head) < 8:
            missing = 8 - len(head) if head else 0
            break
        length, name = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # up to the end of the file
            length = data.size - position
        if length < 8 or not name.replace(b"\xa9", b"c").isascii() or min(name) < 32:
            break  # no box: some programs leave other things behind the last one
        names.add(name)
        if name == b"moov":
            moov = data.at(position, min(length, 1 << 20))
            encrypted = b"encv" in moov or b"pssh" in moov
        position += length
        if position > data.size:
            missing = position - data.size
            break
    return Structure(
        missing=min(missing, _MOST_MISSING), index=b"moov" in names, encrypted=encrypted
    )


def _matroska(data: _Bytes) -> Structure:
    """Elements in a row; a segment and its clusters are entered, all others stepped over."""
    segment, cluster = 0x18538067, 0x1F43B675
    position, end = 0, data.size
    for _ in range(_MAX_PARTS):
        if position >= end:
            break
        head = data.at(position, 12)
        identity, after = _vint(head, 0, keep_marker=True)
        length, body = _vint(head, after, keep_marker=False)
        if identity is None or body == 0:
            return _cut(1) if position + 12 > data.size else BROKEN
        if identity == segment and length is not None:
            end = position + body + length
            if end > data.size:
                return _cut(end - data.size)
        if identity in (segment, cluster):
            position += body
        elif length is None:
            return BROKEN
        else:
            position += body + length
    return _cut(position - data.size)


def _vint(data: bytes, position: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """An EBML number and where it ends (0 when it cannot be read); None = unknown size."""
    if position >= len(data) or data[position] == 0:
        return None, 0
    width = 9 - data[position].bit_length()
    raw = data[position : position + width]
    if len(raw) < width or (keep_marker and width > 4):
        return None, 0
    value = int.from_bytes(raw, "big")
    if keep_marker:
        return value, position + width
    value &= (1 << (7 * width)) - 1
    return (None if value == (1 << (7 * width)) - 1 else value), position + width


def _avi(data: _Bytes) -> Structure:
    position = 0
    for _ in range(_MAX_PARTS):
        head = data.at(position, 12)
        if len(head) < 12 or head[:4] != b"RIFF":
            return WHOLE
        length = int.from_bytes(head[4:8], "little")
        if length == 0:  # never finished by its writer
            return _cut(1)
        position += 8 + length + length % 2
        if position > data.size + 1:
            return _cut(position - data.size)
    return WHOLE


def _flv(data: _Bytes) -> Structure:
    sound, video, script = 8, 9, 18
    head = data.at(0, 9)
    if len(head) < 9:
        return _cut(9 - len(head))
    position = int.from_bytes(head[5:9], "big") + 4
    for _ in range(_MAX_PARTS):
        tag = data.at(position, 4)
        if not tag:
            return WHOLE
        if len(tag) < 4:
            return _cut(4 - len(tag))
        if tag[0] & 0x1F not in (sound, video, script):
            return BROKEN
        position += 11 + int.from_bytes(tag[1:4], "big") + 4
        # Some writers leave out the very last "size of the previous tag".
        if position > data.size + 4:
            return _cut(position - data.size)
    return WHOLE


def _mpegts(data: _Bytes) -> Structure:
    head = data.at(0, 10 * 188)
    packet = 192 if head[:1] != b"G" and not head[4:960:192].strip(b"G") else 188
    # A file that was cut out of a stream may begin within a packet.
    starts = (start for start in range(188) if not head[start::188].strip(b"G"))
    first = next(starts, 0) if packet == 188 else 0
    return _cut((first - data.size) % packet)


def _mpeg(data: _Bytes) -> Structure:
    pack, last = 0xBA, 0xB9
    position = 0
    for _ in range(_MAX_PARTS):
        head = data.at(position, 14)
        if len(head) < 6 or head[:3] != b"\0\0\1" or head[3] == last:
            return WHOLE  # padding of any kind is allowed between packs
        if head[3] == pack:
            second = head[4] >> 6 == 1
            position += 14 + (head[13] & 7) if second and len(head) == 14 else 12
        else:
            position += 6 + int.from_bytes(head[4:6], "big")
        if position > data.size:
            return _cut(position - data.size)
    return WHOLE


def _ogg(data: _Bytes) -> Structure:
    position = 0
    for _ in range(_MAX_PARTS):
        head = data.at(position, 27 + 255)
        if not head:
            return WHOLE
        if len(head) < 27:
            return _cut(27 - len(head))
        if head[:4] != b"OggS":
            return BROKEN
        segments = head[26]
        position += 27 + segments + sum(head[27 : 27 + segments])
        if position > data.size:
            return _cut(position - data.size)
    return WHOLE


_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_ENCRYPTED = (  # the objects "content encryption" and "extended content encryption"
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)


def _asf(data: _Bytes) -> Structure:
    """Objects in a row: 16 bytes that name it, and its size."""
    position, encrypted, names = 0, False, set()
    for _ in range(_MAX_PARTS):
        head = data.at(position, 24)
        if len(head) < 24:
            break
        length = int.from_bytes(head[16:24], "little")
        if length < 24:
            # A live recording does not know the size of its packets.
            broken = head[:16] != _ASF_DATA and _ASF_DATA not in names
            return Structure(damaged=broken, encrypted=encrypted)
        if position == 0:
            header = data.at(0, min(length, 1 << 20))
            encrypted = any(name in header for name in _ASF_ENCRYPTED)
        names.add(head[:16])
        position += length
        if position > data.size:
            break
    missing = min(max(0, position - data.size), _MOST_MISSING)
    return Structure(missing=missing, damaged=_ASF_DATA not in names, encrypted=encrypted)


def _dv(data: _Bytes) -> Structure:
    """Frames of one size, which begin alike; larger formats are several of these a picture."""
    frame = 144_000 if data.at(3, 1) == b"\xbf" else 120_000
    for position in range(0, data.size, frame):
        if data.at(position, 3) not in (b"\x1f\x07\x00", b"\x1f\x07", b"\x1f"):
            return BROKEN
    return _cut(-data.size % frame)


def _gif(data: _Bytes) -> Structure:
    head = data.at(0, 13)
    if len(head) < 13:
        return _cut(1)
    position = 13 + _colour_table(head[10])
    for _ in range(_MAX_PARTS):
        block = data.at(position, 1)
        if block == b";":
            return WHOLE
        if block == b",":
            flags = data.at(position + 9, 1)
            if not flags:
                return _cut(1)
            position += 10 + _colour_table(flags[0]) + 1
        elif block == b"!":
            position += 2
        else:
            return BROKEN if block else _cut(1)
        while True:
            length = data.at(position, 1)
            if not length:
                return _cut(1)
            position += 1 + length[0]
            if length == b"\0":
                break
    return WHOLE


def _colour_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
