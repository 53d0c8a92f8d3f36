"""Exported segments, read back: CSV, CMX 3600 and the shell say what went in."""

import csv
import io
import math
import re
import shlex
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visil_dash.exports.segments import (
    Side,
    frame_rate,
    segments_csv,
    segments_edl,
    segments_ffmpeg,
    timecode,
)
from visil_dash.records import MediaInfo, Segment
from visil_dash.safe_csv import plain_cell

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001), Fraction(24000, 1001)]
FOUND = (
    Segment(0.0, 6.2, 63.0, 72.3, 0.8125, speed=1.5),
    Segment(10.0, 14.0, 3600.5, 3604.5, 0.75, reversed=True),
    Segment(20.0, 23.0, 5.0, 8.0, 0.9),
)
QUERY, REFERENCE = Side("clip.mp4", Fraction(25)), Side("film 1.mp4", Fraction(30000, 1001))


def timecode_seconds(text: str, rate: Fraction) -> float:
    """What a timecode of a rate of up to 60 frames a second stands for, in seconds."""
    hours, minutes, seconds, frames = (int(part) for part in text.split(":"))
    return float((((hours * 60 + minutes) * 60 + seconds) * math.ceil(rate) + frames) / rate)


def info(frames: int, seconds: float) -> MediaInfo:
    return MediaInfo("mp4", "h264", 320, 240, seconds, frames)


# ---- rates and timecodes ----


@pytest.mark.parametrize(
    ("frames", "seconds", "rate"),
    [
        (205, 20.5, Fraction(10)),
        (720, 24.024, Fraction(30000, 1001)),
        (720, 24.0, Fraction(30)),
        (240, 10.01, Fraction(24000, 1001)),
        (1, 1.0, Fraction(25)),
        (0, 0.0, Fraction(25)),
    ],
)
def test_the_rate_is_that_of_the_decoded_frames(
    frames: int, seconds: float, rate: Fraction
) -> None:
    assert frame_rate(info(frames, seconds)) == rate
    assert frame_rate(None) == 25


def test_an_uncommon_rate_is_kept_and_not_taken_for_a_common_one() -> None:
    assert float(frame_rate(info(1405, 100.0))) == pytest.approx(14.05, rel=1e-3)


@given(st.floats(0, 86_000), st.sampled_from(RATES))
def test_a_timecode_is_the_nearest_frame_and_can_be_read_back(
    seconds: float, rate: Fraction
) -> None:
    text = timecode(seconds, rate)
    assert re.fullmatch(r"\d\d:\d\d:\d\d:\d\d", text)
    assert int(text[-2:]) < round(rate)
    assert abs(timecode_seconds(text, rate) - seconds) <= float(1 / rate) / 2 + 1e-5


def test_a_timecode_counts_frames_as_a_plain_loop_does() -> None:
    hours = minutes = seconds = frames = 0
    rate = Fraction(30000, 1001)
    for frame in range(4000):
        counted = f"{hours:02}:{minutes:02}:{seconds:02}:{frames:02}"
        assert timecode(float(frame / rate), rate) == counted
        frames += 1
        if frames == 30:
            frames, seconds = 0, seconds + 1
        if seconds == 60:
            seconds, minutes = 0, minutes + 1


def test_rates_of_three_digits_are_counted_by_their_half() -> None:
    assert timecode(1.5, Fraction(120)) == timecode(1.5, Fraction(60)) == "00:00:01:30"


# ---- CSV ----


def test_csv_holds_every_segment_with_its_numbers_and_inert_names() -> None:
    query = replace(QUERY, name="=HYPERLINK(1).mp4")
    rows = list(csv.DictReader(io.StringIO(segments_csv(FOUND, query=query, reference=REFERENCE))))
    assert len(rows) == len(FOUND)
    for number, (row, s) in enumerate(zip(rows, FOUND, strict=True), 1):
        assert int(row["number"]) == number
        assert row["query"].startswith("'=")
        assert plain_cell(row["query"]) == query.name
        assert row["reference"] == REFERENCE.name
        read = Segment(
            float(row["query_start"]),
            float(row["query_end"]),
            float(row["reference_start"]),
            float(row["reference_end"]),
            float(row["score"]),
            speed=float(row["speed"]),
            reversed=row["reversed"] == "true",
        )
        assert read == s


# ---- EDL ----

_EVENT = re.compile(r"(\d{3})  (\S+) +V +C +" + r" ".join([r"(\d\d:\d\d:\d\d:\d\d)"] * 4))
_MOTION = re.compile(r"M2   (\S+) +(-?\d{3}\.\d) +(\d\d:\d\d:\d\d:\d\d)")


