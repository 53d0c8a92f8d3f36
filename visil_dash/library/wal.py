"""Is SQLite's write-ahead log whole? SQLite itself does not report it."""

import struct
from pathlib import Path


def wal_damage(database: Path) -> str:
    """What is wrong with the write-ahead log beside `database`; empty when all is well.

    SQLite drops everything from the first frame with a wrong checksum without a word. That is
    right for the torn end of a crash and wrong for a damaged log, so the two are distinguished: an
    incomplete frame at the end is a crash; a complete frame with this log's salt and a wrong
    checksum is damage (or, rarely, a crash within a reused log).
    File layout: https://sqlite.org/fileformat2.html#the_write_ahead_log
    """
    path = database.with_name(database.name + "-wal")
    data = path.read_bytes() if path.exists() else b""
    if len(data) <= 32:
        return ""
    magic, _, page_size, _, salt1, salt2, first, second = struct.unpack(">8I", data[:32])
    order = {0x377F0682: "<", 0x377F0683: ">"}.get(magic)
    if order is None or _wal_sum(data[:24], (0, 0), order) != (first, second):
        return "its header is damaged"
    chain, frame_size = (first, second), 24 + page_size
    salts = struct.pack(">2I", salt1, salt2)
    for start in range(32, len(data) - frame_size + 1, frame_size):
        frame = data[start : start + frame_size]
        chain = _wal_sum(frame[24:], _wal_sum(frame[:8], chain, order), order)
        if frame[8:16] == salts and chain == struct.unpack(">2I", frame[16:24]):
            continue
        rest = (data[s + 8 : s + 16] for s in range(start, len(data) - 23, frame_size))
        return f"damaged at byte {start}" if salts in rest else ""
    return ""


def _wal_sum(data: bytes, seed: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for left, right in zip(words[::2], words[1::2], strict=True):
        one = (one + left + two) & 0xFFFFFFFF
        two = (two + right + one) & 0xFFFFFFFF
    return one, two
