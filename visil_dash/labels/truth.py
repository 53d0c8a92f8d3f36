"""What labels say of every (query, reference) pair of a library; pure.

Queries are the videos that asked for a label. Each is held against all other videos, so that
strangers count too: a threshold that lets everything through finds every copy.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visil_dash.labels.label import MATCH, RELATIONS, UNSURE, Label, Upto, by_pair, pair_of
from visil_dash.records import Array

# What a pair can be. A relation where one was told, else the verdict, else a stranger.
KINDS = (*RELATIONS, "match", "not match", "stranger")
MATCH_KIND, NOT_MATCH_KIND, STRANGER = (KINDS.index(k) for k in KINDS[4:])
NOT_COUNTED = -1
TASKS: dict[str, Upto] = {"DSVR": "DS", "CSVR": "CS", "ISVR": "IS"}


@dataclass(frozen=True)
class Truth:
    """`kind` `[Q, V]` int8: position in KINDS, or NOT_COUNTED (itself, unsure, unlabelled where
    strangers do not count). `queries` `[Q]` and `references` `[V]` are video ids.

    Raises ValueError on a table of another shape.
    """

    queries: tuple[str, ...]
    references: tuple[str, ...]
    kind: Array

    def __post_init__(self) -> None:
        expected = (len(self.queries), len(self.references))
        if self.kind.shape != expected:
            raise ValueError(f"kind: expected {expected}, got {self.kind.shape}")

    @cached_property
    def counted(self) -> Array:
        """Pairs that take part, bool `[Q, V]`."""
        out: Array = self.kind != NOT_COUNTED
        return out

    def relevant(self, upto: Upto) -> Array:
        """Pairs that the task seeks, bool `[Q, V]`: relations up to `upto`, and plain matches."""
        return relevant_kinds(upto)[self.kind]


def relevant_kinds(upto: Upto) -> Array:
    """Which KINDS a task seeks, bool `[len(KINDS) + 1]`; the last stands for NOT_COUNTED."""
    out = np.zeros(len(KINDS) + 1, bool)
    out[: RELATIONS.index(upto) + 1] = True
    out[MATCH_KIND] = True
    return out


def kind_of(label: Label) -> int:
    if label.verdict == UNSURE:
        return NOT_COUNTED
    if label.relation:
        return RELATIONS.index(label.relation)
    return MATCH_KIND if label.verdict == MATCH else NOT_MATCH_KIND


def truth_of(labels: Iterable[Label], videos: Sequence[str], *, strangers: bool = True) -> Truth:
    """Every labelled query against every other of `videos`.

    `strangers`: pairs that nobody labelled count as wrong, which is right when the labels are
    complete for their queries (demo set, FIVR-200K); without it they are left out. Labels of
    videos that are not among `videos` are left out.
    """
    place = {video: i for i, video in enumerate(videos)}
    told = {
        pair: label
        for pair, label in by_pair(labels).items()
        if pair[0] in place and pair[1] in place
    }
    queries = tuple(v for v in videos if v in {label.query for label in told.values()})
    row = {video: i for i, video in enumerate(queries)}
    kind = np.full((len(queries), len(videos)), STRANGER if strangers else NOT_COUNTED, np.int8)
    for i, query in enumerate(queries):
        kind[i, place[query]] = NOT_COUNTED
    for (one, other), label in told.items():
        for query, reference in ((one, other), (other, one)):
            if query in row:
                kind[row[query], place[reference]] = kind_of(label)
    return Truth(queries, tuple(videos), kind)


def labels_digest(labels: Iterable[Label]) -> str:
    """sha256 over what the labels say; their order, sources and times do not matter."""
    told = by_pair(labels)
    rows = sorted(
        [*pair_of(*pair), label.query, label.verdict, label.relation]
        for pair, label in told.items()
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