def read_edl(text: str) -> list[Segment]:
    """A reader of CMX 3600 events and motion effects, apart from the writer."""
    events: list[Segment] = []
    for line in text.split("\r\n"):
        event, motion = _EVENT.fullmatch(line), _MOTION.fullmatch(line)
        if event:
            assert int(event[1]) == len(events) + 1
            source = [timecode_seconds(event[n], REFERENCE.rate) for n in (3, 4)]
            record = [timecode_seconds(event[n], QUERY.rate) for n in (5, 6)]
            events.append(Segment(record[0], record[1], source[0], source[1], 0.0))
        elif motion:
            pace = float(motion[2])
            enters = timecode_seconds(motion[3], REFERENCE.rate)
            last = events[-1]
            assert enters == (last.reference_end if pace < 0 else last.reference_start)
            speed = abs(pace) / float(REFERENCE.rate)
            events[-1] = replace(last, speed=speed, reversed=pace < 0)
        elif line.startswith("* SIMILARITY: "):
            events[-1] = replace(events[-1], score=float(line.split(": ")[1]))
    return events


def test_an_edl_read_back_has_every_segment_to_half_a_frame() -> None:
    text = segments_edl(FOUND, query=QUERY, reference=REFERENCE)
    assert text.startswith("TITLE: clip.mp4 in film 1.mp4\r\nFCM: NON-DROP FRAME\r\n")
    read = read_edl(text)
    assert len(read) == len(FOUND)
    for found, s in zip(read, FOUND, strict=True):
        for side, rate in (("query", QUERY.rate), ("reference", REFERENCE.rate)):
            for end in ("start", "end"):
                name = f"{side}_{end}"
                near = float(1 / rate) / 2 + 1e-6
                assert getattr(found, name) == pytest.approx(getattr(s, name), abs=near)
        assert found.speed == pytest.approx(s.speed, abs=0.002)
        assert found.reversed == s.reversed
        assert found.score == pytest.approx(s.score, abs=5e-4)


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=30))
def test_no_name_writes_a_line_of_an_edl(name: str) -> None:
    text = segments_edl(FOUND, query=replace(QUERY, name=name), reference=Side(name, Fraction(25)))
    assert text.isascii()
    kinds = ("TITLE: ", "FCM: ", "* ", "M2   ", "001  ", "002  ", "003  ")
    assert all(line == "" or line.startswith(kinds) for line in text.split("\r\n"))
    assert len(text.splitlines()) == 5 + 3 * 3 + 2


# ---- ffmpeg ----


def test_a_command_cuts_each_segment_out_of_both_files() -> None:
    lines = segments_ffmpeg(FOUND, query=QUERY, reference=REFERENCE).splitlines()
    assert len(lines) == len(FOUND)
    outputs = []
    for line, s in zip(lines, FOUND, strict=True):
        words = shlex.split(line)
        assert words[:2] == ["ffmpeg", "-n"], "nothing existing is overwritten"
        cuts = []
        for at in (n for n, word in enumerate(words) if word == "-i"):
            options = dict(zip(words[at - 4 : at : 2], words[at - 3 : at : 2], strict=True))
            start, length = float(options["-ss"]), float(options["-t"])
            cuts.append((words[at + 1], start, start + length))
        assert cuts == [
            ("file:clip.mp4", pytest.approx(s.query_start), pytest.approx(s.query_end)),
            ("file:film 1.mp4", pytest.approx(s.reference_start), pytest.approx(s.reference_end)),
        ]
        outputs += [word for word in words if word.startswith("segment-")]
    assert len(set(outputs)) == 2 * len(FOUND)
    assert segments_ffmpeg((), query=QUERY, reference=REFERENCE) == ""


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=40))
def test_a_name_is_one_word_of_the_command_or_is_replaced(name: str) -> None:
    text = segments_ffmpeg(FOUND[:1], query=Side(name, Fraction(25)), reference=REFERENCE)
    *notes, command = text.removesuffix("\n").split("\n")
    words = shlex.split(command)
    given_as = words[words.index("-i") + 1]
    assert given_as == f"file:{name}" if name.isprintable() else given_as == "file:QUERY"
    assert all(note.startswith("# QUERY: ") for note in notes)
    assert bool(notes) == (given_as != f"file:{name}")
    assert len(words) == 24


def test_files_that_were_read_in_part_are_named_where_others_count_times() -> None:
    part = replace(REFERENCE, notice="its clock jumps 1 time\nM2 AX 025.0")
    for text, mark in (
        (segments_edl(FOUND, query=QUERY, reference=part), "*"),
        (segments_ffmpeg(FOUND, query=QUERY, reference=part), "#"),
    ):
        assert f"{mark} REFERENCE: its clock jumps 1 time?M2 AX 025.0" in text.splitlines()
        assert f"{mark} QUERY:" not in text
