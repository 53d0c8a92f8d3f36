"""The ground truth of a set of edited copies: one JSON file beside them."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.copies.output import save_json
from visil_dash.errors import InputError
from visil_dash.records import Box, Segment

TRUTH_FILE = "truth.json"
FORMAT = 1


@dataclass(frozen=True)
class Query:
    """One edited copy. `file` is a path inside the set, other files inside the folder of the clips.

    `source`: the clip that was edited; "" when no reference is right (a distractor). `correct`: the
    source and its copies, one of which is to be found. `ignored`: neither right nor wrong.
    `look_alikes`: wrong, but the same place or object. `hosts`: other footage in the copy, which
    is in no reference. `segments`: which part of the source it shows at which time. `box`: where
    in the picture.
    """

    file: str
    kind: str
    strength: str
    source: str
    correct: tuple[str, ...]
    ignored: tuple[str, ...]
    look_alikes: tuple[str, ...]
    hosts: tuple[str, ...]
    segments: tuple[Segment, ...]
    box: Box
    seconds: float
    note: str


@dataclass(frozen=True)
class Truth:
    """`references`: files to search. `hosts`: files kept out of the references. `excluded`: files
    that are no source of queries, with the reason."""

    seed: int
    references: tuple[str, ...]
    hosts: tuple[str, ...]
    excluded: dict[str, str]
    queries: tuple[Query, ...]


def write_truth(folder: Path, truth: Truth) -> None:
    save_json(folder / TRUTH_FILE, {"format": FORMAT, **asdict(truth)})


def read_truth(folder: Path) -> Truth:
    """Raises InputError when it is missing or has another format."""
    path = folder / TRUTH_FILE
    if not path.is_file():
        raise InputError(str(folder), f"there is no {TRUTH_FILE} in it", "make the copies first")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("format") != FORMAT:
        raise InputError(
            str(path),
            f"expected format {FORMAT}, got {content.get('format')}",
            "make the set again",
        )
    return Truth(
        seed=content["seed"],
        references=tuple(content["references"]),
        hosts=tuple(content["hosts"]),
        excluded=content["excluded"],
        queries=tuple(query_from(q) for q in content["queries"]),
    )


def query_from(content: dict[str, Any]) -> Query:
    """A Query from its JSON. Raises TypeError when fields are missing or unknown."""
    lists = {"correct", "ignored", "look_alikes", "hosts", "box"}
    known = {f.name for f in fields(Query)}
    if set(content) != known:
        raise TypeError(f"query: expected the fields {sorted(known)}, got {sorted(content)}")
    values: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in content.items()}
    values["segments"] = tuple(Segment(**s) for s in content["segments"])
    return Query(**values)
