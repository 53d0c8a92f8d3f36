"""How decoding ended, in words: ok, partial (how much and why), refused (why and what to do)."""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from visil_dash.errors import MediaRefused
from visil_dash.media.files import printable, shown_name
from visil_dash.media.process import ChildStopped
from visil_dash.media.wire import CONVERT
from visil_dash.records import Decoded, MediaInfo

_Report = TypeVar("_Report", "Opened", "Done")
AGAIN = "copy or download it again"
DISK_FULL = "the disk is full"
# A header may promise this much more than there is (rounding, a last frame without a length).
SHORT_SECONDS, SHORT_SHARE = 1.0, 0.02


@dataclass(frozen=True)
class Opened:
    """What the child reported after opening the file.

    `expected_*`: by the header, 0 = unknown. `broken`: 1 when the chain of the container's parts
    breaks off midway.
    """

    codec: str = "unknown"
    expected_seconds: float = 0.0
    expected_frames: int = 0
    missing_bytes: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Done:
    """What the child reported at the end.

    `end`, `other_end`: seconds, of the last frame and of the last packet of any stream.
    `stopped`: memory, disk or error when it could not go on.
    """

    stopped: str = ""
    error: str = ""
    frames: int = 0
    packets: int = 0
    damaged: int = 0
    concealed: int = 0
    clock_jumps: int = 0
    end: float = 0.0
    other_end: float = 0.0
    width: int = 0
    height: int = 0


def parse_opened(payload: bytes | bytearray) -> Opened:
    return _checked(Opened, payload)


def parse_done(payload: bytes | bytearray) -> Done:
    return _checked(Done, payload)


def refusal(path: Path, payload: bytes | bytearray) -> MediaRefused:
    report = _object(payload)
    reason = printable(str(report.get("reason", "")), limit=300) or "the decoder refused it"
    return MediaRefused(
        shown_name(path), reason, printable(str(report.get("remedy", "")), limit=300) or CONVERT
    )


def nothing_decoded(
    path: Path, opened: Opened, done: Done, stopped: ChildStopped | None
) -> MediaRefused:
    """For a file that gave no frame at all."""
    why = _stop_reason(done, stopped)
    if why:
        reason = f"it gave no picture: {why}"
    elif opened.missing_bytes and not done.damaged:
        reason = "it is cut off before the first picture"
    elif done.damaged:
        reason = f"none of its pictures can be decoded ({done.error or 'damaged data'})"
    elif opened.expected_frames:
        reason = f"none of the {opened.expected_frames} pictures that it announces is in it"
    else:
        reason = "it holds no picture"
    return MediaRefused(shown_name(path), reason, f"{AGAIN}, or {CONVERT}")


def media_info(
    container: str, opened: Opened, done: Done, stopped: ChildStopped | None
) -> MediaInfo:
    """For a file that gave at least one frame."""
    reason = _partial_reason(opened, done, stopped)
    return MediaInfo(
        container=container,
        codec=opened.codec,
        width=done.width,
        height=done.height,
        duration=done.end,
        frames_decoded=done.frames,
        verdict=Decoded.PARTIAL if reason else Decoded.OK,
        reason=reason,
    )


def _partial_reason(opened: Opened, done: Done, stopped: ChildStopped | None) -> str:
    expected, complete = opened.expected_seconds, max(done.end, done.other_end)
    short = expected - complete > max(SHORT_SECONDS, SHORT_SHARE * expected)
    few = opened.expected_frames - done.packets > max(2, SHORT_SHARE * opened.expected_frames)
    causes = [_stop_reason(done, stopped)]
    if opened.missing_bytes:
        causes.append("the file is cut off")
    if opened.broken:
        causes.append("a part of the file is damaged")
    if done.damaged:
        causes.append(f"{_count(done.damaged, 'packet')} damaged")
    if done.concealed:
        causes.append(f"{_count(done.concealed, 'picture')} damaged")
    if done.clock_jumps:
        jumps = _count(done.clock_jumps, "time")
        causes.append(f"its clock jumps {jumps}, and times leave out what was not recorded")
    causes = [c for c in causes if c]
    if not causes and (short or (few and not complete)):
        causes = ["the rest is missing"]
    if not causes:
        return ""
    return f"decoded {_how_much(opened, done)}; {'; '.join(causes)}"


def _how_much(opened: Opened, done: Done) -> str:
    frames = _count(done.frames, "frame")
    if opened.expected_frames > done.frames:
        frames = f"{done.frames} of {opened.expected_frames} frames"
    seconds = f"{done.end:.1f} s"
    if opened.expected_seconds > done.end + 0.05 and not done.clock_jumps:
        seconds = f"{done.end:.1f} s of {_length(opened.expected_seconds)}"
    return f"{frames}, {seconds}"


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1e6 else f"{seconds / 86400:.0f} days"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _stop_reason(done: Done, stopped: ChildStopped | None) -> str:
    if stopped is not None:
        return {
            "time": "decoding took longer than allowed",
            "idle": "the decoder made no progress",
            "cpu": "decoding took more processor time than a file of its size may",
            "crash": f"the decoder crashed ({stopped.detail})",
            "protocol": "the decoder misbehaved",
        }.get(stopped.why, f"the decoder ended early ({stopped.detail})")
    if done.stopped == "memory":
        return "decoding needs more memory than allowed"
    if done.stopped == "disk":
        return DISK_FULL
    return f"the decoder failed ({done.error})" if done.stopped else ""


def _object(payload: bytes | bytearray) -> dict[str, Any]:
    try:
        report = json.loads(payload)
    except ValueError as error:
        raise ChildStopped("protocol", "the decoder sent a malformed report") from error
    return report if isinstance(report, dict) else {}


def _checked(record: type[_Report], payload: bytes | bytearray) -> _Report:
    """The report with every field of the right type and in a sane range, else its default."""
    report = _object(payload)
    kept: dict[str, Any] = {}
    for field in fields(record):
        value = report.get(field.name)
        if field.type is int and isinstance(value, int) and 0 <= value < 2**53:
            kept[field.name] = value
        elif field.type is float and isinstance(value, (int, float)):
            if math.isfinite(value) and value >= 0:
                kept[field.name] = float(value)
        elif field.type is str and isinstance(value, str):
            kept[field.name] = printable(value, limit=200)
    return record(**kept)
