"""Matched segments as files and commands: CSV for spreadsheets, EDL for editors, ffmpeg to cut.

The EDL is CMX 3600 as SMPTE 258M describes it: the record side is the query's timeline, the source
side the reference that shows the same footage. Each column counts frames of its own file.
"""

import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from visil_dash.records import MediaInfo, Segment
from visil_dash.safe_csv import to_csv

_NTSC = [Fraction(1000 * n, 1001) for n in (24, 30, 60)]
_COMMON = [*_NTSC, *(Fraction(n) for n in (5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60))]
_CLOSE = (
    0.0004  # 24 and 23.976 lie 0.001 apart: nearer than that, a rate is taken as the common one
)
_COUNTED = 60  # frames a second that two digits and every editor can count
_COLUMNS = (
    "number",
    "query",
    "query_start",
    "query_end",
    "reference",
    "reference_start",
    "reference_end",
    "speed",
    "reversed",
    "score",
    "in_step",
)
_REEL = "AX"  # what editors write for a file: its name follows as a comment


@dataclass(frozen=True)
class Side:
    """One file of a pair: its name and its frames a second.

    `notice`: why it was read in part. Where its clock jumps, other programs count other times.
    """

    name: str
    rate: Fraction
    notice: str = ""


def frame_rate(info: MediaInfo | None) -> Fraction:
    """Frames a second, from what was decoded; 25 where nothing is known.

    A common rate where the mean is that rate to half a frame of the clip or to 0.04 %, else the
    mean. What containers say of their rate is not to be trusted.
    """
    if info is None or info.frames_decoded < 2 or info.duration <= 0:
        return Fraction(25)
    measured = Fraction(info.frames_decoded) / Fraction(info.duration).limit_denominator(1_000_000)
    nearest = min(_COMMON, key=lambda rate: abs(rate - measured))
    # A last frame of another length moves the mean of a short clip by up to a frame.
    slack = max(_CLOSE * float(nearest), 0.5 / info.duration)
    if abs(nearest - measured) <= min(slack, 0.02 * float(nearest)):
        return nearest
    return measured.limit_denominator(1001)


def _counted_rate(rate: Fraction) -> Fraction:
    """The rate that timecodes count: the file's, or its half, quarter … above 60 a second."""
    while rate > _COUNTED:
        rate /= 2
    return rate


def timecode(seconds: float, rate: Fraction) -> str:
    """HH:MM:SS:FF of the nearest frame, without dropped numbers; `rate` frames a second."""
    rate = _counted_rate(rate)
    nominal = _nominal(rate)
    frames = round(Fraction(seconds).limit_denominator(1_000_000) * rate)
    whole, frame = divmod(max(0, frames), nominal)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}:{frame:02}"


def _nominal(rate: Fraction) -> int:
    """Frames that a timecode's second holds: 30 for 29.97."""
    return max(1, -int(-rate // 1))


def segments_csv(segments: Sequence[Segment], *, query: Side, reference: Side) -> str:
    """One row a segment, times in seconds."""
    rows = [
        {
            "number": number,
            "query": query.name,
            "query_start": s.query_start,
            "query_end": s.query_end,
            "reference": reference.name,
            "reference_start": s.reference_start,
            "reference_end": s.reference_end,
            "speed": s.speed,
            "reversed": str(s.reversed).lower(),
            "score": s.score,
            "in_step": s.in_step,
        }
        for number, s in enumerate(segments, 1)
    ]
    return to_csv(rows, columns=_COLUMNS)


def segments_edl(segments: Sequence[Segment], *, query: Side, reference: Side) -> str:
    """A CMX 3600 edit list: where each stretch of the query's timeline is in the reference.

    Another speed, or play backwards (negative), stands in an M2 line in frames a second.
    """
    lines = [
        f"TITLE: {_plain(f'{query.name} in {reference.name}', 70)}",
        "FCM: NON-DROP FRAME",
        f"* RECORD IS THE QUERY AT {_rate_text(query.rate)} FRAMES A SECOND",
        f"* SOURCE IS THE REFERENCE AT {_rate_text(reference.rate)} FRAMES A SECOND",
        *_notices(query, reference, mark="*"),
        "",
    ]
    for number, s in enumerate(segments, 1):
        source = [timecode(t, reference.rate) for t in (s.reference_start, s.reference_end)]
        record = [timecode(t, query.rate) for t in (s.query_start, s.query_end)]
        lines.append(f"{number:03}  {_REEL:<8} V     C        {' '.join(source + record)}")
        if s.reversed or s.speed != 1:
            pace = float(_counted_rate(reference.rate)) * s.speed * (-1 if s.reversed else 1)
            sign = "-" if pace < 0 else ""
            enters = source[1] if s.reversed else source[0]
            lines.append(f"M2   {_REEL:<8} {sign}{abs(pace):05.1f}                {enters}")
        lines.append(f"* FROM CLIP NAME: {_plain(reference.name, 120)}")
        lines.append(f"* SIMILARITY: {s.score:.3f}")
    return "\r\n".join(lines) + "\r\n"


def _notices(query: Side, reference: Side, *, mark: str) -> list[str]:
    """Comments about files that were read in part."""
    sides = ("QUERY", query), ("REFERENCE", reference)
    return [f"{mark} {word}: {_plain(s.notice, 200)}" for word, s in sides if s.notice]


def _rate_text(rate: Fraction) -> str:
    return f"{float(_counted_rate(rate)):.3f}".rstrip("0").rstrip(".")


def _plain(text: str, longest: int) -> str:
    """Printable ASCII on one line: an EDL knows no more, and a name must not write a line."""
    flat = unicodedata.normalize("NFKD", text)
    kept = "".join(c if " " <= c <= "~" else "?" for c in flat if not unicodedata.combining(c))
    return kept[:longest]


def segments_ffmpeg(segments: Sequence[Segment], *, query: Side, reference: Side) -> str:
    """A POSIX shell command for each segment that cuts it out of both files.

    Run it in the folder of both files. Cuts are exact, so they are re-encoded; existing files are
    not overwritten. A name that a terminal would interpret is replaced, with a comment.
    """
    inputs, notes = [], _notices(query, reference, mark="#")
    for side, stand_in in ((query, "QUERY"), (reference, "REFERENCE")):
        typed = side.name if side.name.isprintable() and side.name else stand_in
        if typed != side.name:
            notes.append(f"# {stand_in}: put the file's name; it holds characters that hide.")
        inputs.append(typed)
    lines = []
    for number, s in enumerate(segments, 1):
        spans = (s.query_start, s.query_end), (s.reference_start, s.reference_end)
        words = ["ffmpeg", "-n"]
        for name, (start, end) in zip(inputs, spans, strict=True):
            # "file:" keeps a name from being an option or an address.
            words += ["-ss", f"{start:.3f}", "-t", f"{end - start:.3f}", "-i", f"file:{name}"]
        for at, side_name in enumerate(("query", "reference")):
            words += ["-map", f"{at}:v:0", "-map", f"{at}:a:0?"]
            words.append(f"segment-{number:02}-{side_name}.mp4")
        lines.append(shlex.join(words))
    return "\n".join([*notes, *lines]) + "\n" if lines else ""
