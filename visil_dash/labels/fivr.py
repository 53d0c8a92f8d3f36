"""Labels from FIVR-200K's annotation.json (Kordopatis-Zilos et al., 2019).

{query id: {"ND": [video ids], "DS": [...], "CS": [...], "IS": [...]}}. Ids are YouTube's; a
video of the library has the id as its file name without the extension. Further keys, such as DA
(duplicate audio), are not about pictures and are ignored.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from visil_dash.errors import InputError
from visil_dash.labels.label import RELATIONS, Label, PairKey, implied_verdict
from visil_dash.records import VideoRecord

_MOST_CHARACTERS = 50_000_000  # the real file has about 1,500,000
_EXPECTED_FORM = (
    'it should read {"query id": {"ND": ["video id", …], "DS": …, "CS": …, "IS": …}, …}'
)


@dataclass(frozen=True)
class FivrLabels:
    """`labels` of the pairs that are in the library.

    `queries`, `pairs`: how many the file has; `queries_here`: how many queries the library has.
    """

    labels: tuple[Label, ...]
    queries: int
    queries_here: int
    pairs: int


def read_fivr(text: str, videos: Iterable[VideoRecord], *, name: str) -> FivrLabels:
    """The labels of an annotation file called `name`, of those videos that are in `videos`.

    A pair that occurs twice, in both orders or in two lists, keeps its closest relation.
    Raises InputError for a file of another form, and where two videos are named by the same id.
    """
    annotation = parse_annotation(text, name)
    ids = {key for query, lists in annotation.items() for key in (query, *_named(lists))}
    here = _by_stem(videos, ids, name)
    labels: dict[PairKey, Label] = {}
    pairs = 0
    for query, lists in annotation.items():
        for relation in RELATIONS:
            for reference in lists.get(relation, []):
                pairs += 1
                one, other = here.get(query), here.get(reference)
                if one is None or other is None or one == other:
                    continue
                label = Label(one, other, implied_verdict(relation), relation, f"fivr:{name}")
                earlier = labels.get(label.pair)
                if earlier is None or _rank(label) < _rank(earlier):
                    labels[label.pair] = label
    return FivrLabels(
        labels=tuple(labels.values()),
        queries=len(annotation),
        queries_here=sum(query in here for query in annotation),
        pairs=pairs,
    )


def looks_like_fivr(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def _rank(label: Label) -> int:
    return RELATIONS.index(label.relation)


def _named(lists: dict[str, list[str]]) -> list[str]:
    return [key for relation in RELATIONS for key in lists.get(relation, [])]


def parse_annotation(text: str, name: str) -> dict[str, dict[str, list[str]]]:
    """The file's content: by query id, lists of video ids by relation. Raises InputError."""
    if len(text) > _MOST_CHARACTERS:
        raise InputError(name, f"is longer than {_MOST_CHARACTERS:,} characters", "split the file")
    try:
        data: Any = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise InputError(name, f"is not JSON ({error})", _EXPECTED_FORM) from error
    if not isinstance(data, dict):
        raise InputError(name, "is not an object of queries", _EXPECTED_FORM)
    for query, lists in data.items():
        if not isinstance(lists, dict):
            raise InputError(name, f"query {query[:40]!r} has no relations", _EXPECTED_FORM)
        for relation, keys in lists.items():
            listed = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
            if relation in RELATIONS and not listed:
                raise InputError(
                    name,
                    f"query {query[:40]!r}: {relation} is not a list of video ids",
                    _EXPECTED_FORM,
                )
    return data


def _by_stem(videos: Iterable[VideoRecord], ids: set[str], name: str) -> dict[str, str]:
    """Library video id by FIVR id, for the ids in the file."""
    named: dict[str, set[str]] = {}
    for video in videos:
        for file in (video.name, *video.other_names):
            stem = PurePosixPath(file).stem
            if stem in ids:
                named.setdefault(stem, set()).add(video.video_id)
    for stem, several in named.items():
        if len(several) > 1:
            raise InputError(
                name, f"{len(several)} videos are called {stem[:40]!r}", "rename all but one"
            )
    return {stem: next(iter(several)) for stem, several in named.items()}
