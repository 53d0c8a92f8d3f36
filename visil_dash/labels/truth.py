"""Ground truth: the kind of every (query, reference) pair of a library, from labels.

Queries are the videos that are a label's query. Each is paired with all other videos, unlabelled
pairs included: otherwise a threshold that every pair passes would look perfect.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visil_dash.labels.label import MATCH, RELATIONS, UNSURE, Label, Upto, by_pair, pair_of
from visil_dash.records import Array

# The relation of a label that has one, else its verdict.
PAIR_KINDS = (*RELATIONS, "match", "not match", "unlabelled")
_MATCH_KIND, _NOT_MATCH_KIND, _UNLABELLED = (PAIR_KINDS.index(k) for k in PAIR_KINDS[4:])
NOT_COUNTED = -1
TASKS: dict[str, Upto] = {"DSVR": "DS", "CSVR": "CS", "ISVR": "IS"}


@dataclass(frozen=True)
class Truth:
    """`kind` `[Q, V]` int8: position in PAIR_KINDS, or NOT_COUNTED (the query itself, unsure pairs,
    and, unless they count, unlabelled ones). `queries` `[Q]` and `references` `[V]` are video ids.

    Raises ValueError when the shape of `kind` differs.
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
        return np.asarray(self.kind != NOT_COUNTED)

    def relevant(self, upto: Upto) -> Array:
        """Relevant pairs, bool `[Q, V]`: relations up to `upto`, and matches without a relation."""
        return relevant_kinds(upto)[self.kind]


def relevant_kinds(upto: Upto) -> Array:
    """Which PAIR_KINDS are relevant, bool `[len(PAIR_KINDS) + 1]`; the last is NOT_COUNTED."""
    out = np.zeros(len(PAIR_KINDS) + 1, bool)
    out[: RELATIONS.index(upto) + 1] = True
    out[_MATCH_KIND] = True
    return out


def _kind_of(label: Label) -> int:
    if label.verdict == UNSURE:
        return NOT_COUNTED
    if label.relation:
        return RELATIONS.index(label.relation)
    return _MATCH_KIND if label.verdict == MATCH else _NOT_MATCH_KIND


def truth_of(
    labels: Iterable[Label], videos: Sequence[str], *, count_unlabelled: bool = True
) -> Truth:
    """Every labelled query against every other of `videos`.

    `count_unlabelled`: unlabelled pairs count as unrelated, which is right when the labels are
    complete for their queries (demo set, FIVR-200K); otherwise they are left out. Labels of videos
    that are not among `videos` are ignored.
    """
    place = {video: i for i, video in enumerate(videos)}
    known = {
        pair: label
        for pair, label in by_pair(labels).items()
        if pair[0] in place and pair[1] in place
    }
    queries = tuple(v for v in videos if v in {label.query for label in known.values()})
    row = {video: i for i, video in enumerate(queries)}
    kind = np.full(
        (len(queries), len(videos)), _UNLABELLED if count_unlabelled else NOT_COUNTED, np.int8
    )
    for i, query in enumerate(queries):
        kind[i, place[query]] = NOT_COUNTED
    for (one, other), label in known.items():
        for query, reference in ((one, other), (other, one)):
            if query in row:
                kind[row[query], place[reference]] = _kind_of(label)
    return Truth(queries, tuple(videos), kind)


def labels_digest(labels: Iterable[Label]) -> str:
    """sha256 of the labels' pairs, verdicts and relations; order, source and time do not matter."""
    rows = sorted(
        [*pair_of(*pair), label.query, label.verdict, label.relation]
        for pair, label in by_pair(labels).items()
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
