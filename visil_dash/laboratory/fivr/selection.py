"""Choosing videos of FIVR-200K from its annotations, and lists of ids as CSV."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from visil_dash.errors import InputError
from visil_dash.labels.fivr import parse_annotation
from visil_dash.safe_csv import plain_cell, to_csv

ANCHOR = "anchor"
LAYOUT = (ANCHOR, "ND", "DS", "CS", "IS")  # as in the tutorial: per event, one video per relation
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Wanted:
    """A chosen video. `event`: its query's id, or ""; `relation`: one of LAYOUT, or ""."""

    video: str
    event: str = ""
    relation: str = ""


def select_videos(text: str, *, name: str, events: int = 5) -> tuple[Wanted, ...]:
    """The first `events` queries that have all four relations, each with one video per relation.

    `text`: an annotation.json called `name`. No video is chosen twice. Raises InputError for a file
    of another form, and when too few queries have all relations.
    """
    if events < 1:
        raise InputError("events", f"expected 1 or more, got {events}")
    taken: set[str] = set()
    chosen: list[Wanted] = []
    count = 0
    for query, lists in parse_annotation(text, name).items():
        row = _event(query, lists, taken)
        if row is None:
            continue
        chosen += row
        taken |= {w.video for w in row}
        count += 1
        if count == events:
            return tuple(chosen)
    raise InputError(
        name,
        f"only {count} of its queries have a video of each of ND, DS, CS and IS",
        "choose fewer events",
    )


def _event(query: str, lists: dict[str, list[str]], taken: set[str]) -> list[Wanted] | None:
    used = {query, *taken}
    if query in taken:
        return None
    row = [Wanted(query, query, ANCHOR)]
    for relation in LAYOUT[1:]:
        free = next((v for v in lists.get(relation, []) if v not in used), None)
        if free is None:
            return None
        used.add(free)
        row.append(Wanted(free, query, relation))
    return row


def wanted_csv(wanted: Iterable[Wanted]) -> str:
    """CSV that `read_wanted` reads."""
    return to_csv(
        [{"video": w.video, "event": w.event, "relation": w.relation} for w in wanted],
        columns=("video", "event", "relation"),
    )


def read_wanted(text: str, *, name: str) -> tuple[Wanted, ...]:
    """Ids, one per line, or the CSV of `wanted_csv`; empty lines and # comments are ignored.

    Raises InputError for a line without an id, and for a file without any.
    """
    videos: dict[str, Wanted] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        cells = [plain_cell(cell.strip().strip('"')) for cell in line.split("#")[0].split(",")]
        if not any(cells) or (number == 1 and cells[0] == "video"):
            continue
        if not _ID.fullmatch(cells[0]):
            raise InputError(
                name,
                f"line {number} is not a video id: {cells[0][:60]!r}",
                "write one id per line: letters, digits, - and _",
            )
        event, relation = (*cells[1:3], "", "")[:2]
        videos.setdefault(cells[0], Wanted(cells[0], event, relation))
    if not videos:
        raise InputError(name, "has no ids", "write one per line")
    return tuple(videos.values())
