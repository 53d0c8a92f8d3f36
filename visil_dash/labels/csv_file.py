"""Labels as CSV: columns query, reference, verdict, relation, note; videos by file name or id."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from visil_dash.errors import InputError
from visil_dash.labels.label import (
    MATCH,
    NOT_MATCH,
    RELATIONS,
    UNSURE,
    VERDICTS,
    Label,
    PairKey,
    implied_verdict,
)
from visil_dash.records import VideoRecord
from visil_dash.safe_csv import plain_cell, to_csv

COLUMNS = ("query", "reference", "verdict", "relation", "source", "updated", "note")
_MIN_PREFIX = 6  # characters of an id that can be used for it
MOST_LABEL_CHARACTERS = 20_000_000
MOST_NOTE_CHARACTERS = 2_000

_HEADINGS = {
    "query": ("query", "queryid", "queryvideo", "queryfile", "anchor", "videoa", "a"),
    "reference": ("reference", "referenceid", "ref", "target", "candidate", "videob", "b"),
    "verdict": ("verdict", "match", "judgement", "judgment", "decision", "label"),
    "relation": ("relation", "relationship", "class", "type"),
    "note": ("note", "notes", "comment", "remark"),
}
_VERDICTS = {
    MATCH: ("match", "copy", "yes", "y", "true", "1", "positive"),
    NOT_MATCH: ("notmatch", "notamatch", "nomatch", "no", "n", "false", "0", "negative", "none"),
    UNSURE: ("unsure", "maybe", "unknown"),
}


def read_labels(text: str, videos: Iterable[VideoRecord], *, name: str) -> tuple[Label, ...]:
    """The labels of a CSV file called `name`, in its order; equal lines count once.

    Headings are case-insensitive and may be common synonyms; the delimiter is a comma, semicolon or
    tab; other columns are ignored. A line with a relation needs no verdict.

    Raises InputError, with the line number, for unreadable lines, videos that are not in `videos`,
    and lines that contradict each other.
    """
    if len(text) > MOST_LABEL_CHARACTERS:
        raise InputError(
            name, f"is longer than {MOST_LABEL_CHARACTERS:,} characters", "split the file"
        )
    lines = _lines(text.removeprefix("\ufeff"), name)
    first = next(lines, None)
    if first is None:
        raise InputError(name, "is empty", "begin with the line: query,reference,verdict,relation")
    columns = _columns(first[1], name)
    known = _Known(videos)
    source = f"csv:{name}"
    labels: dict[PairKey, tuple[int, Label]] = {}
    for number, cells in lines:
        cell = {
            key: plain_cell(cells[at]).strip() if at < len(cells) else ""
            for key, at in columns.items()
        }
        try:
            label = _label(cell, known, source)
        except _Refused as error:
            raise InputError(name, f"line {number}: {error.reason}", error.remedy) from None
        earlier = labels.setdefault(label.pair, (number, label))
        if (earlier[1].verdict, earlier[1].relation) != (label.verdict, label.relation):
            raise InputError(
                name,
                f"line {number}: contradicts line {earlier[0]}, which has the same pair",
                "keep one of the two lines",
            )
    return tuple(label for _, label in labels.values())


def read_pairs(text: str, videos: Iterable[VideoRecord], *, name: str) -> tuple[PairKey, ...]:
    """The pairs of video ids (query, reference) in a CSV file called `name`, in its order.

    Its first two columns, or those called query and reference or the like; a line is refused as in
    `read_labels`, whose files can be read as well. Raises InputError.
    """
    lines = list(_lines(text.removeprefix("\ufeff"), name))
    if not lines:
        raise InputError(name, "is empty", "give two videos a line: query,reference")
    words = [_word(cell) for cell in lines[0][1]]
    places = [
        next((words.index(w) for w in _HEADINGS[side] if w in words), -1)
        for side in ("query", "reference")
    ]
    headed = -1 not in places
    known = _Known(videos)
    pairs: dict[PairKey, None] = {}
    for number, cells in lines[1:] if headed else lines:
        try:
            sides = [cells[at] if at < len(cells) else "" for at in (places if headed else (0, 1))]
            query, reference = (known.find(plain_cell(side).strip()) for side in sides)
        except _Refused as error:
            raise InputError(name, f"line {number}: {error.reason}", error.remedy) from None
        pairs[query, reference] = None
    return tuple(pairs)


def labels_csv(labels: Iterable[Label], videos: Iterable[VideoRecord]) -> str:
    """CSV that `read_labels` reads; videos by name, or by id where several have that name."""
    known = _Known(videos)
    return to_csv(
        (
            {
                "query": known.shown(label.query),
                "reference": known.shown(label.reference),
                "verdict": label.verdict,
                "relation": label.relation,
                "source": label.source,
                "updated": label.updated,
                "note": label.note,
            }
            for label in labels
        ),
        columns=COLUMNS,
    )


class _Refused(Exception):
    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = reason, remedy


class _Known:
    """Videos by the names and ids that a file may use."""

    def __init__(self, videos: Iterable[VideoRecord]) -> None:
        self.names: dict[str, str] = {}
        self._by_name: dict[str, set[str]] = {}
        for video in videos:
            self.names[video.video_id] = video.name
            for name in (video.name, *video.other_names):
                self._by_name.setdefault(name, set()).add(video.video_id)

    def find(self, key: str) -> str:
        if key in self.names:
            return key
        ids = self._by_name.get(key, set())
        if not ids and len(key) >= _MIN_PREFIX:
            ids = {video_id for video_id in self.names if video_id.startswith(key.lower())}
        if not ids:
            raise _Refused(f"no video {key[:80]!r} in this library", "add it or remove the line")
        if len(ids) > 1:
            listed = ", ".join(sorted(video_id[:12] for video_id in ids))
            raise _Refused(f"{len(ids)} videos are called {key[:80]!r}: {listed}", "use its id")
        return next(iter(ids))

    def shown(self, video_id: str) -> str:
        name = self.names.get(video_id, video_id)
        # Blanks around a name would be lost in a cell.
        plain = name == name.strip() and name not in self.names
        return name if plain and self._by_name.get(name) == {video_id} else video_id


def _lines(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank."""
    head = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            name, f"line {begins}: is not CSV ({error})", "save the table as CSV again"
        ) from error


