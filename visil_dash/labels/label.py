"""Labels of pairs of videos: verdicts of people, or relations from an annotation.

A pair has one label, whichever video is the query: being a copy is symmetric. A label keeps which
of the two was the query, because retrieval is measured per query.

Relations are those of FIVR-200K (Kordopatis-Zilos et al., 2019): ND near duplicate, DS duplicate
scene, CS complementary scene (the same moment from another camera), IS incident scene (the same
event at another time). A copy in the strict sense is ND or DS; CS and IS are related footage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

MATCH, NOT_MATCH, UNSURE = "match", "not_match", "unsure"
VERDICTS = (MATCH, NOT_MATCH, UNSURE)
RELATIONS = ("ND", "DS", "CS", "IS")
REVIEWED = "review"  # the source of a label that a person gave; "review:ann" where it is known who
Upto = Literal["DS", "CS", "IS"]  # DSVR, CSVR and ISVR count relations up to this one
PairKey = tuple[str, str]


def pair_of(one: str, other: str) -> PairKey:
    """The unordered pair: the same key for both orders."""
    return (one, other) if one < other else (other, one)


@dataclass(frozen=True)
class Label:
    """The label of one pair of video ids.

    `verdict`: match, not_match or unsure. `relation`: one of RELATIONS, or empty where unknown.
    `source`: review or review:<who>, demo, csv:<file name>, fivr:<file name>. `updated`: UTC in
    ISO 8601; empty before it is stored. `note`: what a person wrote about it.

    Raises ValueError on other values, and for a video paired with itself.
    """

    query: str
    reference: str
    verdict: str
    relation: str = ""
    source: str = ""
    updated: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict: expected one of {VERDICTS}, got {self.verdict!r}")
        if self.relation not in ("", *RELATIONS):
            raise ValueError(f"relation: expected one of {RELATIONS} or '', got {self.relation!r}")
        if self.query == self.reference:
            raise ValueError(f"label: expected two different videos, got {self.query!r} twice")

    @property
    def by(self) -> str:
        """The person whose verdict it is; empty where that is unknown, or where it is of a file."""
        source, _, name = self.source.partition(":")
        return name if source == REVIEWED else ""

    @property
    def pair(self) -> PairKey:
        return pair_of(self.query, self.reference)


def implied_verdict(relation: str) -> str:
    """The verdict that a relation implies: ND and DS are copies, CS and IS are not."""
    if relation not in RELATIONS:
        raise ValueError(f"relation: expected one of {RELATIONS}, got {relation!r}")
    return MATCH if relation in ("ND", "DS") else NOT_MATCH


def with_verdict(
    query: str, reference: str, verdict: str, earlier: Label | None, *, by: str = ""
) -> Label:
    """A person's verdict on a pair; of its earlier label the note stays, and a relation that agrees
    with the verdict."""
    relation, note = ("", "") if earlier is None else (earlier.relation, earlier.note)
    agrees = relation and verdict != UNSURE and implied_verdict(relation) == verdict
    kept = relation if agrees else ""
    return Label(query, reference, verdict, kept, reviewed_by(by), note=note)


def reviewed_by(name: str) -> str:
    """The source of a verdict that this person gave; of an unknown one where `name` is empty."""
    return f"{REVIEWED}:{name}" if name else REVIEWED


def is_copy(label: Label, *, upto: Upto = "DS") -> bool | None:
    """Whether the pair is relevant in DSVR (`upto` DS), CSVR (CS) or ISVR (IS); None: unsure.

    Decided by the relation where there is one. By the verdict alone, a match is relevant in all
    three tasks and any other pair in none.
    """
    if label.verdict == UNSURE:
        return None
    if label.relation:
        return RELATIONS.index(label.relation) <= RELATIONS.index(upto)
    return label.verdict == MATCH


def by_pair(labels: Iterable[Label]) -> Mapping[PairKey, Label]:
    """Labels by unordered pair; the last one where a pair has several."""
    return {label.pair: label for label in labels}


def rejected(labels: Iterable[Label]) -> frozenset[PairKey]:
    """Unordered pairs that were judged not to match."""
    return frozenset(pair for pair, label in by_pair(labels).items() if label.verdict == NOT_MATCH)