def _columns(header: Sequence[str], name: str) -> Mapping[str, int]:
    words = [_word(cell) for cell in header]
    places = {
        key: next((words.index(w) for w in synonyms if w in words), -1)
        for key, synonyms in _HEADINGS.items()
    }
    missing = [key for key in ("query", "reference") if places[key] < 0]
    if places["verdict"] < 0 and places["relation"] < 0:
        missing.append("verdict (or relation)")
    if missing:
        raise InputError(
            name,
            f"line 1: no column {' and no column '.join(missing)}",
            "begin with the line: query,reference,verdict,relation",
        )
    return {key: at for key, at in places.items() if at >= 0}


def _label(cell: Mapping[str, str], known: _Known, source: str) -> Label:
    for side in ("query", "reference"):
        if not cell[side]:
            raise _Refused(f"the {side} is missing", "name both videos or remove the line")
    query, reference = known.find(cell["query"]), known.find(cell["reference"])
    if query == reference:
        raise _Refused("query and reference are the same video", "remove the line")
    relation = cell.get("relation", "").upper()
    if relation and relation not in RELATIONS:
        raise _Refused(
            f"{cell['relation'][:40]!r} is not a relation", f"use {', '.join(RELATIONS)} or nothing"
        )
    word = cell.get("verdict", "")
    verdict = next((v for v, words in _VERDICTS.items() if _word(word) in words), "")
    if word and not verdict:
        raise _Refused(f"{word[:40]!r} is not a verdict", f"use {', '.join(VERDICTS)}")
    if not verdict and not relation:
        raise _Refused("there is neither a verdict nor a relation", "fill one in")
    given = verdict or implied_verdict(relation)
    note = cell.get("note", "")[:MOST_NOTE_CHARACTERS]
    return Label(query, reference, given, relation, source, note=note)


def _word(text: str) -> str:
    """Lower case, letters and digits only: "Not a match" and not_a_match are the same."""
    return re.sub(r"[\W_]+", "", text.casefold())
